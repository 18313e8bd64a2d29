//! The settings in force, and the word of each change of whom they trust.
//!
//! New connections are made with the settings of the moment. A connection that is open keeps its keys, but not its
//! right to be there: when authorities or revocation lists change, its certificate is verified again, and it must go
//! if nobody vouches for it any more (`tenure.rs`). There is no resumption, so nobody comes back without showing a
//! certificate.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use lakegate_domain::{Clock, Timestamp};
use rustls::{ServerConfig, ServerConnection};
use rustls_pki_types::CertificateDer;
use tokio::sync::{Semaphore, watch};

use super::authorities::Authorities;
use super::revocation::RevocationBook;
use super::settings::{Template, TlsFiles};
use super::tenure::Trust;
use super::validity::validity_of;
use super::verifier::Verdict;
use crate::BuildError;

/// The settings of the public port.
#[derive(Debug)]
pub struct LiveTls {
    template: ArcSwap<Template>,
    authorities: watch::Sender<Arc<Authorities>>,
    /// How often authorities or lists changed.
    changes: Arc<AtomicU64>,
    /// Held while settings are replaced.
    renewing: Mutex<()>,
    /// See [`Trust`].
    again: Arc<Semaphore>,
    /// Whether every issuer had a list at some moment; see [`LiveTls::is_complete`].
    was_complete: AtomicBool,
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

impl LiveTls {
    /// The first settings.
    ///
    /// # Errors
    /// As in `tls/settings.rs`, and [`BuildError::ServerCertificate`] when the server's certificate is not valid now.
    pub fn new(files: TlsFiles, now: Timestamp) -> Result<Self, BuildError> {
        let template = template(files, None, now)?;
        template.authorities().begin(now);
        let authorities = watch::Sender::new(Arc::clone(template.authorities()));
        Ok(Self {
            template: ArcSwap::from_pointee(template),
            authorities,
            changes: Arc::default(),
            renewing: Mutex::default(),
            again: Arc::new(Semaphore::new(1)),
            was_complete: AtomicBool::new(false),
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
        let template = template(files, self.template.load().leaf(), now)?;
        let authorities = Arc::clone(template.authorities());
        if are_others {
            authorities.begin(now);
        }
        // In this order: whoever takes the old settings hears of the new authorities afterwards.
        self.template.store(Arc::new(template));
        if are_others {
            self.authorities.send_modify(|in_force| {
                *in_force = authorities;
                self.changes.fetch_add(1, Ordering::AcqRel);
            });
        }
        Ok(())
    }

    /// Has open connections verified again: certificates may have been taken back.
    pub fn recheck(&self) {
        self.authorities.send_modify(|_| {
            self.changes.fetch_add(1, Ordering::AcqRel);
        });
    }

    /// Whether every issuer whose certificates can be taken back has a list, or had at some moment since the start. A
    /// broker that starts waits until it knows enough to let in whoever is good. An issuer that comes later without a
    /// list is refused by itself: all brokers learn of it at once, and must not all go away for everybody else.
    pub fn is_complete(&self, now: Timestamp) -> bool {
        if self.was_complete.load(Ordering::Relaxed) {
            return true;
        }
        let is_complete = self.authorities.borrow().books().all(|book| book.health(now).missing == 0);
        if is_complete {
            self.was_complete.store(true, Ordering::Relaxed);
        }
        is_complete
    }

    /// The revocation lists of those authorities that have any.
    pub(crate) fn books(&self) -> Vec<Arc<RevocationBook>> {
        self.authorities.borrow().books().cloned().collect()
    }

    /// What a new connection is made with.
    pub(crate) fn for_connection(&self, clock: Arc<dyn Clock>) -> ForConnection {
        let trust = Trust {
            seen: self.changes.load(Ordering::Acquire),
            changes: Arc::clone(&self.changes),
            authorities: self.authorities.subscribe(),
            again: Arc::clone(&self.again),
        };
        let (config, verdict) = self.template.load().for_connection(clock);
        ForConnection { config: Arc::new(config), verdict, trust }
    }
}

/// The certificates that the other side has shown, leaf first; none when it has shown none.
pub(crate) fn chain_of(connection: &ServerConnection) -> Vec<CertificateDer<'static>> {
    let shown = connection.peer_certificates().unwrap_or_default();
    shown.iter().map(|certificate| certificate.clone().into_owned()).collect()
}

/// Reads files. A leaf that is in force already may have ended: to refuse what comes with it, such as the removal of an
/// authority, would not make it last longer.
fn template(
    files: TlsFiles,
    in_force: Option<&CertificateDer<'_>>,
    now: Timestamp,
) -> Result<Template, BuildError> {
    let is_new = in_force.is_none() || files.chain.first() != in_force;
    let leaf = files.chain.first().and_then(|leaf| validity_of(leaf));
    if let Some((begins, ends)) = leaf
        && is_new
        && !(begins <= now && now <= ends)
    {
        return Err(BuildError::ServerCertificate { begins, ends });
    }
    Template::new(files)
}
