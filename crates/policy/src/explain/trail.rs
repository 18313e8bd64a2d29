//! The rules that a decision met, in the order of their ids.

use std::collections::BTreeMap;

use lakegate_domain::{RuleId, Target};

use super::RuleVerdict;
use crate::Effect;
use crate::compiled_rule::CompiledRule;
use crate::decide::lineage::Lineage;
use crate::decide::qualify::Question;
use crate::decide::verdict::Answers;
use crate::tree::Node;

/// Follows a target's path, and for a prefix the denies inside it.
pub(super) fn follow(lineage: &Lineage<'_>, question: &Question<'_>) -> Vec<RuleVerdict> {
    let mut trail = Trail { question, met: BTreeMap::new() };
    let (rules, node) = lineage.level(lineage.innermost());
    match lineage.target() {
        Target::Object(_) => {
            let rules = lineage.object_rules(question.caller);
            let own = lineage.object().into_iter().flat_map(|node| node.object_rules.all());
            let around = lineage.nodes().flat_map(|node| node.prefix_rules.all());
            trail.meet(around.chain(own), &rules);
        }
        Target::Prefix(_) => {
            trail.meet(lineage.nodes().flat_map(|node| node.prefix_rules.all()), rules);
            if let Some(node) = node {
                trail.inside(node, &mut rules.to_vec());
            }
        }
    }
    trail.met.into_values().collect()
}

struct Trail<'a> {
    question: &'a Question<'a>,
    met: BTreeMap<(RuleId, Target), RuleVerdict>,
}

impl Trail<'_> {
    /// Notes rules at a point that `reaching` reach; those are the ones that concern the caller.
    fn meet<'s>(&mut self, rules: impl Iterator<Item = &'s CompiledRule>, reaching: &[&CompiledRule]) {
        let question = self.question;
        let answers = Answers::of(reaching, question.now, question.ends);
        for rule in rules {
            let concerns_caller = rule.concerns(question.caller);
            let in_force = rule.in_force(question.now, question.ends);
            let decides = question.operations.iter().any(|operation| {
                rule.operations.contains(operation)
                    && answers.deciding(operation) == Some((rule.priority, rule.effect))
            });
            let verdict = RuleVerdict {
                id: rule.id.clone(),
                effect: rule.effect,
                on: rule.target.clone(),
                concerns_caller,
                in_force,
                deciding: concerns_caller && in_force && decides,
            };
            self.met.insert((rule.id.clone(), rule.target.clone()), verdict);
        }
    }

    /// Notes the deny rules inside a prefix that concern the caller; `rules` are given back as they came.
    fn inside<'s>(&mut self, node: &'s Node, rules: &mut Vec<&'s CompiledRule>) {
        let outer = rules.len();
        node.object_rules.collect(self.question.caller, rules);
        self.meet_denies(rules, outer);
        rules.truncate(outer);
        for child in node.guarded() {
            child.prefix_rules.collect(self.question.caller, rules);
            self.meet_denies(rules, outer);
            if child.denies_inside(self.question.caller) {
                self.inside(child, rules);
            }
            rules.truncate(outer);
        }
    }

    fn meet_denies(&mut self, rules: &[&CompiledRule], from: usize) {
        let added = rules.get(from..).unwrap_or_default().iter().copied();
        self.meet(added.filter(|rule| rule.effect == Effect::Deny), rules);
    }
}
