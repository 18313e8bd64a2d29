//! What a broker does with delegation tokens: issues them, believes them, renews and cancels them.

mod bearer;
mod bindings;
mod desk;
mod journal;
mod key_log;
mod places;
mod presented;
mod settings;
mod unknown_keys;
mod view;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use lakegate_delegation::{KeyRing, Quotas, RenewalTerms};
use lakegate_token_store::SealedLog;

use crate::StalenessBounds;

pub(crate) use bearer::Bearer;
pub(crate) use bindings::{bindings_of, pod_binding};
pub(crate) use desk::{DelegationDesk, Named, Wish};
pub use key_log::{KeyLog, KeyLogParts, StoredKeySettings};
pub(crate) use key_log::{KeyLogMetrics, KeyLogState};
pub(crate) use presented::{NotBelieved, PresentedTokens};
pub use settings::{DelegationKeySettings, DelegationSettings, QuotaSettings, ViewSettings};
use unknown_keys::UnknownKeys;
pub(crate) use view::View;

/// The keys in force; one handle for whoever reads them and whoever changes them.
#[derive(Debug, Clone)]
pub struct DelegationKeys {
    ring: Arc<ArcSwap<KeyRing>>,
    unknown: Arc<UnknownKeys>,
    /// How the log does that they come from.
    log: Option<Arc<KeyLogState>>,
}

/// How old what is known of the log of keys may be before an unknown key says nothing: it is looked at every two seconds.
const KEYS_OLD_AFTER: Duration = Duration::from_secs(10);

impl DelegationKeys {
    /// Begins with a ring.
    pub fn new(ring: KeyRing) -> Self {
        Self { ring: Arc::new(ArcSwap::from_pointee(ring)), unknown: Arc::default(), log: None }
    }

    /// Begins with a ring that comes out of a log.
    fn of_log(ring: KeyRing, log: &Arc<KeyLogState>) -> Self {
        Self { log: Some(Arc::clone(log)), ..Self::new(ring) }
    }

    /// Whether there may be newer ones, and the log that would tell cannot be read.
    pub(crate) fn are_old(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.age() > KEYS_OLD_AFTER)
    }

    /// Puts another ring into force. Tokens already believed on open connections are verified again.
    pub fn replace(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
    }

    /// The ring in force.
    pub fn current(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// Where ids of keys are told that are not in the ring.
    pub(crate) fn unknown(&self) -> &UnknownKeys {
        &self.unknown
    }
}

/// What a broker is told about delegation tokens.
#[derive(Debug)]
pub struct Delegation {
    /// Signs and verifies.
    pub keys: DelegationKeys,
    /// How long tokens live, and how long after its date one may still be renewed.
    pub terms: RenewalTerms,
    /// How far the clock of the broker that issued a token may be ahead.
    pub skew: Duration,
    /// What becomes of tokens after their issue, for all brokers.
    pub log: Arc<SealedLog>,
    /// How often the log is looked at.
    pub follow_every: Duration,
    /// For how long a broker goes on that cannot look at it.
    pub staleness: StalenessBounds,
    /// How many tokens there may be.
    pub quotas: Quotas,
    /// The least epoch of the log: a log that is behind it is raised to it.
    pub epoch: u32,
}
