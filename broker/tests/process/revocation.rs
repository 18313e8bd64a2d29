//! Revocation lists as operators keep them: in files and on the network, rotated while clients call.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use lakegate_client::{Client, DelegationToken, issue_delegation_token};
use lakegate_testkit::{Authority, Issued, RevocationDraft};

use crate::reload::{is_failing, metric, policy, rule, until};
use crate::rotation::{Identity, Load, PATHS, taken};
use crate::site::{Running, Site};
use crate::{admin, read};

/// How the documented configuration says that there are no lists.
const NONE: &str = "revocation = \"none\"";

/// A site with everything mounted, and with lists that are kept there.
async fn site(places: &str) -> Site {
    let site = Site::new().await.mounted();
    let rules = [rule("sales", "alice"), rule("hr", "alice")].concat();
    site.swap("policy", &[("policy.yaml", &policy(1, &rules))]);
    let config = std::fs::read_to_string(site.path("broker.toml")).unwrap();
    assert!(config.contains(NONE));
    site.write("broker.toml", &config.replacen(NONE, &format!("revocation = {{ {places} }}"), 1));
    site
}

/// The same, with one file.
pub(crate) async fn site_with_file() -> Site {
    let site = site("files = [\"LISTS\"]").await;
    let config = std::fs::read_to_string(site.path("broker.toml")).unwrap();
    let lists = site.path("lists").join("clients.crl");
    site.write("broker.toml", &config.replacen("LISTS", lists.to_str().unwrap(), 1));
    site
}

pub(crate) fn list(by: &Authority, number: u64, revoked: &[&Issued]) -> String {
    let revoked: Vec<&[u8]> = revoked.iter().map(|issued| issued.serial.as_slice()).collect();
    by.revocation_list_pem(&RevocationDraft::fresh(number, &revoked)).unwrap()
}

pub(crate) fn keep(site: &Site, lists: &str) {
    site.swap("lists", &[("clients.crl", lists)]);
}

pub(crate) async fn is_ready(broker: &Running) -> bool {
    admin(&broker.admin, "/readyz").await.starts_with("HTTP/1.1 200")
}

/// Whether a client gets a token from the broker; it keeps the one of the path before.
pub(crate) async fn works(client: &Client) -> bool {
    client.token_for(PATHS[0], read()).await.is_ok() && client.token_for(PATHS[1], read()).await.is_ok()
}

pub(crate) fn copy(issued: &Issued) -> Issued {
    let Issued { chain, serial, certificate_pem, key_pem, .. } = issued;
    let (chain, serial) = (chain.clone(), serial.clone());
    let (certificate_pem, key_pem) = (certificate_pem.clone(), key_pem.clone());
    Issued { chain, key: issued.key.clone_key(), serial, certificate_pem, key_pem }
}

#[tokio::test(flavor = "multi_thread")]
async fn xc06_xc09_xc10_lists_in_files_are_followed_and_no_older_one_is_taken() {
    let site = site_with_file().await;
    let broker = site.start();
    let ready = admin(&broker.admin, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("revocation"), "xc09: {ready}");
    let alice = site.authority.client("alice").unwrap();
    let client = || site.client_by(copy(&alice), &broker);
    assert!(!works(&client()).await, "xc09: nobody knows whether it was revoked");
    assert!(is_failing(&broker, "revocation").await);

    keep(&site, &list(&site.authority, 7, &[]));
    until("the first list", async || is_ready(&broker).await).await;
    let kept = client();
    assert!(works(&kept).await && !is_failing(&broker, "revocation").await);
    let issued = issue_delegation_token(site.client_config(&broker, "alice"), None).await.unwrap();

    keep(&site, &list(&site.authority, 8, &[&alice]));
    until("xc06: the open connection is refused", async || !works(&kept).await).await;
    assert!(!works(&client()).await, "xc06: and a new one");
    assert!(works(&site.client_from(&site.authority, &broker, "alice")).await, "another certificate of hers");
    let refused = "lakegate_broker_refused_certificates_total{reason=\"revoked\"}";
    assert!(metric(&broker, refused).await >= 1.0);

    keep(&site, &list(&site.authority, 7, &[]));
    until("xc10: the older list is refused", async || is_failing(&broker, "revocation").await).await;
    let older = "lakegate_broker_revocation_lists_refused_total{authority=\"default\",reason=\"older\"}";
    assert!(metric(&broker, older).await >= 1.0);
    assert!(!works(&client()).await, "xc10");
    let token = DelegationToken::parse(issued.token.expose().to_owned()).unwrap();
    let job = Client::connect(site.bare_config(&broker).with_delegation_token(token)).unwrap();
    assert!(works(&job).await, "who comes by a token needs no certificate");
    assert!(metric(&broker, "lakegate_broker_revocation_age_seconds{authority=\"default\"}").await >= 59.0);
    let (status, log) = broker.stop();
    assert!(status.success());
    assert_eq!(log.matches("revocation list is older than the one in force").count(), 1, "{log}");
    let audit = std::fs::read_to_string(site.path("audit.jsonl")).unwrap();
    assert!(!audit.contains(issued.token.expose()));
}

