//! The tree of a bucket: one node per path segment at which, or below which, something stands.
//!
//! Each node sums up what lies strictly inside its prefix (whom denies there name, which classes), so that a
//! caller whom nothing there concerns is answered without looking further down.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lakegate_domain::{ClassName, Target};

use crate::compile::CompiledDataset;
use crate::compiled_rule::CompiledRule;
use crate::posted::Posted;
use crate::subjects::{CallerIds, SubjectId, share_one};

/// A node: the prefix that its segments spell, and the object of the same name without the slash.
#[derive(Debug, Default)]
pub(crate) struct Node {
    children: HashMap<Arc<str>, Node>,
    /// The children on or inside which a deny rule stands, sorted.
    guarded: Vec<Arc<str>>,
    /// Rules on the prefix.
    pub(crate) prefix_rules: Posted,
    /// Rules on the exact object.
    pub(crate) object_rules: Posted,
    /// The dataset whose prefix this is.
    pub(crate) dataset: Option<Arc<CompiledDataset>>,
    /// The subjects of deny rules inside the prefix, without those on the prefix itself; sorted.
    denied_inside: Box<[SubjectId]>,
    /// The classes of the datasets in the prefix, its own included; sorted.
    classes: Box<[ClassName]>,
}

/// The segments of a target's key; a prefix and the object of the same name have the same.
pub(crate) fn segments(target: &Target) -> impl Iterator<Item = &str> {
    let key = target.key();
    key.strip_suffix('/').unwrap_or(key).split('/').filter(|segment| !segment.is_empty())
}

impl Node {
    /// The node of a target, made when missing.
    pub(crate) fn at(&mut self, target: &Target) -> &mut Self {
        segments(target).fold(self, |node, segment| node.children.entry(segment.into()).or_default())
    }

    /// Posts a rule where its target says.
    pub(crate) fn post(&mut self, rule: &Arc<CompiledRule>) {
        let node = self.at(&rule.target);
        match rule.target {
            Target::Prefix(_) => node.prefix_rules.post(rule),
            Target::Object(_) => node.object_rules.post(rule),
        }
    }

    /// Sorts and sums up, from the leaves; to be called once, when everything is posted.
    pub(crate) fn seal(&mut self) {
        self.prefix_rules.sort();
        self.object_rules.sort();
        let mut denied: BTreeSet<SubjectId> = self.object_rules.denied().collect();
        let mut classes: BTreeSet<ClassName> =
            self.dataset.iter().map(|dataset| dataset.class.name.clone()).collect();
        for (name, child) in &mut self.children {
            child.seal();
            if child.is_guarded() {
                self.guarded.push(Arc::clone(name));
            }
            denied.extend(child.prefix_rules.denied());
            denied.extend(child.denied_inside.iter().copied());
            classes.extend(child.classes.iter().cloned());
        }
        self.guarded.sort_unstable();
        self.denied_inside = denied.into_iter().collect();
        self.classes = classes.into_iter().collect();
    }

    fn is_guarded(&self) -> bool {
        !self.denied_inside.is_empty() || self.prefix_rules.denied().next().is_some()
    }

    /// The child of a segment.
    pub(crate) fn child(&self, segment: &str) -> Option<&Self> {
        self.children.get(segment)
    }

    /// All children, in no order.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.values()
    }

    /// The children on or inside which a deny rule stands, by name.
    pub(crate) fn guarded(&self) -> impl Iterator<Item = &Self> {
        self.guarded.iter().filter_map(|name| self.children.get(name))
    }

    /// Whether a deny rule inside the prefix, but not on it, may concern the caller.
    pub(crate) fn denies_inside(&self, caller: &CallerIds<'_>) -> bool {
        share_one(&self.denied_inside, caller.as_slice())
    }

    /// Whether every dataset in the prefix, its own included, has the class.
    pub(crate) fn is_of_class(&self, class: &ClassName) -> bool {
        self.classes.iter().all(|other| other == class)
    }
}
