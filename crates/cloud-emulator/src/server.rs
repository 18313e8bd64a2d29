//! The listener, the connections, and which handler gets which path.
//!
//! Connections are driven here and not by `axum::serve`, because a planned fault must be able to reset one.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get, post};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::cloud::Cloud;
use crate::{faults, oauth, storage};

/// A way for a handler to reset the connection its request came on.
#[derive(Clone, Default)]
pub(crate) struct ConnectionHandle(Arc<Notify>);

impl ConnectionHandle {
    /// Resets the connection; the caller must wait forever after, so that no answer gets out first.
    pub(crate) fn reset(&self) {
        self.0.notify_one();
    }
}

/// The pause after a failed accept, so that a lack of descriptors does not spin.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// Accepts until told to stop; returning ends every connection.
pub(crate) async fn serve(listener: TcpListener, cloud: Arc<Cloud>, mut stopped: watch::Receiver<bool>) {
    let router = router(cloud);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told_to(&mut stopped) => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            },
        }
    }
}

/// Waits for the word to stop, or for the emulator's handle to go.
async fn told_to(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stop| *stop).await);
}

/// One HTTP/1.1 connection, to its end or to a planned reset.
async fn connection(stream: TcpStream, router: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection ended early");
        return;
    }
    let handle = ConnectionHandle::default();
    let reset = Arc::clone(&handle.0);
    let service = TowerToHyperService::new(router.layer(axum::Extension(handle)));
    let mut connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = &mut connection => if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        },
        () = reset.notified() => {
            let stream = connection.into_parts().io.into_inner();
            if let Err(error) = stream.set_zero_linger() {
                tracing::warn!(%error, "connection cannot be reset");
            }
        }
    }
}

fn router(cloud: Arc<Cloud>) -> Router {
    Router::new()
        .route("/token", post(oauth::assertion))
        .route("/v1/token", post(oauth::exchange))
        .route("/v1/projects/{project}/serviceAccounts/{account}", post(oauth::impersonate))
        .route("/computeMetadata/{*path}", get(oauth::metadata))
        .fallback(any(storage::handle))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&cloud), faults::misbehave))
        .with_state(cloud)
}
