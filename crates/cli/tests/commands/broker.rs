//! Commands that talk to a broker.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Output;

use lakegate_testkit::{Deployment, Options};

use crate::{lakegate, stderr, stdout};

/// A deployment and the certificates of its people in files.
pub(crate) struct Lake {
    pub(crate) deployment: Deployment,
}

impl Lake {
    pub(crate) async fn new() -> Self {
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

    pub(crate) fn write(&self, name: &str, text: &str) {
        use std::io::Write;
        let path = self.deployment.folder().join(name);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.deployment.folder().join(name)
    }

    /// Runs a command as somebody.
    pub(crate) async fn run(&self, name: &str, args: &[&str]) -> Output {
        let file = |ending: &str| self.path(&[name, ending].concat()).display().to_string();
        self.run_with(args, &["--cert", &file(".pem"), "--key", &file(".key")]).await
    }

    /// Runs a command without a certificate, by the delegation token in a file.
    pub(crate) async fn run_by_token(&self, token: &str, args: &[&str]) -> Output {
        let file = self.path(token).display().to_string();
        self.run_with(args, &["--delegation-token-file", &file]).await
    }

    /// Runs a command with these arguments and with where the broker is.
    pub(crate) async fn run_with(&self, args: &[&str], credential: &[&str]) -> Output {
        let (broker, ca) = (self.deployment.endpoint(), self.path("ca.pem").display().to_string());
        let place = ["--broker", &broker, "--ca", &ca];
        let args: Vec<String> =
            [args, &place, credential].into_iter().flatten().map(ToString::to_string).collect();
        let run = tokio::task::spawn_blocking(move || {
            lakegate(&args.iter().map(String::as_str).collect::<Vec<_>>())
        });
        run.await.unwrap()
    }
}

pub(crate) const SALES: &str = "gs://lake-sample/warehouse/sales/";

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
