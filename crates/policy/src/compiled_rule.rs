//! A rule as the engine keeps it: subjects as numbers, windows merged, `write` spelled out.

use std::time::Duration;

use lakegate_domain::{Operation, OperationSet, RuleId, Target, Timestamp};

use crate::schedule::Schedule;
use crate::subjects::{CallerIds, SubjectId, share_one};
use crate::{Effect, Priority};

/// A rule, or one derived from it by `traverse`. Its subjects stand where it is posted, in [`Posted`].
#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    pub(crate) id: RuleId,
    pub(crate) effect: Effect,
    pub(crate) target: Target,
    pub(crate) to: Box<[SubjectId]>,
    pub(crate) unless: Box<[SubjectId]>,
    pub(crate) operations: OperationSet,
    pub(crate) schedule: Schedule,
    pub(crate) priority: Priority,
    pub(crate) overrun: Duration,
}

/// How the ends of allow rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// As written.
    AsWritten,
    /// Moved later by the rule's overrun, but by no more than this.
    Overrun(Duration),
}

impl CompiledRule {
    /// Whether the rule concerns the caller.
    pub(crate) fn concerns(&self, caller: &CallerIds<'_>) -> bool {
        share_one(&self.to, caller.as_slice()) && !share_one(&self.unless, caller.as_slice())
    }

    /// How much later the rule ends than written.
    pub(crate) fn overrun(&self, ends: Ends) -> Duration {
        match (self.effect, ends) {
            (Effect::Allow, Ends::Overrun(most)) => self.overrun.min(most),
            _ => Duration::ZERO,
        }
    }

    /// Whether the rule is in force.
    pub(crate) fn in_force(&self, at: Timestamp, ends: Ends) -> bool {
        self.schedule.holds(at, self.overrun(ends))
    }

    /// What a rule's operations mean: to allow `write` is to allow `create` too, a deny means what it names.
    pub(crate) fn meaning(effect: Effect, operations: &[Operation]) -> OperationSet {
        let named = OperationSet::of(operations);
        match effect {
            Effect::Allow if named.contains(Operation::Write) => named.with(Operation::Create),
            _ => named,
        }
    }
}
