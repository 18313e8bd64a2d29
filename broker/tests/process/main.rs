//! The broker as operators run it: a process, a configuration file, signals.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod acting;
mod authorities;
mod checking;
mod identities;
mod kept;
mod leaving;
mod reload;
mod reloads;
mod revocation;
mod rotation;
mod shared;
mod site;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lakegate_client::{Client, DelegationToken, issue_delegation_token};
use lakegate_domain::{Operation, OperationSet};
use site::{Site, broker};

#[tokio::test(flavor = "multi_thread")]
async fn a_process_serves_reports_ready_and_drains_on_sigterm() {
    let site = Site::new().await;
    let broker = site.start();
    let token = site.client(&broker, "alice").token_for("gs://lake-process/sales/x", read()).await.unwrap();
    assert_eq!(token.covered()[0].target().to_string(), "gs://lake-process/sales/");
    let answer = admin(&broker.admin, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        admin(&broker.admin, "/metrics").await.contains("lakegate_broker_tokens_total{tier=\"minted\"} 1")
    );
    let limits = fs::read_to_string(format!("/proc/{}/limits", broker.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert!(core.contains(" 0 "), "lg09: {core}");
    let audit = fs::read_to_string(site.path("audit.jsonl")).unwrap();
    assert_eq!(audit.lines().count(), 1);
    assert_eq!(fs::metadata(site.path("audit.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    let (status, log) = broker.stop();
    assert!(status.success(), "{log}");
    assert!(!log.contains("ya29.") && !log.contains("PRIVATE KEY"), "lg01: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_process_serves_what_was_minted_before() {
    let site = Site::new().await;
    let first = site.start();
    site.client(&first, "alice").token_for("gs://lake-process/sales/x", read()).await.unwrap();
    first.stop();
    let exchanges = site.emulator.calls().sts;
    let second = site.start();
    site.client(&second, "alice").token_for("gs://lake-process/sales/y", read()).await.unwrap();
    assert_eq!(site.emulator.calls().sts, exchanges, "the sealed token of the first process serves");
    second.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn px04_what_is_wrong_with_a_configuration_is_said_and_stops_the_start() {
    let site = Site::new().await;
    let good = site.config();
    let cases = [
        (good.replace("max_brokers", "max_borkers"), "max_borkers"),
        (good.replace("[tls]", "[tls]\nallow_anybody = true"), "allow_anybody"),
        (good.replace("ca.pem", "absent.pem"), "absent.pem"),
        (good.replace("sts_url = \"http://127.0.0.1", "sts_url = \"http://198.51.100.7"), "storage lake"),
        (good.replace("[delegation]\ncurrent = 1", "[delegation]\ncurrent = 2"), "delegation"),
        (good.replace("max_life_seconds = 604800", "max_life_seconds = 3600"), "delegation"),
        (good.replacen("listen = \"127.0.0.1:0\"", "listen = 7", 1), "listen"),
    ];
    for (config, named) in cases {
        site.write("broker.toml", &config);
        let output = broker(&site.path("broker.toml")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "started in spite of {named}");
        assert!(said.contains(named), "{named} is not in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_token_outlives_the_process_that_issued_it() {
    let site = Site::new().await;
    let first = site.start();
    let issued = issue_delegation_token(site.client_config(&first, "alice"), None).await.unwrap();
    let (status, log) = first.stop();
    assert!(status.success() && !log.contains(issued.token.expose()), "{log}");
    let second = site.start();
    let token = DelegationToken::parse(issued.token.expose().to_owned()).unwrap();
    let job = Client::connect(site.bare_config(&second).with_delegation_token(token)).unwrap();
    job.token_for("gs://lake-process/sales/x", read()).await.unwrap();
    second.stop();
    let audit = fs::read_to_string(site.path("audit.jsonl")).unwrap();
    assert!(audit.contains("\"proof\":\"delegation_token\"") && !audit.contains(issued.token.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_can_read_stops_the_start() {
    let site = Site::new().await;
    fs::set_permissions(site.path("sealing.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = broker(&site.path("broker.toml")).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("sealing.key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ps01_a_process_without_a_policy_is_alive_but_not_ready() {
    let site = Site::new().await;
    site.write("policy.yaml", "version: 1\nstorages: []\n");
    let broker = site.start();
    assert!(admin(&broker.admin, "/livez").await.starts_with("HTTP/1.1 200"));
    assert!(admin(&broker.admin, "/readyz").await.starts_with("HTTP/1.1 503"));
    let refused =
        site.client(&broker, "alice").token_for("gs://lake-process/sales/x", read()).await.unwrap_err();
    assert!(refused.to_string().contains("POLICY_UNAVAILABLE"), "{refused}");
    broker.stop();
}

pub(crate) fn read() -> OperationSet {
    OperationSet::of(&[Operation::Read])
}

/// One request to the admin port, whole answer as text.
pub(crate) async fn admin(address: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
