//! The verdict at one point and one instant: the highest priority with an answer decides, deny beats allow.

use lakegate_domain::{Operation, OperationSet, RuleId, Timestamp};

use crate::compiled_rule::{CompiledRule, Ends};
use crate::{Effect, Priority};

/// What the rules of one priority say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Side {
    pub(crate) allow: OperationSet,
    pub(crate) deny: OperationSet,
}

impl Side {
    fn allowed(self) -> OperationSet {
        self.allow.without(self.deny)
    }

    fn answered(self) -> OperationSet {
        self.allow.union(self.deny)
    }

    fn effect(self, operation: Operation) -> Option<Effect> {
        if self.deny.contains(operation) {
            Some(Effect::Deny)
        } else {
            self.allow.contains(operation).then_some(Effect::Allow)
        }
    }
}

/// What all rules that reach a point say at an instant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Answers {
    pub(crate) normal: Side,
    pub(crate) overriding: Side,
}

impl Answers {
    /// Asks rules that reach the point and concern the caller.
    pub(crate) fn of(rules: &[&CompiledRule], at: Timestamp, ends: Ends) -> Self {
        let mut answers = Self::default();
        for rule in rules.iter().filter(|rule| rule.in_force(at, ends)) {
            let side = match rule.priority {
                Priority::Normal => &mut answers.normal,
                Priority::Override => &mut answers.overriding,
            };
            match rule.effect {
                Effect::Allow => side.allow = side.allow.union(rule.operations),
                Effect::Deny => side.deny = side.deny.union(rule.operations),
            }
        }
        answers
    }

    /// The operations that are allowed.
    pub(crate) fn allowed(self) -> OperationSet {
        self.overriding.allowed().union(self.normal.allowed().without(self.overriding.answered()))
    }

    /// The priority and effect that decide an operation; none when no rule answers.
    pub(crate) fn deciding(self, operation: Operation) -> Option<(Priority, Effect)> {
        [(Priority::Override, self.overriding), (Priority::Normal, self.normal)]
            .into_iter()
            .find_map(|(priority, side)| side.effect(operation).map(|effect| (priority, effect)))
    }
}

/// The deny rule, first by id, that decides one of the operations.
pub(crate) fn deciding_deny<'s>(
    rules: &[&'s CompiledRule],
    operations: OperationSet,
    at: Timestamp,
    ends: Ends,
) -> Option<&'s RuleId> {
    let answers = Answers::of(rules, at, ends);
    let decides = |rule: &CompiledRule| {
        operations.iter().any(|operation| {
            rule.operations.contains(operation)
                && answers.deciding(operation) == Some((rule.priority, Effect::Deny))
        })
    };
    rules
        .iter()
        .filter(|rule| rule.effect == Effect::Deny && rule.in_force(at, ends) && decides(rule))
        .map(|rule| &rule.id)
        .min()
}
