//! A site and its processes, each stopped when the test ends.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lakegate_client::{Client, ClientConfig, ClientIdentity};
use lakegate_cloud_emulator::Emulator;
use lakegate_testkit::{Issued, Site, emulate};
use rustls_pki_types::CertificateDer;

/// How long anything may take to come about.
const PATIENCE: usize = 600;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The folder of this build's programs.
pub(crate) fn programs() -> &'static Path {
    let folder = Path::new(env!("CARGO_BIN_EXE_lakegate")).parent().unwrap();
    for program in ["lakegate-broker", "lakegate-generator", "lakegate-loadtest"] {
        assert!(folder.join(program).exists(), "{program} is not built: cargo build --workspace --bins");
    }
    folder
}

/// A lake of three brokers. The cloud runs in the test's own process, where it can be made to fail.
pub(crate) struct Lake {
    pub(crate) site: Site,
    pub(crate) cloud: Emulator,
    redis: Process,
    brokers: Vec<Process>,
    _generator: Process,
    _folder: tempfile::TempDir,
}

/// A process that is killed when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::create(log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}")))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Kills it and waits until it is gone.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends a signal and waits until the process is gone.
    pub(crate) fn end_by(&mut self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

impl Lake {
    /// Starts everything and waits until every broker holds a token of every plain scope.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with a change to the site before anything starts.
    pub(crate) async fn start_with(change: impl FnOnce(&Site)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::lay_out(&folder.path().join("lake"), 3).unwrap();
        change(&site);
        let cloud = emulate(site.folder()).await.unwrap();
        let mut redis = Command::new("redis-server");
        let redis = Process::start(redis.arg(site.path("redis.conf")), &site.path("redis.log"));
        let generator = Process::start(
            Command::new(programs().join("lakegate-generator"))
                .arg("--config")
                .arg(site.path("generator.toml")),
            &site.path("generator.log"),
        );
        let brokers = (1..=3).map(|number| broker(&site, number)).collect();
        let lake = Self { site, cloud, redis, brokers, _generator: generator, _folder: folder };
        lake.warm().await;
        lake
    }

    async fn warm(&self) {
        for (_, admin) in &self.site.ports().brokers {
            let is_warm = || {
                let metrics = get(*admin, "/metrics").unwrap_or_default();
                metrics.contains("lakegate_broker_plain_scopes{state=\"absent\"} 0\n")
                    && !metrics.contains("lakegate_broker_plain_scopes{state=\"held\"} 0\n")
                    && get(*admin, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
            };
            self.until("a warm broker", is_warm).await;
        }
    }

    /// Waits until something holds, a minute at most.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        for _ in 0..PATIENCE {
            if holds() {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("{what} did not come about\n{}", self.logs());
    }

    /// Jobs of a caller.
    pub(crate) fn jobs(&self, name: &str) -> Jobs {
        let issued = self.site.authority().client(name).unwrap();
        let endpoints = self.site.endpoints();
        Jobs { endpoints, authority: self.site.authority().certificate(), issued: Arc::new(issued) }
    }

    pub(crate) fn kill_redis(&mut self) {
        self.redis.kill();
    }

    pub(crate) fn kill_broker(&mut self, number: usize) {
        self.brokers.get_mut(number).unwrap().kill();
    }

    pub(crate) fn broker(&mut self, number: usize) -> &mut Process {
        self.brokers.get_mut(number).unwrap()
    }

    /// All logs, for a failure's report.
    pub(crate) fn logs(&self) -> String {
        let names = ["broker-1.log", "broker-2.log", "broker-3.log", "generator.log", "redis.log"];
        let shown = |name: &&str| {
            let text = std::fs::read_to_string(self.site.path(name)).unwrap_or_default();
            ["== ", name, "\n", &text, "\n"].concat()
        };
        names.iter().map(shown).collect::<Vec<_>>().concat()
    }
}

/// A caller's certificate and the brokers: what every job of hers starts with.
#[derive(Clone)]
pub(crate) struct Jobs {
    endpoints: Vec<String>,
    authority: CertificateDer<'static>,
    issued: Arc<Issued>,
}

impl Jobs {
    /// A client of all brokers that knows nothing yet.
    pub(crate) fn client(&self) -> Client {
        let endpoints = self.endpoints.iter().map(|url| url.parse().unwrap()).collect();
        let config = ClientConfig::new(endpoints, vec![self.authority.clone()]);
        let identity = ClientIdentity { chain: self.issued.chain.clone(), key: self.issued.key.clone_key() };
        Client::connect(config.with_identity(identity)).unwrap()
    }
}

/// A broker with every core dump allowed by whoever started it.
fn broker(site: &Site, number: usize) -> Process {
    let program = programs().join("lakegate-broker");
    let start = format!("ulimit -c unlimited && exec '{}' --config broker-{number}.toml", program.display());
    let mut command = Command::new("bash");
    command.args(["-c", &start]).current_dir(site.folder());
    Process::start(&mut command, &site.path(&format!("broker-{number}.log")))
}

/// One request to an admin port, whole answer as text; none when nobody listens.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The files of a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
