//! Files that change under a running process, well and badly.

use std::time::Duration;

use tokio::time::Instant;

use crate::site::{Running, Site, broker};
use crate::{admin, read};

/// What a process must have seen after a change.
pub(crate) const TEN_SECONDS: Duration = Duration::from_secs(10);

const SALES: &str = "gs://lake-process/sales/x";

/// Waits until something holds; how long it took.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < 3 * TEN_SECONDS, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

/// A metric by name and labels; 0 when it is not there.
pub(crate) async fn metric(broker: &Running, name: &str) -> f64 {
    let metrics = admin(&broker.admin, "/metrics").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |number| number.parse().unwrap())
}

pub(crate) async fn is_failing(broker: &Running, item: &str) -> bool {
    metric(broker, &format!("lakegate_reload_failing{{item=\"{item}\"}}")).await > 0.0
}

pub(crate) fn policy(version: u32, rules: &str) -> String {
    format!(
        r#"
version: {version}
storages: [{{ id: lake, dialect: gcs, buckets: [lake-process] }}]
projects: [{{ name: p }}]
datasets:
  - {{ name: sales, prefix: "gs://lake-process/sales/", project: p }}
  - {{ name: hr, prefix: "gs://lake-process/hr/", project: p }}
rules:
{rules}
"#
    )
}

pub(crate) fn rule(dataset: &str, to: &str) -> String {
    format!(
        "  - {{ id: r-{dataset}-{to}, effect: allow, on: {{ dataset: {dataset} }}, to: [\"principal:{to}\"], \
         operations: [read, list] }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn ps06_ps13_a_policy_that_is_swapped_like_a_config_map_is_in_force_in_time() {
    let site = Site::new().await.mounted();
    let broker = site.start();
    // A client of its own each time: the client tier would serve on.
    let may = async |name: &str| site.client(&broker, name).token_for(SALES, read()).await.is_ok();
    assert!(may("alice").await && !may("bob").await);
    for (version, (in_, out)) in (2..).zip([("bob", "alice"), ("alice", "bob"), ("bob", "alice")]) {
        site.swap("policy", &[("policy.yaml", &policy(version, &rule("sales", in_)))]);
        let took = until("the new policy", async || may(in_).await).await;
        assert!(took < TEN_SECONDS, "ps13: a grant took {took:?}");
        assert!(!may(out).await, "ps06: a token in the broker's tiers serves nobody who lost the right");
    }
    assert!(!is_failing(&broker, "policy").await);
    broker.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn xc25_ps02_bad_files_keep_what_was_in_force_and_are_said_with_file_line_and_key() {
    let site = Site::new().await.mounted();
    let tls = ["server.pem", "server.key", "client-ca.pem"]
        .map(|name| std::fs::read_to_string(site.path("tls").join(name)).unwrap());
    let broker = site.start();
    let (other, ended) = (site.authority.server().unwrap(), site.authority.ended_server().unwrap());
    let half = &tls[0][..tls[0].len() / 2];
    let bad: [(&str, [&str; 3]); 5] = [
        ("server.pem holds no certificate", [half, &tls[1], &tls[2]]),
        ("KeyMismatch", [&tls[0], &other.key_pem, &tls[2]]),
        ("server certificate is not valid now", [&ended.certificate_pem, &ended.key_pem, &tls[2]]),
        ("client-ca.pem holds no certificate", [&tls[0], &tls[1], ""]),
        ("server.key holds no private key", [&tls[0], "", &tls[2]]),
    ];
    let put = |[certificate, key, client_ca]: [&str; 3]| {
        site.swap("tls", &[("server.pem", certificate), ("server.key", key), ("client-ca.pem", client_ca)]);
    };
    let serves = async || {
        site.client(&broker, "alice").token_for(SALES, read()).await.unwrap();
        assert!(admin(&broker.admin, "/readyz").await.starts_with("HTTP/1.1 200"));
    };
    for (said, files) in bad {
        put(files);
        until(said, async || is_failing(&broker, "tls").await).await;
        serves().await;
        put([&tls[0], &tls[1], &tls[2]]);
        until("good files again", async || !is_failing(&broker, "tls").await).await;
    }
    let wrong = policy(2, &rule("sales", "alice").replace("allow", "permit"));
    site.swap("policy", &[("policy.yaml", &wrong)]);
    until("a bad policy", async || is_failing(&broker, "policy").await).await;
    site.swap("keys", &[("sealing.ring", "seals 2 hunter2")]);
    until("a bad key ring", async || is_failing(&broker, "sealing-keys").await).await;
    site.swap("jobs", &[("delegation.ring", "# none\nsigns 2 hunter2")]);
    until("a bad key ring", async || is_failing(&broker, "delegation-keys").await).await;
    serves().await;
    let (status, log) = broker.stop();
    assert!(status.success());
    for (said, _) in bad {
        assert_eq!(log.matches(said).count(), 1, "{said} is not once in: {log}");
    }
    for said in [
        "policy/policy.yaml",
        "rules[0].effect",
        "line 9",
        "sealing.ring",
        "ring, line 1",
        "jobs/delegation.ring",
        "ring, line 2",
    ] {
        assert!(log.contains(said), "{said} is not in: {log}");
    }
    assert!(!log.contains("hunter2") && !log.contains("PRIVATE KEY"), "lg01: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_looks_at_everything_and_ends_nothing() {
    let site = Site::new().await.mounted();
    let broker = site.start();
    site.swap("policy", &[("policy.yaml", "version: 2\n")]);
    until("a bad policy", async || is_failing(&broker, "policy").await).await;
    let refused = "lakegate_reloads_total{item=\"policy\",outcome=\"refused\"}";
    let before = metric(&broker, refused).await;
    broker.signal("-HUP");
    // Nothing was touched: only the signal makes a process look that polls once a day.
    until("a look", async || metric(&broker, refused).await > before).await;
    site.client(&broker, "alice").token_for(SALES, read()).await.unwrap();
    let (status, log) = broker.stop();
    assert!(status.success());
    let summary = log.lines().find(|line| line.contains("reloaded on SIGHUP")).unwrap();
    let line: serde_json::Value = serde_json::from_str(summary).unwrap();
    let all = "sealing-keys,delegation-keys,tls,acting-rules,groups";
    assert_eq!((&line["refused"], &line["unchanged"]), (&"policy".into(), &all.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn xc09_xc25_a_process_does_not_start_on_files_that_it_would_not_take() {
    let site = Site::new().await;
    let ended = site.authority.ended_server().unwrap();
    let ca = site.authority.certificate_pem();
    for (name, text, said) in [
        ("client-ca.pem", "", "client-ca.pem holds no certificate"),
        ("client-ca.pem", &ca[..ca.len() / 2], "client-ca.pem holds no certificate"),
        ("server.pem", &ended.certificate_pem, "not valid now"),
    ] {
        let before = std::fs::read_to_string(site.path(name)).unwrap();
        let key = std::fs::read_to_string(site.path("server.key")).unwrap();
        site.write(name, text);
        if name == "server.pem" {
            site.write("server.key", &ended.key_pem);
        }
        let output = broker(&site.path("broker.toml")).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && log.contains(said), "{said} is not in: {log}");
        site.write(name, &before);
        site.write("server.key", &key);
    }
}
