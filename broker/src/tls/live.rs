//! The settings in force, and the word of each change of whom they trust.
//!
//! New connections are made with the settings of the moment. A connection that is open keeps its keys, but not its
//! right to be there: when the authorities change, its certificate is verified again by the new ones, and it must go
//! if they do not vouch for it. There is no resumption, so nobody comes back without showing a certificate.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use lakegate_domain::{Clock, Timestamp};
use rustls::{ServerConfig, ServerConnection};
use rustls_pki_types::CertificateDer;
use tokio::sync::{Semaphore, watch};

use super::authorities::{Authorities, Vouched};
use super::settings::{Template, TlsFiles};
use super::validity::validity_of;
use super::verifier::Verdict;
use crate::BuildError;

/// The settings of the public port.
#[derive(Debug)]
pub struct LiveTls {
    template: ArcSwap<Template>,
    authorities: watch::Sender<Arc<Authorities>>,
    /// Held while settings are replaced.
    renewing: Mutex<()>,
    /// Connections are verified again one at a time, so that a change leaves room for requests.
    again: Arc<Semaphore>,
}

/// What a new connection is made with.
#[derive(Debug)]
pub(crate) struct ForConnection {
    /// Its settings, for it alone.
    pub(crate) config: Arc<ServerConfig>,
    /// What was said of its certificate.
    pub(crate) verdict: Verdict,
    /// What it hears of afterwards.
    pub(crate) trust: Trust,
}

/// What a connection hears of changes of the authorities.
#[derive(Debug)]
pub(crate) struct Trust {
    authorities: watch::Receiver<Arc<Authorities>>,
    again: Arc<Semaphore>,
}

impl LiveTls {
    /// The first settings.
    ///
    /// # Errors
    /// As in `tls/settings.rs`, and [`BuildError::ServerCertificate`] when the server's certificate is not valid now.
    pub fn new(files: TlsFiles, now: Timestamp) -> Result<Self, BuildError> {
        let template = template(files, now)?;
        let authorities = watch::Sender::new(Arc::clone(template.authorities()));
        Ok(Self {
            template: ArcSwap::from_pointee(template),
            authorities,
            renewing: Mutex::default(),
            again: Arc::new(Semaphore::new(1)),
        })
    }

    /// Makes new connections with these files from now on, and has open ones verified again if the authorities are
    /// others. On an error everything stays as it was.
    ///
    /// # Errors
    /// As [`LiveTls::new`].
    pub fn renew(&self, files: TlsFiles, now: Timestamp) -> Result<(), BuildError> {
        let _one_at_a_time = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let are_others = !self.authorities.borrow().are_of(&files.authorities);
        let template = template(files, now)?;
        let authorities = Arc::clone(template.authorities());
        // In this order: whoever takes the old settings hears of the new authorities afterwards.
        self.template.store(Arc::new(template));
        if are_others {
            self.authorities.send_replace(authorities);
        }
        Ok(())
    }

    /// What a new connection is made with.
    pub(crate) fn for_connection(&self, clock: Arc<dyn Clock>) -> ForConnection {
        let trust = Trust { authorities: self.authorities.subscribe(), again: Arc::clone(&self.again) };
        let (config, verdict) = self.template.load().for_connection(clock);
        ForConnection { config: Arc::new(config), verdict, trust }
    }
}

impl Trust {
    /// Waits until the authority that vouched for a chain, leaf first, does so no more. A connection without a chain
    /// was let in without one and has nothing to lose here.
    pub(crate) async fn lost(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        vouched: Option<Vouched>,
        clock: Arc<dyn Clock>,
    ) {
        loop {
            let changed = self.authorities.changed().await.is_ok();
            let Some(vouched) = vouched.as_ref().filter(|_| changed) else {
                return std::future::pending().await;
            };
            // Never closed.
            let _turn = self.again.acquire().await;
            let authorities = Arc::clone(&self.authorities.borrow_and_update());
            let again = authorities.vouch(&chain, clock.now());
            if !again.is_ok_and(|again| again.authority == vouched.authority) {
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

fn template(files: TlsFiles, now: Timestamp) -> Result<Template, BuildError> {
    let leaf = files.chain.first().and_then(|leaf| validity_of(leaf));
    if let Some((begins, ends)) = leaf
        && !(begins <= now && now <= ends)
    {
        return Err(BuildError::ServerCertificate { begins, ends });
    }
    Template::new(files)
}
