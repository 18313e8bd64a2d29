//! One connection, from accept to close.

mod preface;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::preface::{PrefaceSeen, Prefaced};
use super::phase::enter;
use super::{Phase, Shared, reached};
use crate::delegation::PresentedTokens;
use crate::layers::{Handler, Presented};
use crate::limits::Limits;
use crate::peer::Peer;
use crate::rates::origin;
use crate::tls::{Distrust, ForConnection, Tenure, Trust, Verdict, Vouched, chain_of};

/// How long a connection that was asked to go may take beyond the deadline of its last request.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The longest that a connection may go on whose certificate no authority vouches for any more.
const UNTRUSTED: Duration = Duration::from_mins(1);

/// Serves a connection in a task of its own, or drops it when no seat is free.
pub(super) fn spawn(stream: TcpStream, address: SocketAddr, shared: &Shared) {
    let refused = &shared.desk.metrics.refused_connections;
    let Some(seat) = shared.seats.take(address.ip()) else {
        refused.with_label_values(&["seats"]).inc();
        return;
    };
    let Some(in_handshake) = shared.handshakes.take(address.ip()) else {
        refused.with_label_values(&["handshakes"]).inc();
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "socket option was not set");
    }
    let shared = shared.clone();
    tokio::spawn(async move {
        let shaken = handshake(stream, address, &shared).await;
        drop(in_handshake);
        if let Some((stream, vouched, trust)) = shaken {
            shared.desk.metrics.connections.inc();
            serve(stream, (vouched, trust), address, &shared).await;
            shared.desk.metrics.connections.dec();
        }
        drop(seat);
    });
}

/// Shakes hands, in turns with others and within the time for it.
async fn handshake(
    stream: TcpStream,
    address: SocketAddr,
    shared: &Shared,
) -> Option<(TlsStream<TcpStream>, Option<Vouched>, Trust)> {
    let clock = Arc::clone(shared.desk.pipeline.clock());
    let ForConnection { config, verdict, trust } = shared.tls.for_connection(clock);
    let in_turns = shared.turns.take(origin(address.ip()), TlsAcceptor::from(config).accept(stream));
    let cause = match tokio::time::timeout(shared.limits.handshake(), in_turns).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            let vouched = verdict.get().and_then(|verdict| verdict.as_ref().ok()).cloned();
            return Some((stream, vouched, trust));
        }
        Ok(Ok(_)) => "alpn",
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "handshake failed");
            if let Some(reason) = certificate_at_fault(&verdict, &error) {
                shared.desk.metrics.refused_certificates.with_label_values(&[reason]).inc();
            }
            "handshake"
        }
        Err(_) => "handshake_late",
    };
    shared.desk.metrics.refused_connections.with_label_values(&[cause]).inc();
    None
}

/// What was wrong with the client's certificate, if a handshake failed for that.
fn certificate_at_fault(verdict: &Verdict, error: &std::io::Error) -> Option<&'static str> {
    if let Some(Err(distrust)) = verdict.get() {
        return Some(distrust.as_str());
    }
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    matches!(error, rustls::Error::NoCertificatesPresented).then_some("none")
}

/// Ends when a client did not do in time what it must do first, and says what; never for one that did. Anybody can have
/// a connection without a certificate, and nobody keeps one without a token.
async fn tardiness(limits: Limits, preface: PrefaceSeen, is_proven: impl Fn() -> bool) -> &'static str {
    let preface_late = async {
        tokio::time::sleep(limits.preface()).await;
        if preface.is_complete() {
            std::future::pending::<()>().await;
        }
    };
    let proof_late = async {
        tokio::time::sleep(limits.proof()).await;
        if is_proven() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = preface_late => "preface_late",
        () = proof_late => "proof_late",
    }
}

/// Waits until a connection has lost its tenure. One without a certificate was let in without one and has nothing to
/// lose here.
async fn lost(tenure: Option<Arc<Tenure>>) -> Distrust {
    match tenure {
        Some(tenure) => tenure.lost().await,
        None => std::future::pending().await,
    }
}

/// Who is at the other end of a finished handshake.
fn peer_of(
    stream: &TlsStream<TcpStream>,
    address: SocketAddr,
    vouched: Option<&Vouched>,
    shared: &Shared,
) -> Peer {
    let (identities, mapping) = (&shared.desk.identities, shared.desk.acting.mapping());
    Peer::after_handshake(address, stream.get_ref().1, vouched, identities, mapping)
}

async fn serve(
    stream: TlsStream<TcpStream>,
    (vouched, trust): (Option<Vouched>, Trust),
    address: SocketAddr,
    shared: &Shared,
) {
    let peer = peer_of(&stream, address, vouched.as_ref(), shared);
    let now = shared.desk.pipeline.now();
    let certificate_left = peer.ends().map_or(Duration::MAX, |ends| ends.since(now));
    let clock = Arc::clone(shared.desk.pipeline.clock());
    let chain = chain_of(stream.get_ref().1);
    let tenure = vouched.map(|vouched| Tenure::new(chain, vouched, trust, clock));
    let untrusted = lost(tenure.clone());
    let tokens = shared.desk.delegation.clone();
    let tokens = tokens.map(|desk| PresentedTokens::new(desk, Arc::clone(peer.bindings())));
    let (has_certificate, presented) = (peer.has_certificate(), tokens.clone());
    let is_proven = move || has_certificate || presented.as_ref().is_some_and(PresentedTokens::were_believed);
    let (stream, prefaced) = Prefaced::new(stream);
    let tardy = tardiness(shared.limits, prefaced, is_proven);
    let (mine, phases) = watch::channel(Phase::Open);
    let handler = Arc::new(Handler::new(shared, Presented::new(peer, tenure, tokens), phases));
    let service = service_fn(move |request| Arc::clone(&handler).handle(request));
    let connection = shared.limits.http2().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let (mut phases, mut over) = (shared.phases.clone(), shared.phases.clone());
    let old = tokio::time::sleep(shared.limits.connection_age().min(certificate_left));
    let gone = tokio::time::sleep(shared.limits.connection_age() + LAST_WORDS);
    tokio::pin!(old, gone, tardy, untrusted);
    let last_request = shared.limits.request() + LAST_WORDS;
    let (mut leaving, mut trusted, mut is_over) = (false, true, false);
    loop {
        let leave_within = tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%address, %error, "connection ended");
                }
                return;
            }
            cause = &mut tardy => {
                shared.desk.metrics.refused_connections.with_label_values(&[cause]).inc();
                return;
            }
            // A client that neither finishes nor goes is cut off.
            () = &mut gone, if leaving => return,
            () = reached(&mut over, Phase::Over), if !is_over => {
                is_over = true;
                mine.send_replace(Phase::Over);
                None
            }
            distrust = &mut untrusted, if trusted => {
                trusted = false;
                tracing::info!(%address, %distrust, "connection is trusted no more");
                shared.desk.metrics.distrusted_connections.inc();
                Some(last_request.min(UNTRUSTED))
            }
            () = &mut old, if !leaving => Some(last_request),
            () = reached(&mut phases, Phase::Leaving), if !leaving => Some(last_request),
        };
        if let Some(patience) = leave_within {
            leaving = true;
            enter(&mine, Phase::Leaving);
            gone.as_mut().reset(Instant::now() + patience);
            connection.as_mut().graceful_shutdown();
        }
    }
}
