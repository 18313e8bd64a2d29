//! Why a decision came out as it did, for people.

use lakegate_domain::{Caller, DatasetName, Part, RuleId, Target, Timestamp};
use serde::Serialize;

use crate::{Effect, Snapshot};

/// Everything that a decision on one part looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The snapshot's number.
    pub snapshot: u64,
    /// What was asked about.
    pub target: Target,
    /// The operations asked for, joined by `+`.
    pub asked: String,
    /// The home dataset, when the target lies in one.
    pub home: Option<DatasetName>,
    /// The verdict on each operation by itself, in canonical order.
    pub verdicts: Vec<OperationVerdict>,
    /// The rules that reach the target, and the deny rules inside it that concern the caller; sorted by id.
    pub rules: Vec<RuleVerdict>,
    /// What the caller gets.
    pub outcome: Outcome,
}

/// The verdict on one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationVerdict {
    /// The operation's word.
    pub operation: &'static str,
    /// Whether rules allow it at every point of the target.
    pub allowed: bool,
}

/// What one rule has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleVerdict {
    /// The rule.
    pub id: RuleId,
    /// Allow or deny.
    pub effect: Effect,
    /// Whether it concerns the caller.
    pub concerns_caller: bool,
    /// Whether it is in force at the instant asked about.
    pub in_force: bool,
    /// Whether the verdict on an asked operation is this rule's.
    pub deciding: bool,
}

/// What a decision yields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Outcome {
    /// A grant.
    Granted {
        /// The scope's parts: target and operations.
        scope: Vec<String>,
        /// The earliest instant at which something in it turns to deny.
        until: Option<Timestamp>,
        /// Whether the scope is less than the plain scope of its home.
        narrowed: bool,
    },
    /// A refusal.
    Refused {
        /// Why, in the words of [`crate::Refusal`].
        reason: String,
        /// The deny rule that decided, when one did.
        rule: Option<RuleId>,
    },
}

impl Snapshot {
    /// Explains the decision on one part.
    pub fn explain(&self, caller: &Caller, part: &Part, now: Timestamp) -> Explanation {
        let outcome = match self.decide(caller, std::slice::from_ref(part), now) {
            Ok(grant) => Outcome::Granted {
                scope: grant.scope().parts().iter().map(ToString::to_string).collect(),
                until: grant.until(),
                narrowed: grant.narrowed(),
            },
            Err(refusal) => {
                let reason = refusal.to_string();
                let rule = if let crate::Refusal::Denied { rule } = refusal { rule } else { None };
                Outcome::Refused { reason, rule }
            }
        };
        Explanation {
            snapshot: self.number(),
            target: part.target().clone(),
            asked: part.operations().to_string(),
            home: None,
            verdicts: Vec::new(),
            rules: Vec::new(),
            outcome,
        }
    }
}
