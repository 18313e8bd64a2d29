//! The public port: accept, handshake, serve, drain.
//!
//! The acceptor is ours, so that certificates can change without a restart and every wait has an end. Each
//! handshake runs in its own task; an error of one connection, or of `accept`, never ends the loop.

mod connection;
mod phase;
mod turns;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::phase::enter;
pub(crate) use self::phase::{Phase, reached};
use self::turns::Turns;
use crate::limits::{Limits, Seats};
use crate::rpc::{Desk, health_routes, routes};
use crate::{BuildError, LiveTls};

/// How long to wait after `accept` failed: out of file descriptors, most often.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The longest part of a drain in which what is still waited for is told that it is not.
const FAREWELL: Duration = Duration::from_secs(1);

/// The public port of a broker.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    phases: watch::Sender<Phase>,
    accepting: JoinHandle<()>,
}

/// What every connection shares.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) desk: Arc<Desk>,
    pub(crate) routes: tonic::service::Routes,
    pub(crate) health: tonic::service::Routes,
    pub(crate) tls: Arc<LiveTls>,
    pub(crate) limits: Limits,
    pub(crate) seats: Seats,
    /// Seats of handshakes that are not finished.
    pub(crate) handshakes: Seats,
    turns: Turns,
    /// How far the server is on its way to leaving.
    pub(crate) phases: watch::Receiver<Phase>,
}

impl Server {
    /// Binds the address and begins to accept.
    ///
    /// # Errors
    /// [`BuildError::Listen`] when the address cannot be bound.
    pub async fn start(
        listen: SocketAddr,
        desk: Arc<Desk>,
        tls: Arc<LiveTls>,
        limits: Limits,
    ) -> Result<Self, BuildError> {
        let listener = TcpListener::bind(listen).await.map_err(BuildError::Listen)?;
        let address = listener.local_addr().map_err(BuildError::Listen)?;
        let (sender, phases) = watch::channel(Phase::Open);
        let (routes, health) = (routes(Arc::clone(&desk)), health_routes(&desk, &tls, &phases));
        let seats = Seats::new(limits.connections, limits.connections_per_address);
        let handshakes = Seats::new(limits.handshakes, limits.handshakes_per_address);
        let turns = Turns::new(half_of_the_processors());
        let shared = Shared { desk, routes, health, tls, limits, seats, handshakes, turns, phases };
        let accepting = tokio::spawn(accept(listener, shared));
        Ok(Self { address, phases: sender, accepting })
    }

    /// Where it listens; tells the port when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells whoever asks for the broker's health to go elsewhere. Everything is still served.
    pub fn announce(&self) {
        enter(&self.phases, Phase::Announced);
    }

    /// Stops accepting, tells every client to go elsewhere, and waits until the last request is answered or the
    /// time is over. Tells whether all were answered; the last part of the time is for telling the others so.
    pub async fn drain(self, patience: Duration) -> bool {
        let farewell = FAREWELL.min(patience / 4);
        enter(&self.phases, Phase::Leaving);
        // Every connection holds a receiver; none is left when all are closed.
        let drained =
            tokio::time::timeout(patience.saturating_sub(farewell), self.phases.closed()).await.is_ok();
        enter(&self.phases, Phase::Over);
        if !drained {
            let _cut_off = tokio::time::timeout(farewell, self.phases.closed()).await;
        }
        self.accepting.abort();
        drained
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    let mut phases = shared.phases.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = reached(&mut phases, Phase::Leaving) => return,
        };
        match accepted {
            Ok((stream, address)) => connection::spawn(stream, address, &shared),
            Err(error) => {
                tracing::warn!(%error, "connection was not accepted");
                shared.desk.metrics.refused_connections.with_label_values(&["accept"]).inc();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// How many handshakes may compute at once: the rest of the processors belongs to clients that are here.
fn half_of_the_processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).div_ceil(2)
}
