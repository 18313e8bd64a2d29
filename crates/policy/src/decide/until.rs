//! The instant at which a point turns to deny.
//!
//! Verdicts change at the edges of windows only. All edges after now are sorted and gone through once, with a
//! count per priority, effect and operation of the rules in force.

use lakegate_domain::{Operation, OperationSet, Timestamp};

use super::verdict::{Answers, Side};
use crate::compiled_rule::{CompiledRule, Ends};
use crate::{Effect, Priority};

/// The earliest instant after `now` at which one of the operations is not allowed, by rules that reach the point and
/// concern the caller; none when there is no such instant.
pub(crate) fn turns_to_deny(
    rules: &[&CompiledRule],
    operations: OperationSet,
    now: Timestamp,
    ends: Ends,
) -> Option<Timestamp> {
    let mut edges = Vec::new();
    for rule in rules.iter().filter(|rule| rule.operations.intersects(operations)) {
        for (from, until) in rule.schedule.open_after(now, rule.overrun(ends)) {
            if from > now {
                edges.push((from, Step::Begins, *rule));
            }
            edges.extend(until.map(|until| (until, Step::Ends, *rule)));
        }
    }
    if edges.is_empty() {
        return None;
    }
    edges.sort_by_key(|(at, _, _)| *at);
    let mut ledger = Ledger::at(rules, now, ends);
    let mut edges = edges.into_iter().peekable();
    while let Some((at, step, rule)) = edges.next() {
        ledger.enter(rule, step);
        let last_of_instant = edges.peek().is_none_or(|(next, _, _)| *next > at);
        if last_of_instant && !ledger.answers().allowed().is_superset(operations) {
            return Some(at);
        }
    }
    None
}

/// What happens to a rule at an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begins,
    Ends,
}

/// How many rules in force name each operation.
#[derive(Debug, Clone, Copy, Default)]
struct Count([u32; Operation::ALL.len()]);

impl Count {
    fn enter(&mut self, operations: OperationSet, step: Step) {
        for (count, operation) in self.0.iter_mut().zip(Operation::ALL) {
            if operations.contains(operation) {
                *count = match step {
                    Step::Begins => count.saturating_add(1),
                    Step::Ends => count.saturating_sub(1),
                };
            }
        }
    }

    fn operations(self) -> OperationSet {
        self.0
            .iter()
            .zip(Operation::ALL)
            .filter(|(count, _)| **count > 0)
            .map(|(_, operation)| operation)
            .collect()
    }
}

/// Counts for the rules of one priority.
#[derive(Debug, Clone, Copy, Default)]
struct Sheet {
    allow: Count,
    deny: Count,
}

impl Sheet {
    fn side(self) -> Side {
        Side { allow: self.allow.operations(), deny: self.deny.operations() }
    }
}

/// Counts for all rules.
#[derive(Debug, Clone, Copy, Default)]
struct Ledger {
    normal: Sheet,
    overriding: Sheet,
}

impl Ledger {
    /// The rules in force at an instant; spans of one rule that overrun makes overlap are counted each.
    fn at(rules: &[&CompiledRule], now: Timestamp, ends: Ends) -> Self {
        let mut ledger = Self::default();
        for rule in rules {
            let open = rule.schedule.open_after(now, rule.overrun(ends));
            for _ in open.take_while(|(from, _)| *from <= now) {
                ledger.enter(rule, Step::Begins);
            }
        }
        ledger
    }

    fn enter(&mut self, rule: &CompiledRule, step: Step) {
        let sheet = match rule.priority {
            Priority::Normal => &mut self.normal,
            Priority::Override => &mut self.overriding,
        };
        match rule.effect {
            Effect::Allow => sheet.allow.enter(rule.operations, step),
            Effect::Deny => sheet.deny.enter(rule.operations, step),
        }
    }

    fn answers(self) -> Answers {
        Answers { normal: self.normal.side(), overriding: self.overriding.side() }
    }
}
