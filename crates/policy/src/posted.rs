//! The rules that stand at one place of the tree, found by the caller's subjects.

use std::sync::Arc;

use crate::Effect;
use crate::compiled_rule::CompiledRule;
use crate::subjects::{CallerIds, SubjectId};

/// Rules by subject. A rule with several subjects has several entries; whoever collects rules may see one twice,
/// which changes no verdict.
#[derive(Debug, Default)]
pub(crate) struct Posted(Vec<(SubjectId, Arc<CompiledRule>)>);

impl Posted {
    /// Adds a rule; [`Posted::sort`] must follow the last one.
    pub(crate) fn post(&mut self, rule: &Arc<CompiledRule>) {
        self.0.extend(rule.to.iter().map(|subject| (*subject, Arc::clone(rule))));
    }

    /// Brings the entries in the order that look-ups need.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
        self.0.shrink_to_fit();
    }

    /// All rules, each as often as it has subjects.
    pub(crate) fn all(&self) -> impl Iterator<Item = &CompiledRule> {
        self.0.iter().map(|(_, rule)| &**rule)
    }

    /// Appends the rules that concern the caller; says whether a deny rule is among them.
    pub(crate) fn collect<'s>(&'s self, caller: &CallerIds<'_>, into: &mut Vec<&'s CompiledRule>) -> Denies {
        let before = into.len();
        if self.0.len() <= caller.as_slice().len() {
            into.extend(self.all().filter(|rule| rule.concerns(caller)));
        } else {
            for id in caller.as_slice() {
                let start = self.0.partition_point(|(subject, _)| subject < id);
                let rules = self.0.get(start..).unwrap_or_default().iter();
                let mine = rules.take_while(|(subject, _)| subject == id).map(|(_, rule)| &**rule);
                into.extend(mine.filter(|rule| rule.concerns(caller)));
            }
        }
        let added = into.get(before..).unwrap_or_default();
        if added.iter().any(|rule| rule.effect == Effect::Deny) { Denies::Some } else { Denies::None }
    }

    /// The subjects of the deny rules.
    pub(crate) fn denied(&self) -> impl Iterator<Item = SubjectId> {
        self.0.iter().filter(|(_, rule)| rule.effect == Effect::Deny).map(|(subject, _)| *subject)
    }
}

/// Whether deny rules were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denies {
    /// None.
    None,
    /// At least one.
    Some,
}
