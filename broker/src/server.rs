//! The public port: accept, handshake, serve, drain.
//!
//! The acceptor is ours, so that certificates can change without a restart and every wait has an end. Each
//! handshake runs in its own task; an error of one connection, or of `accept`, never ends the loop.

mod connection;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::limits::{Limits, Seats};
use crate::rpc::{Desk, routes};
use crate::{BuildError, LiveTls};

/// How long to wait after `accept` failed: out of file descriptors, most often.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The public port of a broker.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// What every connection shares.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) desk: Arc<Desk>,
    pub(crate) routes: tonic::service::Routes,
    pub(crate) tls: Arc<LiveTls>,
    pub(crate) limits: Limits,
    pub(crate) seats: Seats,
    /// Turns true when the server drains.
    pub(crate) stop: watch::Receiver<bool>,
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
        let (stop, stopped) = watch::channel(false);
        let routes = routes(Arc::clone(&desk));
        let shared = Shared { desk, routes, tls, limits, seats: Seats::default(), stop: stopped };
        let accepting = tokio::spawn(accept(listener, shared));
        Ok(Self { address, stop, accepting })
    }

    /// Where it listens; tells the port when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, tells every client to go elsewhere, and waits until the last request is answered or the
    /// time is over. Tells whether all were answered.
    pub async fn drain(self, patience: Duration) -> bool {
        self.stop.send_replace(true);
        let quiet = async {
            // Every connection holds a receiver; none is left when all are closed.
            self.stop.closed().await;
        };
        let drained = tokio::time::timeout(patience, quiet).await.is_ok();
        self.accepting.abort();
        drained
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    let mut stop = shared.stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
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
