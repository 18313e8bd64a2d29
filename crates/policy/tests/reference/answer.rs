//! Decisions in a form in which engine and reference can be compared.

use std::time::Duration;

use lakegate_domain::{ClassName, DatasetName, OperationSet, Part, Principal, StorageId, Timestamp};
use lakegate_policy::{Attribution, Grant, Refusal, Scope, Staleness};

/// A decision in a form in which engine and reference can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Denied,
    NotSeparable,
    UnknownBucket,
    SeveralStorages,
    PartCount,
    Grant(Box<Granted>),
}

/// All that a grant says, apart from its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) storage: StorageId,
    pub(crate) parts: Vec<Part>,
    pub(crate) closure: OperationSet,
    pub(crate) classes: Vec<ClassName>,
    pub(crate) token_life: Duration,
    pub(crate) attribution: Attribution,
    pub(crate) staleness: Staleness,
    pub(crate) attributed_to: Option<Principal>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) overrun_until: Option<Timestamp>,
    pub(crate) narrowed: bool,
    pub(crate) datasets: Vec<DatasetName>,
}

impl Answer {
    /// Reads the engine's decision, as far as the page fixes it: of several parts it does not say whether an
    /// unknown bucket or a denied part is named, and to the caller the two are the same.
    pub(crate) fn of(decision: &Result<Grant, Refusal>, parts: &[Part]) -> Self {
        match decision {
            Ok(grant) => Self::Grant(Box::new(Granted::of(grant))),
            Err(Refusal::UnknownBucket) if parts.len() == 1 => Self::UnknownBucket,
            Err(Refusal::UnknownBucket | Refusal::Denied { .. }) => Self::Denied,
            Err(Refusal::NotSeparable { .. }) => Self::NotSeparable,
            Err(Refusal::SeveralStorages) => Self::SeveralStorages,
            Err(Refusal::PartCount) => Self::PartCount,
        }
    }
}

impl Granted {
    fn of(grant: &Grant) -> Self {
        let scope = grant.scope();
        assert_eq!(scope.end(), None, "a grant's own scope has no end");
        if let Some(ended) = grant.ended_scope() {
            let facts =
                |s: &Scope| (s.storage().clone(), s.parts().to_vec(), s.terms().clone(), s.generation());
            assert_eq!(facts(ended), facts(scope), "an ended scope differs in its end only");
            assert_eq!(ended.attributed_to(), scope.attributed_to());
            assert_ne!(ended.key(), scope.key());
        }
        Self {
            storage: scope.storage().clone(),
            parts: scope.parts().to_vec(),
            closure: scope.closure(),
            classes: scope.terms().classes.clone(),
            token_life: scope.terms().token_life,
            attribution: scope.terms().attribution,
            staleness: scope.terms().staleness,
            attributed_to: scope.attributed_to().cloned(),
            until: grant.until(),
            ended: grant.ended_scope().and_then(Scope::end),
            overrun_until: grant.overrun_until(),
            narrowed: grant.narrowed(),
            datasets: grant.datasets().to_vec(),
        }
    }
}
