//! Three brokers as operators start them, each with its own way to one Redis.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_broker::App;
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_domain::{Operation, SystemClock};
use lakegate_testkit::{Authority, Caller, RedisKind, RedisServer, Refused, Relay, Weather};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Longer than anything that is waited for; a test that comes here has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How soon a cancellation holds everywhere, and how soon after a partition has healed (invariant 11).
pub(crate) const CANCELLED_WITHIN: Duration = Duration::from_secs(5);
pub(crate) const HEALED_WITHIN: Duration = Duration::from_secs(10);

/// How long a broker goes on that cannot read the log, in seconds: shorter than in production, for a test that ends.
pub(crate) const STRICT_STALE: u64 = 5;
pub(crate) const MAX_STALE: u64 = 20;

pub(crate) const SALES: &str = "gs://lake-one/sales/x";
pub(crate) const STRICT: &str = "gs://lake-one/hr/x";

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
classes: [{ name: careful, staleness: strict }]
datasets:
  - { name: sales, prefix: "gs://lake-one/sales/", project: growth }
  - { name: hr, prefix: "gs://lake-one/hr/", project: growth, class: careful }
rules:
  - { id: sales, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }
  - { id: hr, effect: allow, on: { dataset: hr }, to: ["principal:alice"], operations: [read, list] }
"#;

/// What all brokers are started from.
pub(crate) struct Lake {
    folder: TempDir,
    authority: Arc<Authority>,
    emulator: Emulator,
    pub(crate) redis: RedisServer,
}

/// A broker with its own link to Redis.
pub(crate) struct Node {
    app: App,
    authority: Arc<Authority>,
    pub(crate) link: Relay,
}

impl Lake {
    pub(crate) async fn new(kind: RedisKind) -> Result<Self> {
        let authority = Arc::new(Authority::new()?);
        let key = ServiceAccountKey::generate("lakegate@emulated.iam.gserviceaccount.com")?;
        let config = EmulatorConfig {
            buckets: vec!["lake-one".to_owned()],
            service_accounts: vec![key.account()],
            ..EmulatorConfig::default()
        };
        let emulator = Emulator::start(config).await?;
        let redis = RedisServer::start(kind).await?;
        let lake = Self { folder: tempfile::tempdir()?, authority, emulator, redis };
        let server = lake.authority.server()?;
        lake.write("server.pem", &server.certificate_pem)?;
        lake.write("server.key", &server.key_pem)?;
        lake.write("ca.pem", &lake.authority.certificate_pem())?;
        lake.write("sealing.key", &"5a".repeat(32))?;
        lake.write("source.json", key.key_file(&lake.emulator.url()).expose())?;
        lake.write("policy.yaml", POLICY)?;
        Ok(lake)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.path().join(name);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(file.write_all(text.as_bytes())?)
    }

    fn config(&self, name: &str, redis: SocketAddr) -> String {
        let (here, cloud) = (self.folder.path().display(), self.emulator.url());
        let store = self.redis.settings_toml_through(redis);
        format!(
            r#"listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
cluster = "partition"
max_brokers = 4
audit_file = "{here}/{name}.jsonl"
tls = {{ certificate = "{here}/server.pem", key = "{here}/server.key", client_ca = "{here}/ca.pem", revocation = "none" }}
policy = {{ file = "{here}/policy.yaml" }}
sealing = {{ current = {{ id = 1, file = "{here}/sealing.key" }} }}

[store]
{store}call_millis = 2000

[delegation]
stored = {{}}
view = {{ max_stale_seconds = {MAX_STALE}, strict_stale_seconds = {STRICT_STALE} }}

[[storages]]
id = "lake"
sts_url = "{cloud}/v1/token"
sts_calls_per_minute = 6000
settle_seconds = 0
source = {{ kind = "key-file", path = "{here}/source.json" }}
"#
        )
    }

    /// Starts a broker and waits until it is ready.
    pub(crate) async fn start(&self, name: &str) -> Result<Node> {
        let node = self.begin(name, Weather::Fair).await?;
        until("it is ready", async || node.is_ready().await).await;
        Ok(node)
    }

    /// Starts a broker whose link is like this.
    pub(crate) async fn begin(&self, name: &str, weather: Weather) -> Result<Node> {
        let link = Relay::to(self.redis.address()).await?;
        link.set(weather);
        let config = toml::from_str(&self.config(name, link.address()))?;
        let app = App::build(config, Arc::new(SystemClock)).await?;
        Ok(Node { app, authority: Arc::clone(&self.authority), link })
    }
}

impl Node {
    /// Somebody with a certificate at this broker.
    pub(crate) fn caller(&self, name: &str) -> Result<Caller> {
        Caller::by_certificate(&self.authority, self.app.address(), name)
    }

    /// A job with this token at this broker.
    pub(crate) fn job(&self, token: &str) -> Result<Caller> {
        Caller::by_token(&self.authority, self.app.address(), token)
    }

    /// What becomes of a request of a job: `ok`, or code and reason.
    pub(crate) async fn told(&self, token: &str, path: &str) -> Result<String> {
        Ok(said(self.job(token)?.ask(path, &[Operation::Read]).await))
    }

    /// Waits until a job is told this, and says how long that took.
    pub(crate) async fn until_told(&self, token: &str, path: &str, expected: &str) -> Result<Duration> {
        let began = Instant::now();
        let mut last = String::new();
        while last != expected {
            anyhow::ensure!(began.elapsed() < PATIENCE, "still told {last}, not {expected}");
            last = self.told(token, path).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(began.elapsed())
    }

    /// Whether load balancers may send it requests.
    pub(crate) async fn is_ready(&self) -> bool {
        self.admin("readyz").await.is_ok_and(|text| text.starts_with("200"))
    }

    /// The status and text of a page of the admin port.
    pub(crate) async fn admin(&self, page: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.app.admin_address()).await?;
        stream
            .write_all(format!("GET /{page} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer.trim_start_matches("HTTP/1.1 ").to_owned())
    }

    /// A metric's value.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let page = self.admin("metrics").await?;
        let line = page.lines().find_map(|line| line.strip_prefix(name)).context("no such metric")?;
        Ok(line.trim().parse()?)
    }

    pub(crate) async fn stop(self) {
        self.app.drain().await;
    }
}

/// `ok`, or code and reason.
pub(crate) fn said<T>(answer: Result<T, Refused>) -> String {
    answer.map_or_else(|refused| refused.to_string(), |_| "ok".to_owned())
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}
