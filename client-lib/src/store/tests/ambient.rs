//! Credentials that lie around on the machine are never used, whatever the brokers say.
//!
//! Environment variables belong to a whole process, so the test that sets them runs another test in a process of its
//! own.

use std::fs;
use std::process::Command;

use super::*;
use crate::error::Refusal;

const INNER: &str = "store::tests::ambient::cl04_whom_the_brokers_do_not_know_the_storage_does_not_see";

/// A login as `gcloud` leaves it in a home directory.
const LOGIN: &str =
    r#"{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"ambient"}"#;

#[tokio::test]
async fn cl04_whom_the_brokers_do_not_know_the_storage_does_not_see() {
    let (bench, peer) = (bench(), Peer::start(|_| object("x")).await);
    let store = store(&bench, &peer);
    store.get(&Path::from("wh/a")).await.unwrap();
    assert_eq!(peer.requests()[0].headers()["authorization"], "Bearer canary-0");
    bench.broker.rewrite(|_| {
        Err(ClientError::Unauthenticated(Refusal { reason: Some("UNAUTHENTICATED"), audit_id: None }))
    });
    for location in ["wh/b", "wh/c"] {
        let error = store.get(&Path::from(location)).await.unwrap_err();
        assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("UNAUTHENTICATED"));
        store.put(&Path::from(location), "x".into()).await.unwrap_err();
        store.list(Some(&Path::from(location))).try_collect::<Vec<_>>().await.unwrap_err();
    }
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn cl04_credentials_in_the_environment_and_in_the_home_directory_are_not_used() {
    let metadata = Peer::start(|_| object(r#"{"access_token":"ambient","expires_in":3600}"#)).await;
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/gcloud")).unwrap();
    let login = home.path().join(".config/gcloud/application_default_credentials.json");
    fs::write(&login, LOGIN).unwrap();
    let mut inner = Command::new(std::env::current_exe().unwrap());
    inner.args(["--exact", INNER, "--nocapture"]).env("HOME", home.path());
    for name in ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"] {
        inner.env(name, &login);
    }
    let address = metadata.url().authority().to_owned();
    for name in ["GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"] {
        inner.env(name, &address);
    }
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        inner.env(name, metadata.url().as_str());
    }
    inner.env("GOOGLE_SERVICE_ACCOUNT_KEY", "{}").env("GOOGLE_BASE_URL", metadata.url().as_str());
    let output = tokio::task::spawn_blocking(move || inner.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
    assert_eq!(metadata.connections(), 0, "nobody asked the metadata server");
}
