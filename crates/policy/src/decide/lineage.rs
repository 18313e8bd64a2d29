//! The path from a bucket's root to a target, with the rules on the way.

use lakegate_domain::{Prefix, Target};

use crate::Effect;
use crate::compile::{CompiledDataset, Tree};
use crate::compiled_rule::CompiledRule;
use crate::subjects::CallerIds;
use crate::tree::{Node, segments};

/// The prefixes that cover a target, outermost first, as far as the tree goes and one further: beyond that all are
/// alike. The index of a level is the number of its segments.
#[derive(Debug)]
pub(crate) struct Lineage<'s> {
    pub(crate) tree: &'s Tree,
    target: &'s Target,
    depth: usize,
    levels: Vec<Level<'s>>,
    rules: Vec<&'s CompiledRule>,
    object: Option<&'s Node>,
}

/// One prefix on the way.
#[derive(Debug)]
struct Level<'s> {
    node: Option<&'s Node>,
    /// How many of the lineage's rules stand on this prefix or above.
    rules: usize,
}

/// Where a target belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home<'s> {
    pub(crate) level: usize,
    pub(crate) dataset: Option<&'s CompiledDataset>,
}

impl<'s> Lineage<'s> {
    /// Follows the path and collects the rules that concern the caller.
    pub(crate) fn trace(tree: &'s Tree, target: &'s Target, caller: &CallerIds<'_>) -> Self {
        let mut lineage =
            Self { tree, target, depth: 0, levels: Vec::new(), rules: Vec::new(), object: None };
        let mut here = Some(&tree.root);
        lineage.enter(here, caller);
        for segment in segments(target) {
            lineage.depth += 1;
            if let Some(node) = here {
                here = node.child(segment);
                lineage.enter(here, caller);
            }
        }
        if let Target::Object(object) = target {
            lineage.object = here;
            if Prefix::of_slashless(object).is_none() {
                lineage.levels.truncate(lineage.depth);
            }
        }
        lineage
    }

    fn enter(&mut self, node: Option<&'s Node>, caller: &CallerIds<'_>) {
        if let Some(node) = node {
            node.prefix_rules.collect(caller, &mut self.rules);
        }
        self.levels.push(Level { node, rules: self.rules.len() });
    }

    /// What was asked about.
    pub(crate) fn target(&self) -> &'s Target {
        self.target
    }

    /// The innermost level.
    pub(crate) fn innermost(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// The rules on a level's prefix and above, and its node.
    pub(crate) fn level(&self, level: usize) -> (&[&'s CompiledRule], Option<&'s Node>) {
        let found = self.levels.get(level);
        let rules = found.and_then(|found| self.rules.get(..found.rules)).unwrap_or_default();
        (rules, found.and_then(|found| found.node))
    }

    /// The rules that reach the target as an object: those on prefixes that cover it and its own.
    pub(crate) fn object_rules(&self, caller: &CallerIds<'_>) -> Vec<&'s CompiledRule> {
        let mut rules = self.rules.clone();
        if let Some(node) = self.object {
            node.object_rules.collect(caller, &mut rules);
        }
        rules
    }

    /// The nodes of the levels, outermost first.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &'s Node> {
        self.levels.iter().filter_map(|level| level.node)
    }

    /// The node of the target's name, when the target is an object.
    pub(crate) fn object(&self) -> Option<&'s Node> {
        self.object
    }

    /// The deepest dataset around the target, else the deepest prefix with an allow rule that concerns the caller.
    pub(crate) fn home(&self) -> Option<Home<'s>> {
        let dataset = self.levels.iter().enumerate().rev().find_map(|(level, found)| {
            let dataset = found.node?.dataset.as_deref()?;
            Some(Home { level, dataset: Some(dataset) })
        });
        dataset.or_else(|| {
            let allow = self.rules.iter().rposition(|rule| rule.effect == Effect::Allow)?;
            let level = self.levels.iter().position(|level| level.rules > allow)?;
            Some(Home { level, dataset: None })
        })
    }

    /// The prefix of a level.
    pub(crate) fn prefix(&self, level: usize) -> Prefix {
        let (mut prefix, mut depth) = match self.target {
            Target::Prefix(prefix) => (prefix.clone(), self.depth),
            Target::Object(object) => match Prefix::of_slashless(object) {
                Some(prefix) if level == self.depth => (prefix, self.depth),
                _ => (Prefix::containing(object), self.depth.saturating_sub(1)),
            },
        };
        while depth > level {
            match prefix.parent() {
                Some(parent) => prefix = parent,
                None => break,
            }
            depth -= 1;
        }
        prefix
    }
}
