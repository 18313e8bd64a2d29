//! Addresses, networks and names, and everything that is none.

use std::sync::Mutex;

use async_trait::async_trait;
use lakegate_testkit::NameServer;

use super::*;
use crate::identity::{DnsResolver, Unresolved};

#[derive(Debug, Default)]
struct Zone(Mutex<HashMap<String, Vec<IpAddr>>>);

#[async_trait]
impl HostResolver for Zone {
    async fn addresses(&self, host: &HostName, family: Family) -> Result<Vec<IpAddr>, Unresolved> {
        let found = self.0.lock().unwrap().get(host.as_str()).cloned();
        let found = found.ok_or_else(|| Unresolved::new("no answer"))?;
        Ok(found.into_iter().filter(|address| Family::of(*address) == family).collect())
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn list(entries: &[&str]) -> Result<HostList, RuleFault> {
    HostList::parse(&entries.iter().map(ToString::to_string).collect::<Vec<_>>(), false)
}

fn admits(entries: &[&str], address: &str) -> Verdict {
    list(entries).unwrap().admits(ip(address), &HostNames::default())
}

#[test]
fn px01_addresses_and_networks_are_as_in_hadoop() {
    let hosts = ["10.0.0.0/24", "10.1.2.3", "2001:db8::/32"];
    assert_eq!(admits(&hosts, "10.0.0.9"), Verdict::Yes);
    assert_eq!(admits(&hosts, "10.0.0.0"), Verdict::Yes, "the first address of a network is in it");
    assert_eq!(admits(&hosts, "10.0.0.255"), Verdict::Yes, "and the last");
    assert_eq!(admits(&hosts, "10.0.1.9"), Verdict::No);
    assert_eq!(admits(&hosts, "10.1.2.3"), Verdict::Yes);
    assert_eq!(admits(&hosts, "::ffff:10.1.2.3"), Verdict::Yes, "one host, two spellings");
    assert_eq!(admits(&["::ffff:10.1.2.3"], "10.1.2.3"), Verdict::Yes);
    assert_eq!(admits(&hosts, "2001:db8:1::1"), Verdict::Yes);
    assert_eq!(admits(&hosts, "2001:db9::1"), Verdict::No);
    assert_eq!(admits(&["10.0.0.77/24"], "10.0.0.1"), Verdict::Yes, "bits of a host do not matter");
}

#[test]
fn px01_px04_no_list_and_empty_entries_are_nowhere() {
    assert_eq!(admits(&[], "10.0.0.1"), Verdict::No);
    assert_eq!(admits(&["", ""], "10.0.0.1"), Verdict::No);
}

#[test]
fn px02_everywhere_wants_a_flag_however_it_is_written() {
    for everywhere in ["*", "0.0.0.0/0", "::/0"] {
        assert_eq!(list(&["10.0.0.1", everywhere]).unwrap_err(), RuleFault::AnyHost, "{everywhere}");
        let flagged = HostList::parse(&[everywhere.to_owned()], true).unwrap();
        assert_eq!(flagged.admits(ip("203.0.113.9"), &HostNames::default()), Verdict::Yes);
    }
}

#[test]
fn px04_what_is_no_host_is_refused() {
    for bad in [
        "gateway",
        "gate_way.example.com",
        "gateway.example.com.",
        "10.1.2.999",
        "10.1.2",
        "10.0.0.0/33",
        "a b",
        "a..b",
        "*.example.com",
        "1",
        " 10.0.0.1",
    ] {
        assert_eq!(list(&[bad]).unwrap_err(), RuleFault::Host, "{bad:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_known_when_resolved_and_unknown_is_not_no() {
    let (names, zone) = (HostNames::default(), Zone::default());
    let list = list(&["10.9.9.9", "Gateway.example.com"]).unwrap();
    let ours: BTreeSet<HostName> = list.names().cloned().collect();
    assert_eq!(list.admits(ip("10.0.0.1"), &names), Verdict::Unknown, "not resolved yet");
    assert_eq!(list.admits(ip("10.9.9.9"), &names), Verdict::Yes, "what does not hang on it holds");
    zone.0.lock().unwrap().insert("gateway.example.com".to_owned(), vec![ip("10.0.0.1")]);
    names.resolve(ours.clone(), &zone).await;
    assert_eq!(list.admits(ip("10.0.0.1"), &names), Verdict::Yes);
    assert_eq!(list.admits(ip("10.0.0.2"), &names), Verdict::No);
    zone.0.lock().unwrap().clear();
    names.resolve(ours.clone(), &zone).await;
    assert_eq!(list.admits(ip("10.0.0.1"), &names), Verdict::Yes, "the last known is good for a while");
    tokio::time::advance(GOOD_FOR + Duration::from_secs(1)).await;
    assert_eq!(list.admits(ip("10.0.0.1"), &names), Verdict::Unknown);
    zone.0.lock().unwrap().insert("gateway.example.com".to_owned(), vec![]);
    names.resolve(ours, &zone).await;
    assert_eq!(list.admits(ip("10.0.0.1"), &names), Verdict::No);
}

#[tokio::test]
async fn px01_a_host_that_dns_says_is_gone_is_refused_at_once_and_is_no_outage() {
    let server = NameServer::start().await.unwrap();
    let resolver = DnsResolver::new(&[server.address()]).unwrap();
    let (names, list) = (HostNames::default(), list(&["gateway.example.com"]).unwrap());
    let ours: BTreeSet<HostName> = list.names().cloned().collect();
    server.put("gateway.example.com", &["10.0.0.1", "fd00::1"]);
    assert!(names.resolve(ours.clone(), &resolver).await);
    for there in ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"] {
        assert_eq!(list.admits(ip(there), &names), Verdict::Yes, "{there}");
    }
    server.put("gateway.example.com", &["10.0.0.1"]);
    assert!(names.resolve(ours.clone(), &resolver).await);
    assert_eq!(list.admits(ip("fd00::1"), &names), Verdict::No, "one family of it is gone");
    server.break_off("gateway.example.com");
    assert!(!names.resolve(ours.clone(), &resolver).await);
    assert_eq!(list.admits(ip("10.0.0.1"), &names), Verdict::Yes, "a server that fails has not said no");
    server.remove("gateway.example.com");
    assert!(names.resolve(ours, &resolver).await);
    for gone in ["10.0.0.1", "10.0.0.2", "fd00::1"] {
        assert_eq!(list.admits(ip(gone), &names), Verdict::No, "{gone}");
    }
}
