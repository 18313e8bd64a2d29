//! Whether the other side of an open connection may still be there.
//!
//! An authority's word is good until something that it rests on changes: the authorities, a revocation list, or the
//! time. Each request asks, and after a change the first one to ask has the chain verified again before it is answered;
//! so a certificate that was taken back serves nobody from the moment at which the broker has the list. Beside the
//! requests the connection itself waits for its loss, to be closed in time though nobody asks.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lakegate_domain::{Clock, Timestamp};
use rustls_pki_types::CertificateDer;
use tokio::sync::{Notify, Semaphore, watch};

use super::authorities::{Authorities, Vouched};
use super::distrust::Distrust;

/// How often a connection looks at the clock, which may be set.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(20);

/// What a connection hears of changes of whom is trusted.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(super) authorities: watch::Receiver<Arc<Authorities>>,
    /// Rises after each change.
    pub(super) changes: Arc<AtomicU64>,
    /// How many changes there were before the handshake began.
    pub(super) seen: u64,
    /// Connections are verified again one at a time, so that a change leaves room for requests.
    pub(super) again: Arc<Semaphore>,
}

/// The tenure of one connection that showed a certificate.
#[derive(Debug)]
pub(crate) struct Tenure {
    chain: Vec<CertificateDer<'static>>,
    vouched_by: Vouched,
    trust: Trust,
    clock: Arc<dyn Clock>,
    /// The changes that the last word took into account.
    seen: AtomicU64,
    /// The last second for which the last word is good.
    until: AtomicI64,
    /// Once lost, lost for ever.
    lost: OnceLock<Distrust>,
    /// Told when a request finds it lost.
    told: Notify,
}

impl Tenure {
    /// The tenure of a connection for whose chain, leaf first, an authority vouched in the handshake.
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        vouched_by: Vouched,
        trust: Trust,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let (seen, until) = (trust.seen.into(), vouched_by.until.as_seconds().into());
        Arc::new(Self {
            chain,
            vouched_by,
            trust,
            clock,
            seen,
            until,
            lost: OnceLock::new(),
            told: Notify::new(),
        })
    }

    /// Whether the authority that vouched for the connection still does.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Distrust> {
        if let Some(lost) = self.lost.get() {
            return Err(*lost);
        }
        // Read before the authorities and lists are: what changes afterwards is seen by the next one to ask.
        let changes = self.trust.changes.load(Ordering::Acquire);
        let is_known = self.seen.load(Ordering::Acquire) == changes;
        if is_known && now.as_seconds() <= self.until.load(Ordering::Acquire) {
            return Ok(());
        }
        let authorities = Arc::clone(&self.trust.authorities.borrow());
        let again = authorities.vouch(&self.chain, now).and_then(|again| {
            // Whom a connection is by may rest on either.
            let before = &self.vouched_by;
            if again.authority == before.authority && again.policies == before.policies {
                Ok(again)
            } else {
                Err(Distrust::UnknownIssuer)
            }
        });
        match again {
            Ok(again) => {
                self.until.store(again.until.as_seconds(), Ordering::Release);
                self.seen.store(changes, Ordering::Release);
                Ok(())
            }
            Err(distrust) => {
                let lost = *self.lost.get_or_init(|| distrust);
                self.told.notify_one();
                Err(lost)
            }
        }
    }

    /// Waits until the connection has lost its tenure.
    pub(crate) async fn lost(self: Arc<Self>) -> Distrust {
        let mut authorities = self.trust.authorities.clone();
        loop {
            // What changes from here on makes another turn.
            authorities.mark_unchanged();
            let now = self.clock.now();
            let checked = {
                // Never closed.
                let _turn = self.trust.again.acquire().await;
                self.check(now)
            };
            if let Err(distrust) = checked {
                return distrust;
            }
            let left = Timestamp::from_seconds(self.until.load(Ordering::Acquire))
                .plus(Duration::from_secs(1))
                .since(now);
            tokio::select! {
                changed = authorities.changed() => if changed.is_err() {
                    // The settings are gone with their server.
                    return std::future::pending().await;
                },
                () = self.told.notified() => {}
                () = tokio::time::sleep(left.min(LOOK_AT_CLOCK)) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lakegate_domain::SystemClock;
    use lakegate_testkit::{Authority, Issued, der_element};
    use rcgen::{CertificateParams, CustomExtension};

    use super::*;
    use crate::LiveTls;
    use crate::tls::{AuthorityFiles, AuthorityName, ClientCertificates, Revocation, TlsFiles, TlsVersions};

    /// Policies `1.3.7.ARC` (RFC 5280, section 4.2.1.4).
    fn policies(arcs: &'static [u8]) -> impl Fn(&mut CertificateParams) {
        move |params| {
            let ids: Vec<u8> =
                arcs.iter().flat_map(|arc| der_element(0x30, &der_element(6, &[0x2b, 7, *arc]))).collect();
            let content = der_element(0x30, &ids);
            params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 32], content)];
        }
    }

    fn files(root: &Authority) -> TlsFiles {
        let Issued { chain, key, .. } = root.server().unwrap();
        let authorities = vec![AuthorityFiles {
            name: AuthorityName::default_name(),
            certificates: vec![root.certificate()],
            revocation: Revocation::Unchecked,
        }];
        TlsFiles {
            chain,
            key,
            authorities,
            clients: ClientCertificates::Required,
            versions: TlsVersions::Tls13,
        }
    }

    #[test]
    fn xc23_a_connection_is_lost_when_a_policy_that_held_for_it_holds_no_more() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (root, now) = (Authority::new().unwrap(), clock.now());
        let chain = root.client_with("alice", policies(&[1, 2])).unwrap().chain;
        let live = LiveTls::new(files(&root), now).unwrap();
        let trust = live.for_connection(Arc::clone(&clock)).trust;
        let vouched = trust.authorities.borrow().vouch(&chain, now).unwrap();
        let tenure = Tenure::new(chain, vouched, trust, clock);
        let become_a = |change: &dyn Fn(&mut CertificateParams)| {
            live.renew(files(&root.twin_with(change).unwrap()), now).unwrap();
            tenure.check(now)
        };
        assert_eq!(become_a(&policies(&[1, 2, 3])), Ok(()), "both of them still hold");
        assert_eq!(become_a(&policies(&[1])), Err(Distrust::UnknownIssuer));
    }
}
