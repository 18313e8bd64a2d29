//! The two outcomes of a decision.

use lakegate_domain::{DatasetName, OperationSet, RuleId, Timestamp};
use thiserror::Error;

use crate::Scope;

/// A decision in a caller's favour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub(crate) scope: Scope,
    pub(crate) ended: Option<Scope>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) overrun_until: Option<Timestamp>,
    pub(crate) narrowed: bool,
    pub(crate) datasets: Vec<DatasetName>,
    pub(crate) snapshot: u64,
}

impl Grant {
    /// The scope without an end: the one whose tokens are shared. A token of it may serve this caller only when
    /// it expires not after [`Grant::until`].
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The same scope with [`Grant::until`] as its end; present exactly when a token of the class's whole life,
    /// minted at the time of the decision, would outlive `until`.
    pub fn ended_scope(&self) -> Option<&Scope> {
        self.ended.as_ref()
    }

    /// The earliest instant at which the snapshot already knows that something in the scope turns to deny for
    /// this caller; none when it knows of no such instant.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// `until` when the overrun that rules carry is added, for providers that cannot end a token early. Never
    /// earlier than `until`.
    pub fn overrun_until(&self) -> Option<Timestamp> {
        self.overrun_until
    }

    /// Whether the scope is less than the plain scope of its home (or has no home dataset, or several parts):
    /// such scopes are minted on demand and spend the caller's share of the miss reserve.
    pub fn narrowed(&self) -> bool {
        self.narrowed
    }

    /// The home datasets of the parts, sorted, for audit; empty when under none.
    pub fn datasets(&self) -> &[DatasetName] {
        &self.datasets
    }

    /// The number of the snapshot that decided.
    pub fn snapshot(&self) -> u64 {
        self.snapshot
    }
}

/// A decision against a caller. All of the first kind look alike to the caller; `rule` is for audit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Policy says no: no rule allows it, a rule denies it, or a listing or prefix does not qualify as a whole.
    #[error("policy denies the request")]
    Denied {
        /// The deny rule that decided, when one did.
        rule: Option<RuleId>,
    },
    /// Policy allows what was asked but not what a token for it can do at this storage.
    #[error("storage cannot separate {asked} from {closure}")]
    NotSeparable {
        /// What was asked.
        asked: OperationSet,
        /// What a token for it could do.
        closure: OperationSet,
    },
    /// No storage holds the bucket. To the caller the same as [`Refusal::Denied`].
    #[error("no storage holds the bucket")]
    UnknownBucket,
    /// The parts lie in more than one storage.
    #[error("parts lie in more than one storage")]
    SeveralStorages,
    /// No part, or more than four.
    #[error("a request names 1 to 4 parts")]
    PartCount,
}
