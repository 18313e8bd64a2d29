//! What is legal in a document but likely a mistake: the findings of `policy check`.

mod confusable;
mod reach;

use std::sync::Arc;

use lakegate_domain::{Operation, OperationSet, Target};

use crate::closure::closure;
use crate::compile::CompiledDataset;
use crate::compiled_rule::CompiledRule;
use crate::tree::{Node, segments};
use crate::{Effect, Snapshot, Subject};

impl Snapshot {
    /// What is legal in the document but likely a mistake, one sentence each, sorted; for `policy check`.
    ///
    /// - which homes a deny rule cuts, and over how many levels those whom it concerns get narrowed scopes;
    /// - characters in paths that look like others;
    /// - groups without members by which rules take rights away: who is in them is known elsewhere, or nobody is;
    /// - rules that can never match anybody or never grant what they name;
    /// - operations that the provider cannot separate from others that the rule does not allow;
    /// - datasets that no allow rule touches.
    pub fn lint(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for rule in &self.rules {
            self.lint_rule(rule, &mut findings);
        }
        for dataset in self.datasets.values() {
            self.lint_dataset(dataset, &mut findings);
        }
        findings.sort();
        findings
    }

    fn lint_rule(&self, rule: &CompiledRule, findings: &mut Vec<String>) {
        let id = &rule.id;
        if let Some(what) = confusable::in_path(rule.target.key()) {
            findings.push(format!("rule {id}: its path holds {what}"));
        }
        if !self.can_concern_somebody(rule) {
            findings.push(format!("rule {id}: can never concern anybody"));
        }
        self.lint_empty_groups(rule, findings);
        match rule.effect {
            Effect::Deny => self.lint_fan_out(rule, findings),
            Effect::Allow => self.lint_allow(rule, findings),
        }
    }

    /// Whoever is to be kept out by a group from outside is not, when the source of groups loses it.
    fn lint_empty_groups(&self, rule: &CompiledRule, findings: &mut Vec<String>) {
        let (keeps_out, how) = match rule.effect {
            Effect::Deny => (&rule.to, "denies"),
            Effect::Allow => (&rule.unless, "leaves out"),
        };
        for subject in keeps_out.iter().filter_map(|id| self.subjects.subject(*id)) {
            if let Subject::Group(group) = subject
                && self.members.is_empty(group)
            {
                let id = &rule.id;
                findings.push(format!(
                    "rule {id}: {how} group {group}, which has no member here; whom a source outside loses, it does not stop"
                ));
            }
        }
    }

    fn lint_allow(&self, rule: &CompiledRule, findings: &mut Vec<String>) {
        let id = &rule.id;
        if matches!(rule.target, Target::Object(_)) && rule.operations.contains(Operation::List) {
            findings.push(format!("rule {id}: allows list on an object, which is never granted"));
        }
        let Some(tree) = self.trees.get(rule.target.bucket()) else { return };
        let dialect = tree.storage.rule.dialect;
        for operation in rule.operations.iter() {
            let missing = closure(dialect, OperationSet::of(&[operation])).without(rule.operations);
            if !missing.is_empty() {
                findings.push(format!(
                    "rule {id}: allows {operation} without {missing}, which {dialect} cannot separate"
                ));
            }
        }
    }

    /// Every dataset around a deny rule, and without one the nearest allow rule's prefix, is a home that it cuts.
    fn lint_fan_out(&self, rule: &CompiledRule, findings: &mut Vec<String>) {
        let Some(tree) = self.trees.get(rule.target.bucket()) else { return };
        let depth = segments(&rule.target).count();
        let around = around(&tree.root, &rule.target);
        let datasets: Vec<(usize, &CompiledDataset)> = around
            .iter()
            .filter_map(|(level, node)| node.dataset.as_deref().map(|dataset| (*level, dataset)))
            .collect();
        for (level, dataset) in &datasets {
            findings.push(cut(rule, &format!("dataset {}", dataset.name), depth - level));
        }
        if datasets.is_empty() {
            let allow = around.iter().rev().find_map(|(level, node)| Some((*level, first_allow(node)?)));
            if let Some((level, allow)) = allow {
                findings.push(cut(rule, &format!("the prefix of rule {}", allow.id), depth - level));
            }
        }
    }

    fn lint_dataset(&self, dataset: &Arc<CompiledDataset>, findings: &mut Vec<String>) {
        let name = &dataset.name;
        if let Some(what) = confusable::in_path(dataset.prefix.key()) {
            findings.push(format!("dataset {name}: its path holds {what}"));
        }
        let prefix = Target::Prefix(dataset.prefix.clone());
        let Some(tree) = self.trees.get(prefix.bucket()) else { return };
        let above = around(&tree.root, &prefix).iter().any(|(_, node)| first_allow(node).is_some());
        let own = segments(&prefix).try_fold(&tree.root, |node, segment| node.child(segment));
        let touched = above || own.is_some_and(allows_within);
        if !touched {
            findings.push(format!("dataset {name}: no allow rule lies at, above or inside it"));
        }
    }
}

fn cut(rule: &CompiledRule, home: &str, levels: usize) -> String {
    let unit = if levels == 1 { "level" } else { "levels" };
    format!("rule {}: cuts {home}; whom it concerns gets narrowed scopes over {levels} {unit}", rule.id)
}

/// The nodes of the prefixes around a target, without its own when it is a prefix, with their depths.
fn around<'s>(root: &'s Node, target: &Target) -> Vec<(usize, &'s Node)> {
    let mut nodes = vec![(0, root)];
    let mut here = root;
    for (level, segment) in (1..).zip(segments(target)) {
        let Some(child) = here.child(segment) else { break };
        here = child;
        nodes.push((level, child));
    }
    if matches!(target, Target::Prefix(_)) {
        nodes.pop();
    }
    nodes
}

fn first_allow(node: &Node) -> Option<&CompiledRule> {
    node.prefix_rules.all().filter(|rule| rule.effect == Effect::Allow).min_by_key(|rule| &rule.id)
}

/// Whether an allow rule stands on a node's prefix or object, or inside.
fn allows_within(node: &Node) -> bool {
    let mut posted = node.prefix_rules.all().chain(node.object_rules.all());
    posted.any(|rule| rule.effect == Effect::Allow) || node.children().any(allows_within)
}

#[cfg(test)]
mod tests;
