//! Broker processes on a real Redis: what stops the start, what does not, and what is shared.

use std::time::Duration;

use lakegate_testkit::{RedisClients, RedisKind, RedisServer};

use super::{admin, read};
use crate::site::{Site, broker};

/// Longer than anything that is waited for; a test that comes here has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The documented configuration with this table `[store]`.
fn on(site: &Site, store: &str) -> String {
    let config = site.config();
    let (before, rest) = config.split_once("[store]").unwrap();
    let (_, after) = rest.split_once("\n# 64 hexadecimal").unwrap();
    format!("{before}[store]\n{store}\n# 64 hexadecimal{after}")
}

fn patient(server: &RedisServer) -> String {
    server.settings_toml() + "call_millis = 2000\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn rd11_a_store_that_is_not_safe_or_does_not_know_us_stops_the_start() {
    let site = Site::new().await;
    let server = RedisServer::start(RedisKind::Redis).await.unwrap();
    let open = RedisServer::start_for(RedisKind::Redis, RedisClients::Anybody).await.unwrap();
    site.write("wrong.password", "canary-71f0");
    let (good, folder) = (server.settings_toml(), site.path(""));
    let wrong = format!("{}wrong.password", folder.display());
    let right = format!("{}/password", server.folder().display());
    let cases = [
        (good.replace("rediss://", "redis://"), "`insecure` is not set"),
        (good.replace("\"lakegate\"", "\"default\""), "`default`"),
        (good.replace(&right, &wrong), "does not accept this user name and password"),
        (good.replace(&right, "/nowhere"), "/nowhere"),
        (good.replace("/ca.pem", "/absent.pem"), "certificates"),
        (good.replace(&server.folder().display().to_string(), &open.folder().display().to_string()), "TLS"),
        (open.settings_toml(), "default user"),
        (good.clone() + "tls = false\n", "tls"),
    ];
    for (store, named) in cases {
        site.write("broker.toml", &on(&site, &store));
        let output = broker(&site.path("broker.toml")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "started in spite of {named}");
        assert!(said.contains(named), "{named} is not in: {said}");
        assert!(!said.contains("canary-71f0") && !said.contains(server.password()), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_its_store_is_alive_and_ready_only_when_the_store_has_come() {
    let site = Site::new().await;
    let mut server = RedisServer::start(RedisKind::Redis).await.unwrap();
    server.kill();
    site.write("broker.toml", &on(&site, &patient(&server)));
    let broker = site.start();
    assert!(admin(&broker.admin, "/livez").await.starts_with("HTTP/1.1 200"));
    let unready = admin(&broker.admin, "/readyz").await;
    assert!(unready.starts_with("HTTP/1.1 503") && unready.contains("store"), "{unready}");
    // It answers who comes all the same, from its reserve.
    let token = site.client(&broker, "alice").token_for("gs://lake-process/sales/x", read()).await;
    assert!(token.is_ok(), "{token:?}");
    server.restart().await.unwrap();
    ready(&broker.admin).await;
    // One that loses its store stays ready: its peers lost it too.
    server.kill();
    assert!(admin(&broker.admin, "/readyz").await.starts_with("HTTP/1.1 200"));
    let (status, log) = broker.stop();
    assert!(status.success(), "{log}");
    assert!(!log.contains(server.password()), "lg01: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_what_one_of_them_minted() {
    for kind in [RedisKind::Redis, RedisKind::Valkey] {
        let site = Site::new().await;
        let server = RedisServer::start(kind).await.unwrap();
        site.write("broker.toml", &on(&site, &patient(&server)));
        let first = site.start();
        site.client(&first, "alice").token_for("gs://lake-process/sales/x", read()).await.unwrap();
        let exchanges = site.emulator.calls().sts;
        // What is minted is shared behind the answer's back; a process that stops waits for it.
        first.stop();
        let second = site.start();
        ready(&second.admin).await;
        site.client(&second, "alice").token_for("gs://lake-process/sales/y", read()).await.unwrap();
        assert_eq!(site.emulator.calls().sts, exchanges, "the first one's token serves");
        second.stop();
    }
}

async fn ready(address: &str) {
    let ready = tokio::time::timeout(PATIENCE, async {
        while !admin(address, "/readyz").await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(ready.await.is_ok(), "never ready");
}