/// A server that answers everybody with what is in the box, or not at all when there is nothing.
fn place_of(bytes: &Arc<Mutex<Option<Vec<u8>>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}/clients.crl", listener.local_addr().unwrap());
    let bytes = Arc::clone(bytes);
    // It ends with the process: it waits for a connection that never comes.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _read = stream.read(&mut [0; 1024]);
            let Some(bytes) = bytes.lock().unwrap().clone() else { continue };
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", bytes.len());
            let _written = stream.write_all(&[head.as_bytes(), &bytes].concat());
        }
    });
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn xc06_xc11_lists_on_the_network_are_followed_and_kept_when_they_are_out_of_reach() {
    let bytes = Arc::new(Mutex::new(None));
    let site = site(&format!("urls = [\"{}\"]", place_of(&bytes))).await;
    let der = |number, revoked: &[&[u8]]| {
        let draft = RevocationDraft::fresh(number, revoked);
        Some(site.authority.revocation_list(&draft).unwrap())
    };
    let alice = site.authority.client("alice").unwrap();
    *bytes.lock().unwrap() = der(1, &[]);
    let broker = site.start();
    let ready = admin(&broker.admin, "/readyz").await;
    assert!(!ready.contains("revocation"), "the first list is there before anybody is let in: {ready}");
    until("everything else", async || is_ready(&broker).await).await;
    let kept = site.client_by(copy(&alice), &broker);
    assert!(works(&kept).await);
    for bad in [None, Some(b"no list".to_vec())] {
        *bytes.lock().unwrap() = bad;
        broker.signal("-HUP");
        until("a place that fails is told", async || is_failing(&broker, "revocation").await).await;
        assert!(works(&kept).await && is_ready(&broker).await, "xc11: the list in force stays");
        *bytes.lock().unwrap() = der(1, &[]);
        broker.signal("-HUP");
        until("it is good again", async || !is_failing(&broker, "revocation").await).await;
    }
    *bytes.lock().unwrap() = der(2, &[&alice.serial]);
    broker.signal("-HUP");
    until("xc06: the open connection is refused", async || !works(&kept).await).await;
    let (status, log) = broker.stop();
    assert!(status.success(), "{log}");
    assert!(
        log.contains("place of the revocation list cannot be reached") && log.contains("does not parse"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_certificate_authority_and_lists_under_load_loses_no_call() {
    let site = Arc::new(site_with_file().await);
    let (old, new) = (&site.authority, Arc::new(Authority::new().unwrap()));
    keep(&site, &list(old, 1, &[]));
    let broker = Arc::new(site.start());
    let identity_of = |authority: Option<&Arc<Authority>>| -> Identity {
        let (site, broker, authority) = (Arc::clone(&site), Arc::clone(&broker), authority.cloned());
        Arc::new(move || site.client_from(authority.as_deref().unwrap_or(&site.authority), &broker, "alice"))
    };
    let change = async |item: &str, load: &Load, change: &dyn Fn()| {
        let before = taken(&broker, item).await;
        change();
        until(item, async || taken(&broker, item).await > before).await;
        load.go_on().await;
    };
    let tls = |bundle: &str| {
        let Issued { certificate_pem, key_pem, .. } = site.authority.server().unwrap();
        let files = [("server.pem", &*certificate_pem), ("server.key", &*key_pem), ("client-ca.pem", bundle)];
        site.swap("tls", &files);
    };
    let left_behind = identity_of(None)();
    assert!(works(&left_behind).await);
    let both = [old.certificate_pem(), new.certificate_pem()].concat();
    let revoked: Vec<Issued> = (0..4).map(|_| old.client("somebody").unwrap()).collect();

    let load = Load::start(identity_of(None));
    load.go_on().await;
    for number in 1..=4 {
        let revoked: Vec<&Issued> = revoked.iter().take(number).collect();
        let lists = list(old, 1 + number as u64, &revoked);
        change("revocation", &load, &|| keep(&site, &lists)).await;
    }
    // The list of the new authority comes first, waits for its certificate, and is there when its clients are.
    let lists = |number| [list(old, number, &[]), list(&new, number, &[])].concat();
    keep(&site, &lists(6));
    until("nobody signed the list", async || is_failing(&broker, "revocation").await).await;
    load.go_on().await;
    change("tls", &load, &|| tls(&both)).await;
    load.become_another(identity_of(Some(&new))).await;
    change("revocation", &load, &|| keep(&site, &lists(7))).await;
    change("tls", &load, &|| tls(&new.certificate_pem())).await;
    change("revocation", &load, &|| keep(&site, &list(&new, 8, &[]))).await;
    let (calls, failures) = load.stop().await;
    assert!(failures.is_empty(), "{} of {calls} calls failed: {failures:#?}", failures.len());
    assert!(calls > 300, "{calls} calls");
    until("the old authority is out", async || !works(&left_behind).await).await;
    assert!(
        !is_failing(&broker, "tls").await
            && !is_failing(&broker, "revocation").await
            && is_ready(&broker).await
    );
}
