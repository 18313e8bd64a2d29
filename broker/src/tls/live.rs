//! The settings in force, and the word of each change of whom they trust.
//!
//! New connections are made with the settings of the moment. A connection that is open keeps its keys, but not its
//! right to be there: when the authorities change, its certificate is verified again by the new ones, and it must go
//! if they do not vouch for it. There is no resumption, so nobody comes back without showing a certificate.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use lakegate_domain::{Clock, Timestamp};
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, ServerConnection};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::sync::{Semaphore, watch};

use super::identity::validity_of;
use super::settings::{TlsFiles, server_config};
use crate::BuildError;

/// The settings of the public port.
#[derive(Debug)]
pub struct LiveTls {
    config: ArcSwap<ServerConfig>,
    verifier: watch::Sender<Arc<dyn ClientCertVerifier>>,
    /// The authorities in force. Held while settings are replaced.
    client_ca: Mutex<Vec<CertificateDer<'static>>>,
    /// Connections are verified again one at a time, so that a change leaves room for requests.
    again: Arc<Semaphore>,
}

/// What a connection hears of changes of the authorities.
#[derive(Debug)]
pub(crate) struct Trust {
    verifier: watch::Receiver<Arc<dyn ClientCertVerifier>>,
    again: Arc<Semaphore>,
}

impl LiveTls {
    /// The first settings.
    ///
    /// # Errors
    /// As in `tls/settings.rs`, and [`BuildError::ServerCertificate`] when the server's certificate is not valid now.
    pub fn new(files: TlsFiles, now: Timestamp) -> Result<Self, BuildError> {
        let client_ca = files.client_ca.clone();
        let (config, verifier) = settings(files, now)?;
        Ok(Self {
            config: ArcSwap::from_pointee(config),
            verifier: watch::Sender::new(verifier),
            client_ca: Mutex::new(client_ca),
            again: Arc::new(Semaphore::new(1)),
        })
    }

    /// Makes new connections with these files from now on, and has open ones verified again if the authorities are
    /// others. On an error everything stays as it was.
    ///
    /// # Errors
    /// As [`LiveTls::new`].
    pub fn renew(&self, files: TlsFiles, now: Timestamp) -> Result<(), BuildError> {
        let mut client_ca = self.client_ca.lock().unwrap_or_else(PoisonError::into_inner);
        let next_ca = files.client_ca.clone();
        let (config, verifier) = settings(files, now)?;
        // In this order: whoever takes the old settings hears of the new authorities afterwards.
        self.config.store(Arc::new(config));
        if *client_ca != next_ca {
            *client_ca = next_ca;
            self.verifier.send_replace(verifier);
        }
        Ok(())
    }

    /// The settings for a new connection, and what it then hears of.
    pub(crate) fn settings(&self) -> (Arc<ServerConfig>, Trust) {
        let trust = Trust { verifier: self.verifier.subscribe(), again: Arc::clone(&self.again) };
        (self.config.load_full(), trust)
    }
}

impl Trust {
    /// Waits until the authorities do not vouch for a chain any more, leaf first. A connection without a chain was
    /// let in without one and has nothing to lose here.
    pub(crate) async fn lost(mut self, chain: Vec<CertificateDer<'static>>, clock: Arc<dyn Clock>) {
        loop {
            let changed = self.verifier.changed().await.is_ok();
            let Some((leaf, others)) = chain.split_first().filter(|_| changed) else {
                return std::future::pending().await;
            };
            // Never closed.
            let _turn = self.again.acquire().await;
            let verifier = Arc::clone(&self.verifier.borrow_and_update());
            if verifier.verify_client_cert(leaf, others, unix_time(clock.now())).is_err() {
                return;
            }
        }
    }
}

/// The certificates that the other side has shown, leaf first; none when it has shown none.
pub(crate) fn chain_of(connection: &ServerConnection) -> Vec<CertificateDer<'static>> {
    let shown = connection.peer_certificates().unwrap_or_default();
    shown.iter().map(|certificate| certificate.clone().into_owned()).collect()
}

fn unix_time(now: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(now.since(Timestamp::from_seconds(0)))
}

fn settings(
    files: TlsFiles,
    now: Timestamp,
) -> Result<(ServerConfig, Arc<dyn ClientCertVerifier>), BuildError> {
    let leaf = files.chain.first().and_then(|leaf| validity_of(leaf));
    if let Some((begins, ends)) = leaf
        && !(begins <= now && now <= ends)
    {
        return Err(BuildError::ServerCertificate { begins, ends });
    }
    server_config(files)
}
