//! The one connection that all calls share, and the task that keeps it.
//!
//! Without a connection a call fails at once; it never waits for one. A connection is given up when a call on it
//! was dropped or failed, when replies and commands do not go together, or when its far end is gone; calls already
//! on it may finish, and the next ones find the new connection or none. Attempts are spread and become rarer.
//! When the server says that it is a replica the connection is exchanged in the background and goes on reading
//! meanwhile: the name may lead to the new primary.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::connect::{Dial, RedisTerms, Use};
use super::reply::{OutOfStep, Trouble, refusal};
use crate::{StoreError, StoreHealth};

/// The first wait before a new attempt, before luck shortens it.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The longest for logs: what was cancelled elsewhere must be known here within ten seconds of a cut's end.
const LONGEST_WAIT_FOR_LOGS: Duration = Duration::from_secs(1);
/// A connection that lived this long is followed by a quick attempt again.
const LASTING: Duration = Duration::from_secs(5);

/// A connection with the task that drives it.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    /// Nobody may begin a call on it any more.
    pub(super) over: CancellationToken,
    /// Another one should take its place.
    pub(super) stale: CancellationToken,
    /// Reads and writes while somebody holds this.
    pub(super) _driver: Task,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What calls and the keeper share.
#[derive(Debug, Default)]
struct Shared {
    live: ArcSwapOption<Live>,
    connections: AtomicU64,
}

/// The connection, kept alive until this is dropped.
#[derive(Debug)]
pub(super) struct Link {
    shared: Arc<Shared>,
    _keeper: Task,
}

/// Gives the connection up unless the call came to its end.
struct InCall<'a>(Option<&'a Live>);

impl Drop for InCall<'_> {
    fn drop(&mut self) {
        if let Some(live) = self.0 {
            live.over.cancel();
        }
    }
}

impl Link {
    /// Makes the first attempt, then keeps the connection in the background.
    pub(super) async fn start(terms: RedisTerms, what_for: Use) -> Result<Self, StoreError> {
        let mut keeper = Keeper::new(terms, what_for);
        match keeper.dial.connect().await {
            Ok(live) => keeper.publish(live),
            Err(error) if error.is_misconfiguration() => return Err(error),
            Err(error) => {
                warn!(error = %chain(&error), "the token store cannot be used yet; attempts go on");
            }
        }
        let shared = Arc::clone(&keeper.shared);
        Ok(Self { shared, _keeper: Task(tokio::spawn(keeper.run())) })
    }

    /// Sends commands and takes their replies apart.
    pub(super) async fn call<T>(
        &self,
        pipeline: &Pipeline,
        take: impl FnOnce(Vec<Value>) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        let live = self.shared.live.load_full().filter(|live| !live.over.is_cancelled());
        let live = live.ok_or_else(|| StoreError::unavailable("there is no connection"))?;
        let mut in_call = InCall(Some(&live));
        let mut connection = live.connection.clone();
        let replies = connection.send_packed_commands(pipeline, 0, pipeline.len()).await;
        match take(replies.map_err(StoreError::unavailable)?) {
            Ok(taken) => {
                in_call.0 = None;
                Ok(taken)
            }
            Err(Trouble::Refused(answer)) => {
                in_call.0 = None;
                if answer.code() == "READONLY" {
                    live.stale.cancel();
                }
                Err(refusal(answer))
            }
            Err(Trouble::OutOfStep) => {
                error!("replies of the token store do not fit its commands; the connection is given up");
                Err(StoreError::unavailable(OutOfStep))
            }
        }
    }

    /// Whether there ever was a connection, and how many there were.
    pub(super) fn health(&self) -> StoreHealth {
        let connections = self.shared.connections.load(Ordering::Relaxed);
        StoreHealth { reached: connections > 0, connections, ..StoreHealth::default() }
    }
}

/// Keeps the connection.
struct Keeper {
    dial: Dial,
    shared: Arc<Shared>,
    wait: Duration,
    longest_wait: Duration,
    luck: StdRng,
}

impl Keeper {
    fn new(terms: RedisTerms, what_for: Use) -> Self {
        let luck = StdRng::seed_from_u64(terms.seed);
        let longest_wait = match what_for {
            Use::Tokens => LONGEST_WAIT,
            Use::Logs => LONGEST_WAIT_FOR_LOGS,
        };
        Self {
            dial: Dial::new(terms, what_for),
            shared: Arc::default(),
            wait: FIRST_WAIT,
            longest_wait,
            luck,
        }
    }

    fn publish(&self, live: Live) {
        self.shared.live.store(Some(Arc::new(live)));
        self.shared.connections.fetch_add(1, Ordering::Relaxed);
        info!("connected to the token store");
    }

    async fn run(mut self) {
        loop {
            let live = self.shared.live.load_full();
            if let Some(live) = live {
                self.watch(&live).await;
            }
            tokio::time::sleep(self.next_wait()).await;
            match self.dial.connect().await {
                Ok(live) => self.publish(live),
                Err(error) if error.is_misconfiguration() => {
                    error!(error = %chain(&error), "the token store does not let this process in");
                }
                Err(error) => warn!(error = %chain(&error), "the token store cannot be reached"),
            }
        }
    }

    /// Waits until the connection should be replaced; one that is only stale stays in use until it is.
    async fn watch(&mut self, live: &Arc<Live>) {
        let began = Instant::now();
        tokio::select! {
            () = live.over.cancelled() => {}
            () = live.stale.cancelled() => {}
        }
        if live.over.is_cancelled() {
            self.shared.live.store(None);
        }
        if began.elapsed() >= LASTING {
            self.wait = FIRST_WAIT;
        }
    }

    fn next_wait(&mut self) -> Duration {
        let wait = self.wait.mul_f64(self.luck.random_range(0.5..=1.0));
        self.wait = (self.wait * 2).min(self.longest_wait);
        wait
    }
}

/// An error with its causes, for one line of a log.
fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
