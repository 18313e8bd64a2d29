//! Commands that talk to a broker.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Output;

use lakegate_testkit::{Deployment, Options};

use crate::{lakegate, stderr, stdout};

/// A deployment and the certificates of its people in files.
struct Lake {
    deployment: Deployment,
}

impl Lake {
    async fn new() -> Self {
        let deployment = Deployment::start(Options::sample().unwrap()).await.unwrap();
        let lake = Self { deployment };
        lake.write("ca.pem", &lake.deployment.authority().certificate_pem());
        for name in ["alice", "bob", "root-admin"] {
            let issued = lake.deployment.authority().client(name).unwrap();
            lake.write(&[name, ".pem"].concat(), &issued.certificate_pem);
            lake.write(&[name, ".key"].concat(), &issued.key_pem);
        }
        lake
    }

    fn write(&self, name: &str, text: &str) {
        use std::io::Write;
        let path = self.deployment.folder().join(name);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.deployment.folder().join(name)
    }

    /// Runs a command as somebody.
    async fn run(&self, name: &str, args: &[&str]) -> Output {
        let file = |name: String| self.path(&name).display().to_string();
        let (ca, cert) = (file("ca.pem".to_owned()), file(format!("{name}.pem")));
        let (key, broker) = (file(format!("{name}.key")), self.deployment.endpoint());
        let args: Vec<String> = args
            .iter()
            .map(ToString::to_string)
            .chain(["--broker".to_owned(), broker, "--ca".to_owned(), ca])
            .chain(["--cert".to_owned(), cert, "--key".to_owned(), key])
            .collect();
        let run = tokio::task::spawn_blocking(move || {
            lakegate(&args.iter().map(String::as_str).collect::<Vec<_>>())
        });
        run.await.unwrap()
    }
}

const SALES: &str = "gs://lake-sample/warehouse/sales/";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_without_its_secret_unless_it_is_asked_for() {
    let lake = Lake::new().await;
    let table = lake.run("alice", &["token", "get", SALES, "--op", "read+list"]).await;
    assert_eq!(table.status.code(), Some(0), "{}", stderr(&table));
    assert!(stdout(&table).contains(SALES) && !stdout(&table).contains("ya29."), "{}", stdout(&table));
    let bearer = lake.run("alice", &["token", "get", SALES, "--bearer"]).await;
    assert!(stdout(&bearer).starts_with("ya29."));
    let json = lake.run("alice", &["-o", "json", "token", "get", SALES]).await;
    let document: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(document["covered"], serde_json::json!([format!("{SALES} [read+list]")]));
    assert_eq!(document["token"].as_str().unwrap(), stdout(&bearer).trim());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_outages_have_exit_codes_of_their_own() {
    let lake = Lake::new().await;
    let denied = lake.run("bob", &["token", "get", SALES]).await;
    assert_eq!(denied.status.code(), Some(3), "{}", stderr(&denied));
    assert!(stderr(&denied).contains("audit id"));
    let explained = lake.run("bob", &["explain", SALES]).await;
    assert_eq!(explained.status.code(), Some(3));
    let others = lake.run("bob", &["explain", SALES, "--principal", "alice"]).await;
    assert_eq!(others.status.code(), Some(3), "only administrators ask about others");
    let administrator = lake.run("root-admin", &["explain", SALES, "--principal", "alice"]).await;
    assert_eq!(administrator.status.code(), Some(0), "{}", stderr(&administrator));
    let nobody = lakegate(&[
        "token",
        "get",
        SALES,
        "--broker",
        "https://localhost:9",
        "--ca",
        lake.path("ca.pem").to_str().unwrap(),
        "--cert",
        lake.path("bob.pem").to_str().unwrap(),
        "--key",
        lake.path("bob.key").to_str().unwrap(),
    ]);
    assert_eq!(nobody.status.code(), Some(6), "{}", stderr(&nobody));
}
