//! One connection, from accept to close.

mod preface;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::preface::Prefaced;
use super::Shared;
use crate::delegation::PresentedTokens;
use crate::layers::Handler;
use crate::limits::Seat;
use crate::peer::Peer;
use crate::tls::{Trust, chain_of};

/// How long a connection that was asked to go may take beyond the deadline of its last request.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The longest that a connection may go on whose certificate no authority vouches for any more.
const UNTRUSTED: Duration = Duration::from_mins(1);

/// Serves a connection in a task of its own, or drops it when no seat is free.
pub(super) fn spawn(stream: TcpStream, address: SocketAddr, shared: &Shared) {
    let refused = &shared.desk.metrics.refused_connections;
    let Some(seat) = shared.seats.take(address.ip(), &shared.limits) else {
        refused.with_label_values(&["seats"]).inc();
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "socket option was not set");
    }
    tokio::spawn(run(stream, address, shared.clone(), seat));
}

async fn run(stream: TcpStream, address: SocketAddr, shared: Shared, seat: Seat) {
    let refused = shared.desk.metrics.refused_connections.clone();
    let (settings, trust) = shared.tls.settings();
    let acceptor = TlsAcceptor::from(settings);
    match tokio::time::timeout(shared.limits.handshake(), acceptor.accept(stream)).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            shared.desk.metrics.connections.inc();
            serve(stream, trust, address, &shared).await;
            shared.desk.metrics.connections.dec();
        }
        Ok(Ok(_)) => refused.with_label_values(&["alpn"]).inc(),
        Ok(Err(error)) => {
            refused.with_label_values(&["handshake"]).inc();
            tracing::debug!(%address, %error, "handshake failed");
        }
        Err(_) => refused.with_label_values(&["handshake_late"]).inc(),
    }
    drop(seat);
}

async fn serve(stream: TlsStream<TcpStream>, trust: Trust, address: SocketAddr, shared: &Shared) {
    let peer = Peer::after_handshake(address, stream.get_ref().1);
    let now = shared.desk.pipeline.now();
    let certificate_left = peer.ends().map_or(Duration::MAX, |ends| ends.since(now));
    let untrusted = trust.lost(chain_of(stream.get_ref().1), Arc::clone(shared.desk.pipeline.clock()));
    let tokens = shared.desk.delegation.clone().map(PresentedTokens::new);
    let is_proven = {
        let (has_certificate, tokens) = (peer.has_certificate(), tokens.clone());
        move || has_certificate || tokens.as_ref().is_some_and(PresentedTokens::were_believed)
    };
    let (stream, prefaced) = Prefaced::new(stream);
    let (desk, routes, deadline) = (Arc::clone(&shared.desk), shared.routes.clone(), shared.limits.request());
    let handler = Handler { desk, routes, peer, tokens, deadline };
    let service = service_fn(move |request| handler.clone().handle(request));
    let connection = shared.limits.http2().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut stop = shared.stop.clone();
    let old = tokio::time::sleep(shared.limits.connection_age().min(certificate_left));
    let gone = tokio::time::sleep(shared.limits.connection_age() + LAST_WORDS);
    let preface_late = tokio::time::sleep(shared.limits.preface());
    let proof_late = tokio::time::sleep(shared.limits.proof());
    tokio::pin!(old, gone, preface_late, proof_late, untrusted);
    let (mut leaving, mut preface_open, mut proof_open, mut trusted) = (false, true, true, true);
    let last_words = shared.limits.request() + LAST_WORDS;
    let refuse = |cause| shared.desk.metrics.refused_connections.with_label_values(&[cause]).inc();
    loop {
        let leave_within = tokio::select! {
            ended = connection.as_mut() => return log_end(address, ended),
            () = &mut preface_late, if preface_open => {
                preface_open = false;
                if !prefaced.is_complete() {
                    return refuse("preface_late");
                }
                None
            }
            // Anybody can have a connection without a certificate; nobody keeps one without a token.
            () = &mut proof_late, if proof_open => {
                proof_open = false;
                if !is_proven() {
                    return refuse("proof_late");
                }
                None
            }
            // A client that neither finishes nor goes is cut off.
            () = &mut gone, if leaving => return,
            () = &mut untrusted, if trusted => {
                trusted = false;
                shared.desk.metrics.distrusted_connections.inc();
                Some(last_words.min(UNTRUSTED))
            }
            () = &mut old, if !leaving => Some(last_words),
            _ = stop.wait_for(|stopped| *stopped), if !leaving => Some(last_words),
        };
        if let Some(patience) = leave_within {
            leaving = true;
            gone.as_mut().reset(Instant::now() + patience);
            connection.as_mut().graceful_shutdown();
        }
    }
}

fn log_end(address: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "connection ended");
    }
}
