//! Everything a broker process needs, in a folder, with its cloud.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use lakegate_client::{Client, ClientConfig, ClientIdentity};
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_testkit::{Authority, Issued};

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-process] }]
projects: [{ name: p }]
datasets:
  - { name: sales, prefix: "gs://lake-process/sales/", project: p }
  - { name: exports, prefix: "gs://lake-process/exports/", project: p }
rules:
  - { id: r, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }
  - { id: s, effect: allow, on: { dataset: exports }, to: ["principal:alice"], operations: [read, list] }
"#;

/// What is mounted like a volume, by folder.
const MOUNTS: [(&str, &[&str]); 4] = [
    ("policy", &["policy.yaml"]),
    ("tls", &["server.pem", "server.key", "client-ca.pem"]),
    ("keys", &["sealing.ring"]),
    ("jobs", &["delegation.ring"]),
];

/// The configuration that `docs/` shows; files and ports are put in.
const CONFIG: &str = include_str!("../../../docs/examples/broker.toml");

pub(crate) struct Site {
    folder: tempfile::TempDir,
    pub(crate) authority: Authority,
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
        site.write("acting.toml", include_str!("../../../docs/examples/acting.toml"));
        site.write("groups.toml", include_str!("../../../docs/examples/groups.toml"));
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
        write_secret(&path, text);
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
            .replace("drain_notice_seconds = 5", "drain_notice_seconds = 1")
            .replace("canary = \"gs://lake/lakegate-canary\"\n", "")
    }

    /// Moves what can be reloaded into folders that are swapped as a whole, as Kubernetes mounts volumes, and looks at
    /// the policy by polling too seldom for a test to see it.
    pub(crate) fn mounted(self) -> Self {
        self.write("sealing.ring", &["seals 1 ", &"5a".repeat(32)].concat());
        self.write("delegation.ring", &["signs 1 ", &"d7".repeat(32)].concat());
        let mut config = self.config();
        for (folder, names) in MOUNTS {
            let files: Vec<(&str, String)> =
                names.iter().map(|name| (*name, fs::read_to_string(self.path(name)).unwrap())).collect();
            let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
            self.swap(folder, &files);
            for name in names {
                let (plain, mounted) = (self.path(name), self.path(folder).join(name));
                fs::remove_file(&plain).unwrap();
                config = config.replace(plain.to_str().unwrap(), mounted.to_str().unwrap());
            }
        }
        let (sealing, jobs) = (self.path("sealing.key"), self.path("delegation.key"));
        let sealing = format!("current = {{ id = 1, file = \"{}\" }}", sealing.display());
        let jobs = format!("current = 1\nkeys = [{{ id = 1, file = \"{}\" }}]", jobs.display());
        for (keys, ring) in [(sealing, "keys/sealing.ring"), (jobs, "jobs/delegation.ring")] {
            assert!(config.contains(&keys));
            config = config.replace(&keys, &format!("ring = \"{}\"", self.path(ring).display()));
        }
        assert!(config.contains("reload_seconds = 2"));
        self.write("broker.toml", &config.replace("reload_seconds = 2", "reload_seconds = 86400"));
        self
    }

    /// Puts files into a folder as Kubernetes does: into a directory of their own, to which a link is renamed.
    pub(crate) fn swap(&self, folder: &str, files: &[(&str, &str)]) {
        let (folder, data) = (self.path(folder), self.path(folder).join("..data"));
        let before = fs::read_link(&data).ok();
        let number = before.as_ref().map_or(0, |old| old.to_str().unwrap()[2..].parse::<u32>().unwrap());
        let next = format!("..{}", number + 1);
        fs::create_dir_all(folder.join(&next)).unwrap();
        for (name, text) in files {
            write_secret(&folder.join(&next).join(name), text);
            if before.is_none() {
                symlink(Path::new("..data").join(name), folder.join(name)).unwrap();
            }
        }
        symlink(&next, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), &data).unwrap();
        if let Some(before) = before {
            fs::remove_dir_all(folder.join(before)).unwrap();
        }
    }

    /// Starts the process and waits until it says where it serves.
    pub(crate) fn start(&self) -> Running {
        Self::run(broker(&self.path("broker.toml")))
    }

    /// Starts a second process, with a store and an audit log of its own.
    pub(crate) fn start_another(&self) -> Running {
        let another = self.config().replace("tokens.redb", "more.redb").replace("audit.jsonl", "more.jsonl");
        self.write("another.toml", &another);
        Self::run(broker(&self.path("another.toml")))
    }

    fn run(mut command: Command) -> Running {
        let mut child = command.spawn().unwrap();
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
        Running { child, admin, address, log: Some(log) }
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
        self.config_of(std::slice::from_ref(&broker.address))
    }

    /// A client of several brokers that keeps one token, so that it asks for nearly every path.
    pub(crate) fn client_of(&self, addresses: &[String], name: &str) -> Client {
        let issued = self.authority.client(name).unwrap();
        let identity = ClientIdentity { chain: issued.chain, key: issued.key };
        let mut config = self.config_of(addresses).with_identity(identity);
        config.tier_capacity = 1;
        Client::connect(config).unwrap()
    }

    fn config_of(&self, addresses: &[String]) -> ClientConfig {
        let endpoint = |address: &String| {
            format!("https://localhost:{}", address.rsplit_once(':').unwrap().1).parse().unwrap()
        };
        let endpoints = addresses.iter().map(endpoint).collect();
        ClientConfig::new(endpoints, vec![self.authority.certificate()])
    }

    /// A client whose certificate another authority made. It keeps one token: whoever asks for two things in turn
    /// asks the broker each time.
    pub(crate) fn client_from(&self, authority: &Authority, broker: &Running, name: &str) -> Client {
        self.client_by(authority.client(name).unwrap(), broker)
    }

    /// A client with this certificate, which keeps one token, too.
    pub(crate) fn client_by(&self, issued: Issued, broker: &Running) -> Client {
        let mut config = self.bare_config(broker);
        config.tier_capacity = 1;
        let identity = ClientIdentity { chain: issued.chain, key: issued.key };
        Client::connect(config.with_identity(identity)).unwrap()
    }
}

fn write_secret(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A broker process.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) admin: String,
    pub(crate) address: String,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    /// Sends SIGTERM and waits. Gives the status and the log.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        self.terminate();
        self.wait()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for the end. Gives the status and the log.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Running {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The command that starts a broker.
pub(crate) fn broker(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakegate-broker"));
    command.arg("--config").arg(config).stderr(Stdio::piped()).stdout(Stdio::null());
    command
}
