//! Why a decision came out as it did, for people.

mod trail;

use lakegate_domain::{Caller, DatasetName, Operation, OperationSet, Part, RuleId, Target, Timestamp};
use serde::Serialize;

use crate::compile::Tree;
use crate::compiled_rule::Ends;
use crate::decide::lineage::Lineage;
use crate::decide::qualify::Question;
use crate::subjects::CallerIds;
use crate::{Effect, Refusal, Snapshot};

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
    /// The verdict on each operation by itself, in canonical order; none for a bucket that no storage has.
    pub verdicts: Vec<OperationVerdict>,
    /// The rules that reach the target, whomever they concern, and the deny rules inside it that concern the
    /// caller; sorted by id. Of rules that `traverse` makes alike, one stands for all.
    pub rules: Vec<RuleVerdict>,
    /// What the caller gets.
    pub outcome: Outcome,
}

impl Explanation {
    /// The explanation as its subject may see it: of a refusal no more than that it is one, of a grant only the rules
    /// that concern the caller. Whoever has no right learns neither which datasets nor which rules there are.
    #[must_use]
    pub fn for_its_subject(mut self) -> Self {
        if !self.is_allowed() {
            return self.refused();
        }
        self.rules.retain(|rule| rule.concerns_caller);
        self
    }

    /// The same question with one fixed answer: refused, and nothing else.
    #[must_use]
    pub fn refused(self) -> Self {
        let outcome = Outcome::Refused { reason: Refusal::Denied { rule: None }.to_string(), rule: None };
        Self { home: None, verdicts: Vec::new(), rules: Vec::new(), outcome, ..self }
    }

    /// Whether the caller gets what was asked about.
    pub fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Granted { .. })
    }
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
    /// Where it stands; for a rule that `traverse` made, the ancestor.
    pub on: Target,
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
        let mut explanation = Explanation {
            snapshot: self.number,
            target: part.target().clone(),
            asked: part.operations().to_string(),
            home: None,
            verdicts: Vec::new(),
            rules: Vec::new(),
            outcome: self.outcome(caller, part, now),
        };
        if let Some(tree) = self.trees.get(part.target().bucket()) {
            let ids = self.memberships.of(caller);
            explanation.look_at(tree, &ids, part, now);
        }
        explanation
    }

    fn outcome(&self, caller: &Caller, part: &Part, now: Timestamp) -> Outcome {
        match self.decide(caller, std::slice::from_ref(part), now) {
            Ok(grant) => Outcome::Granted {
                scope: grant.scope().parts().iter().map(ToString::to_string).collect(),
                until: grant.until(),
                narrowed: grant.narrowed(),
            },
            Err(refusal) => {
                let reason = refusal.to_string();
                let rule = if let Refusal::Denied { rule } = refusal { rule } else { None };
                Outcome::Refused { reason, rule }
            }
        }
    }
}

impl Explanation {
    fn look_at(&mut self, tree: &Tree, caller: &CallerIds<'_>, part: &Part, now: Timestamp) {
        let lineage = Lineage::trace(tree, part.target(), caller);
        self.home = lineage.home().and_then(|home| home.dataset).map(|dataset| dataset.name.clone());
        let verdict = |operation: Operation| {
            let operations = OperationSet::of(&[operation]);
            let question = Question { caller, operations, now, ends: Ends::AsWritten };
            let standing = match part.target() {
                Target::Object(_) => question.point(&lineage.object_rules(caller)),
                Target::Prefix(_) => {
                    let (rules, node) = lineage.level(lineage.innermost());
                    question.prefix(rules, node)
                }
            };
            OperationVerdict { operation: operation.as_str(), allowed: standing.is_ok() }
        };
        self.verdicts = Operation::ALL.into_iter().map(verdict).collect();
        let question = Question { caller, operations: part.operations(), now, ends: Ends::AsWritten };
        self.rules = trail::follow(&lineage, &question);
    }
}

#[cfg(test)]
mod tests;
