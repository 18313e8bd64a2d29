//! The admin port: `/livez`, `/readyz` and `/metrics`, in plain HTTP, for probes and scrapers.
//!
//! It shows nothing that names a principal or a path. Keep it on an address that only the platform reaches.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::{error, warn};

use crate::{HostError, Readiness, Shutdown};

/// The media type of the text exposition format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long open requests may take to end when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A running admin port. It stops with [`AdminServer::stop`], or at once when it is dropped.
#[derive(Debug)]
pub struct AdminServer {
    local_addr: SocketAddr,
    stopping: Shutdown,
    serving: JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Served {
    registry: Registry,
    readiness: Readiness,
}

impl AdminServer {
    /// Opens the port and serves it in the background. Port 0 takes any free one.
    ///
    /// # Errors
    /// [`HostError::Listen`] when the port cannot be opened.
    pub async fn start(
        address: SocketAddr,
        registry: Registry,
        readiness: Readiness,
    ) -> Result<Self, HostError> {
        let failed = |source| HostError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Self::serve(listener, registry, readiness).map_err(failed)
    }

    /// Serves a port that is open already, such as one that was passed to the process.
    ///
    /// # Errors
    /// When the listener does not know its address.
    pub fn serve(listener: TcpListener, registry: Registry, readiness: Readiness) -> std::io::Result<Self> {
        let local_addr = listener.local_addr()?;
        let router = Router::new()
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(Served { registry, readiness });
        let stopping = Shutdown::new();
        let stopped = stopping.clone();
        let serving = tokio::spawn(async move {
            let server = axum::serve(listener, router);
            if let Err(error) = server.with_graceful_shutdown(async move { stopped.wait().await }).await {
                error!(%error, "the admin port failed");
            }
        });
        Ok(Self { local_addr, stopping, serving })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes no new connection, lets open requests end within five seconds, and closes the port.
    pub async fn stop(mut self) {
        self.stopping.trigger();
        if tokio::time::timeout(STOP_WITHIN, &mut self.serving).await.is_err() {
            warn!("requests on the admin port did not end in time");
        }
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn readyz(State(served): State<Served>) -> (StatusCode, String) {
    let missing = served.readiness.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join(", ")))
    }
}

async fn metrics(State(served): State<Served>) -> Response {
    match TextEncoder::new().encode_to_string(&served.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests;
