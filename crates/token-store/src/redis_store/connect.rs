//! Making a connection: TCP, TLS, who we are, what we may do.
//!
//! A connection is handed out only when the server has proved its name, accepted ours, and done every command that
//! the store needs on a key of our prefix. What is wrong for good is told apart from what may pass: a server that
//! is full, still loading or a replica is connected to all the same, since it may answer reads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::Secret;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ErrorKind, Pipeline, ProtocolVersion, RedisConnectionInfo, RedisError, Value,
};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::link::{Live, Task};
use super::reply;
use crate::StoreError;

/// How long an attempt may take, from the first packet to the last answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How many calls may wait to be written.
const WAITING_CALLS: usize = 1024;
/// How long a key lives that only tries our rights out.
const PROBE_MILLIS: u64 = 1_000;

/// Where the server is and who we are to it.
#[derive(Debug)]
pub struct RedisTerms {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it proves its name; none for a connection in the clear.
    pub tls: Option<RedisTls>,
    /// The user that the server knows us as.
    pub username: String,
    /// That user's password.
    pub password: Secret,
    /// What all keys begin with.
    pub prefix: String,
    /// Whether a server may have users without a password.
    pub default_user: DefaultUser,
    /// How many replicas must have a record of a log before it counts as written; none are waited for at 0.
    pub wait_replicas: u32,
    /// Where the spread of waits begins.
    pub seed: u64,
}

/// TLS to the server.
#[derive(Clone)]
pub struct RedisTls {
    /// Whom we trust, and our own certificate if the server wants one.
    pub config: Arc<ClientConfig>,
    /// The name that its certificate must carry.
    pub name: ServerName<'static>,
}

impl fmt::Debug for RedisTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What to think of a server whose default user may run commands without a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultUser {
    /// It is not used: anybody could read and change what we keep there.
    MustBeOff,
    /// It is used.
    MayBeOpen,
}

/// What a connection is for; it is tried out with the commands of that use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Tokens.
    Tokens,
    /// Logs.
    Logs,
}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Dial {
    terms: RedisTerms,
    what_for: Use,
    /// Whether the default user is known to be off; asked once.
    is_closed: bool,
}

impl Dial {
    pub(super) fn new(terms: RedisTerms, what_for: Use) -> Self {
        Self { is_closed: terms.default_user == DefaultUser::MayBeOpen, terms, what_for }
    }

    /// Makes a connection and tries it out.
    pub(super) async fn connect(&mut self) -> Result<Live, StoreError> {
        let attempt = tokio::time::timeout(CONNECT_WITHIN, async {
            if !self.is_closed {
                self.default_user_is_off().await?;
                self.is_closed = true;
            }
            let info = RedisConnectionInfo::default()
                .set_username(&self.terms.username)
                .set_password(self.terms.password.expose());
            let live = self.open(info).await?;
            self.may_do_what_is_needed(&live).await?;
            Ok(live)
        });
        attempt.await.map_err(|_| StoreError::unavailable("no connection in time"))?
    }

    /// A stranger must be told to authenticate.
    async fn default_user_is_off(&self) -> Result<(), StoreError> {
        let live = self.open(RedisConnectionInfo::default()).await?;
        let mut pipeline = Pipeline::new();
        pipeline.cmd("PING");
        let replies = send(&live, &pipeline).await?;
        match replies.first() {
            Some(Value::ServerError(refusal)) if refusal.code() == "NOAUTH" => Ok(()),
            Some(Value::ServerError(refusal)) if refusal.code() != "NOPERM" => {
                Err(reply::refusal(refusal.clone()))
            }
            _ => Err(StoreError::OpenDefaultUser),
        }
    }

