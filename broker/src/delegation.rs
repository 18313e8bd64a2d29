//! What a broker does with delegation tokens: issues them, and believes them.

mod presented;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use lakegate_delegation::{Draft, IssueError, Issued, KeyRing, Moment, Terms, TokenId, Views, issue};
use lakegate_domain::{Principal, Timestamp};

pub(crate) use presented::PresentedTokens;
pub use settings::{DelegationKeySettings, DelegationSettings};

/// The keys in force; one handle for whoever reads them and whoever changes them.
#[derive(Debug, Clone)]
pub struct DelegationKeys(Arc<ArcSwap<KeyRing>>);

impl DelegationKeys {
    /// Begins with a ring.
    pub fn new(ring: KeyRing) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(ring)))
    }

    /// Puts another ring into force. Tokens already believed on open connections are verified again.
    pub fn replace(&self, ring: KeyRing) {
        self.0.store(Arc::new(ring));
    }

    /// The ring in force.
    pub fn current(&self) -> Arc<KeyRing> {
        self.0.load_full()
    }
}

/// What a broker is told about delegation tokens.
#[derive(Debug)]
pub struct Delegation {
    /// Signs and verifies.
    pub keys: DelegationKeys,
    /// How long tokens live.
    pub terms: Terms,
    /// How far the clock of the broker that issued a token may be ahead.
    pub skew: Duration,
    /// What is known of renewals and cancellations.
    pub views: Arc<dyn Views>,
}

/// The delegation tokens of one broker.
#[derive(Debug)]
pub(crate) struct DelegationDesk {
    delegation: Delegation,
    /// Hadoop's counter of tokens. It counts those of this process only: nothing goes by it, everything by the 16
    /// random bytes of a token's id.
    issued: AtomicU32,
}

impl DelegationDesk {
    pub(crate) fn new(delegation: Delegation) -> Self {
        Self { delegation, issued: AtomicU32::new(0) }
    }

    /// Makes a token for its owner.
    pub(crate) fn issue(
        &self,
        owner: Principal,
        renewer: Option<Principal>,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        let sequence = self.issued.fetch_add(1, Ordering::Relaxed) & i32::MAX.cast_unsigned();
        let id = TokenId::generate()?;
        let draft = Draft { owner, renewer, real_user: None, id, sequence, store_epoch: 0, binding: None };
        issue(draft, &self.delegation.terms, now, &self.delegation.keys.current())
    }

    /// The ring in force.
    fn ring(&self) -> Arc<KeyRing> {
        self.delegation.keys.current()
    }

    /// What a token presented at this instant is measured by.
    fn moment(&self, now: Timestamp) -> Moment<'_> {
        Moment { now, skew: self.delegation.skew, views: &*self.delegation.views }
    }
}
