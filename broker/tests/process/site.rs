//! Everything a broker process needs, in a folder, with its cloud.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use lakegate_client::{Client, ClientConfig, ClientIdentity};
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_testkit::Authority;

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-process] }]
projects: [{ name: p }]
datasets: [{ name: sales, prefix: "gs://lake-process/sales/", project: p }]
rules:
  - { id: r, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }
"#;

/// The configuration that `docs/` shows; files and ports are put in.
const CONFIG: &str = include_str!("../../../docs/examples/broker.toml");

pub(crate) struct Site {
    folder: tempfile::TempDir,
    authority: Authority,
    pub(crate) emulator: Emulator,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let authority = Authority::new().unwrap();
        let key = ServiceAccountKey::generate("lakegate@emulated.iam.gserviceaccount.com").unwrap();
        let config = EmulatorConfig {
            buckets: vec!["lake-process".to_owned()],
            service_accounts: vec![key.account()],
            ..EmulatorConfig::default()
        };
        let emulator = Emulator::start(config).await.unwrap();
        let site = Self { folder: tempfile::tempdir().unwrap(), authority, emulator };
        let server = site.authority.server().unwrap();
        site.write("server.pem", &server.certificate_pem);
        site.write("server.key", &server.key_pem);
        site.write("client-ca.pem", &site.authority.certificate_pem());
        site.write("sealing.key", &"5a".repeat(32));
        site.write("delegation.key", &"d7".repeat(32));
        site.write("source.json", key.key_file(&site.emulator.url()).expose());
        site.write("policy.yaml", POLICY);
        site.write("broker.toml", &site.config());
        site
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let _absent = fs::remove_file(&path);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// The documented configuration, with this site's folder, ports and cloud.
    pub(crate) fn config(&self) -> String {
        let folder = self.folder.path().display().to_string();
        let sts = format!("sts_url = \"{}/v1/token\"\nsettle_seconds = 0", self.emulator.url());
        CONFIG
            .replace("/etc/lakegate", &folder)
            .replace("/var/lib/lakegate", &folder)
            .replace("/var/log/lakegate", &folder)
            .replace("0.0.0.0:8443", "127.0.0.1:0")
            .replace("0.0.0.0:9443", "127.0.0.1:0")
            .replace("settle_seconds = 60", &sts)
            // Probes would be calls between those that tests count; what they find is tested where they are made.
            .replace("canary = \"gs://lake/lakegate-canary\"\n", "")
    }

    /// Starts the process and waits until it says where it serves.
    pub(crate) fn start(&self) -> Running {
        let mut child = broker(&self.path("broker.toml")).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut before = Vec::new();
        let serves =
            lines.by_ref().inspect(|line| before.push(line.clone())).find(|l| l.contains("broker serves"));
        assert!(serves.is_some(), "the broker does not serve: {before:?}");
        let serves = serves.unwrap();
        let line: serde_json::Value = serde_json::from_str(&serves).unwrap();
        let field = |name: &str| line[name].as_str().or(line["fields"][name].as_str()).unwrap().to_owned();
        let (address, admin) = (field("address"), field("admin"));
        // The rest of the log must be read, or the process blocks on a full pipe.
        let log = std::thread::spawn(move || lines.collect::<Vec<_>>().join("\n"));
        Running { child, admin, address, log }
    }

    pub(crate) fn client(&self, broker: &Running, name: &str) -> Client {
        Client::connect(self.client_config(broker, name)).unwrap()
    }

    /// What a client that proves to be `name` is made from.
    pub(crate) fn client_config(&self, broker: &Running, name: &str) -> ClientConfig {
        let issued = self.authority.client(name).unwrap();
        self.bare_config(broker).with_identity(ClientIdentity { chain: issued.chain, key: issued.key })
    }

    /// What a client without any credential is made from.
    pub(crate) fn bare_config(&self, broker: &Running) -> ClientConfig {
        let port = broker.address.rsplit_once(':').unwrap().1;
        let endpoint = format!("https://localhost:{port}").parse().unwrap();
        ClientConfig::new(vec![endpoint], vec![self.authority.certificate()])
    }
}

/// A broker process.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) admin: String,
    address: String,
    log: std::thread::JoinHandle<String>,
}

impl Running {
    /// Sends SIGTERM and waits. Gives the status and the log.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        (status, self.log.join().unwrap())
    }
}

/// The command that starts a broker.
pub(crate) fn broker(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakegate-broker"));
    command.arg("--config").arg(config).stderr(Stdio::piped()).stdout(Stdio::null());
    command
}