    async fn open(&self, info: RedisConnectionInfo) -> Result<Live, StoreError> {
        let RedisTerms { host, port, .. } = &self.terms;
        let tcp = TcpStream::connect((host.as_str(), *port)).await.map_err(StoreError::unavailable)?;
        tcp.set_nodelay(true).map_err(StoreError::unavailable)?;
        match &self.terms.tls {
            None => speak(info, tcp).await,
            Some(RedisTls { config, name }) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), tcp).await.map_err(of_io)?;
                speak(info, stream).await
            }
        }
    }

    /// Does once what the store will do; a refusal for want of rights is final, any other may pass.
    async fn may_do_what_is_needed(&self, live: &Live) -> Result<(), StoreError> {
        let key = format!("{}probe:{:016x}", self.terms.prefix, rand::random::<u64>());
        let (pipeline, needed) = match self.what_for {
            Use::Tokens => token_commands(&key),
            Use::Logs => log_commands(&key, self.terms.wait_replicas),
        };
        for (reply, needed) in send(live, &pipeline).await?.iter().zip(needed) {
            if let Value::ServerError(refusal) = reply {
                match refusal.code() {
                    "NOPERM" => return Err(StoreError::Rights(needed)),
                    code => tracing::warn!(code, "the token store refuses a command for now"),
                }
            }
        }
        Ok(())
    }
}

/// What tokens need, and what to say of each command that is denied.
fn token_commands(key: &str) -> (Pipeline, &'static [&'static str]) {
    let mut pipeline = Pipeline::new();
    pipeline.cmd("SET").arg(key).arg("").arg("PX").arg(PROBE_MILLIS);
    pipeline.cmd("EXISTS").arg(key);
    pipeline.cmd("GETRANGE").arg(key).arg(0).arg(0);
    pipeline.cmd("DEL").arg(key);
    pipeline.cmd("INFO").arg("replication");
    let needed = &[
        "use SET on keys of the prefix",
        "use EXISTS on keys of the prefix",
        "use GETRANGE on keys of the prefix",
        "use DEL on keys of the prefix",
        "use INFO replication",
    ];
    (pipeline, needed)
}

/// What logs need; none of it makes the key.
fn log_commands(key: &str, replicas: u32) -> (Pipeline, &'static [&'static str]) {
    let mut pipeline = Pipeline::new();
    pipeline.cmd("XADD").arg(key).arg("NOMKSTREAM").arg("1-0").arg("r").arg("");
    pipeline.cmd("XRANGE").arg(key).arg("-").arg("+");
    pipeline.cmd("XREVRANGE").arg(key).arg("+").arg("-");
    pipeline.cmd("XTRIM").arg(key).arg("MINID").arg("=").arg("1-0");
    pipeline.cmd("TIME");
    if replicas > 0 {
        // Of none, so the answer comes at once.
        pipeline.cmd("WAIT").arg(0).arg(1);
    }
    let needed = &[
        "use XADD on keys of the prefix",
        "use XRANGE on keys of the prefix",
        "use XREVRANGE on keys of the prefix",
        "use XTRIM on keys of the prefix",
        "use TIME",
        "use WAIT, which `wait_replicas` needs",
    ];
    (pipeline, needed)
}

async fn send(live: &Live, pipeline: &Pipeline) -> Result<Vec<Value>, StoreError> {
    let mut connection = live.connection.clone();
    connection.send_packed_commands(pipeline, 0, pipeline.len()).await.map_err(of_redis)
}

/// Authenticates on an open stream and starts the task that drives it.
async fn speak<S>(info: RedisConnectionInfo, stream: S) -> Result<Live, StoreError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let config =
        AsyncConnectionConfig::new().set_response_timeout(None).set_pipeline_buffer_size(WAITING_CALLS);
    let info = info.set_skip_set_lib_name().set_protocol(ProtocolVersion::RESP2);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&info, stream, config).await.map_err(of_redis)?;
    let over = CancellationToken::new();
    let ended = over.clone();
    let driver = tokio::spawn(async move {
        driver.await;
        ended.cancel();
    });
    Ok(Live { connection, over, stale: CancellationToken::new(), _driver: Task(driver) })
}

fn of_redis(error: RedisError) -> StoreError {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return StoreError::Credentials;
    }
    // The library keeps what it met behind a pointer that errors do not look through.
    let inner = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Inner>());
    let io = inner.and_then(|inner| inner.downcast_ref::<std::io::Error>());
    if io.is_some_and(is_tls) { StoreError::Tls(error.into()) } else { StoreError::unavailable(error) }
}

/// How the library keeps what it met.
type Inner = Arc<dyn std::error::Error + Send + Sync>;

fn of_io(error: std::io::Error) -> StoreError {
    if is_tls(&error) { StoreError::Tls(error.into()) } else { StoreError::unavailable(error) }
}

/// Whether TLS itself failed, and not the network below it.
fn is_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}
