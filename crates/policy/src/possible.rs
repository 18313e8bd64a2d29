//! What the rules of a document could lead to, for whoever checks whether storages can express it.

use std::collections::BTreeMap;
use std::time::Duration;

use lakegate_domain::{ClassName, Operation, OperationSet, Part, RuleId, StorageId, Target};

use crate::compile::Tree;
use crate::compiled_rule::CompiledRule;
use crate::tree::segments;
use crate::{Class, Effect, Scope, Snapshot, Terms};

/// The widest scope that one allow rule could lead to by itself: its target with all its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleScope {
    scope: Scope,
    rule: RuleId,
}

impl RuleScope {
    /// The scope, shared by everybody, without an end.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The rule.
    pub fn rule(&self) -> &RuleId {
        &self.rule
    }
}

impl Snapshot {
    /// For each allow rule the widest scope that it could lead to by itself, in the order of rules. Narrowed scopes
    /// begin at such prefixes; nobody need ever get one exactly like it.
    pub fn rule_scopes(&self) -> impl Iterator<Item = RuleScope> {
        self.allow_rules().filter_map(|(tree, rule)| {
            let listless = matches!(rule.target, Target::Object(_));
            let list = OperationSet::of(&[Operation::List]);
            let operations = if listless { rule.operations.without(list) } else { rule.operations };
            let part = Part::new(rule.target.clone(), operations).ok()?;
            let terms = Terms::strictest(std::iter::once(self.class_at(tree, &rule.target)));
            let scope = Scope::shared(&tree.storage.rule, vec![part], terms);
            Some(RuleScope { scope, rule: rule.id.clone() })
        })
    }

    /// The classes under which tokens of each storage can be asked for, with the longest life of those tokens.
    pub fn classes_in_use(&self) -> BTreeMap<(StorageId, ClassName), Duration> {
        let of_datasets = self
            .datasets
            .values()
            .filter_map(|dataset| Some((self.trees.get(dataset.prefix.bucket())?, &*dataset.class)));
        let of_rules = self.allow_rules().map(|(tree, rule)| (tree, self.class_at(tree, &rule.target)));
        let mut classes = BTreeMap::new();
        for (tree, class) in of_datasets.chain(of_rules) {
            let storage = &tree.storage.rule.id;
            classes.entry((storage.clone(), class.name.clone())).or_insert_with(|| class.token_life());
        }
        classes
    }

    fn allow_rules(&self) -> impl Iterator<Item = (&Tree, &CompiledRule)> {
        let allows = self.rules.iter().filter(|rule| rule.effect == Effect::Allow);
        allows.filter_map(|rule| Some((self.trees.get(rule.target.bucket())?, &**rule)))
    }

    /// The class of the deepest dataset around a target; the default one outside of all.
    fn class_at<'s>(&'s self, tree: &'s Tree, target: &Target) -> &'s Class {
        let mut node = &tree.root;
        let mut class = node.dataset.as_ref().map_or(&*self.default_class, |dataset| &*dataset.class);
        for segment in segments(target) {
            let Some(child) = node.child(segment) else { break };
            node = child;
            class = node.dataset.as_ref().map_or(class, |dataset| &*dataset.class);
        }
        class
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PolicyDocument;

    const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake] }]
projects: [{ name: p }]
classes:
  - { name: short, token_life_seconds: 900 }
  - { name: unused, token_life_seconds: 60 }
datasets:
  - { name: outer, prefix: "gs://lake/a/", project: p }
  - { name: inner, prefix: "gs://lake/a/b/", project: p, class: short }
rules:
  - { id: r1, effect: allow, on: { dataset: outer }, to: ["principal:u"], operations: [read, list] }
  - { id: r2, effect: allow, on: { object: "gs://lake/a/b/c" }, to: ["principal:u"], operations: [read, list] }
  - { id: r3, effect: deny, on: { prefix: "gs://lake/a/d/" }, to: ["principal:u"], operations: [read] }
"#;

    fn snapshot() -> Snapshot {
        Snapshot::compile(&PolicyDocument::from_yaml(POLICY).unwrap()).unwrap()
    }

    #[test]
    fn each_allow_rule_gives_the_scope_that_it_could_lead_to() {
        let snapshot = snapshot();
        let scopes: Vec<RuleScope> = snapshot.rule_scopes().collect();
        let shown: Vec<String> = scopes
            .iter()
            .map(|scope| {
                format!(
                    "{} {:?} {:?}",
                    scope.rule(),
                    scope.scope().terms().classes,
                    scope.scope().parts()[0].operations()
                )
            })
            .collect();
        assert_eq!(scopes.len(), 2, "{shown:?}");
        assert_eq!(scopes[0].scope().parts()[0].target().to_string(), "gs://lake/a/");
        assert_eq!(scopes[1].scope().parts()[0].target().to_string(), "gs://lake/a/b/c");
        assert!(!scopes[1].scope().parts()[0].operations().contains(Operation::List), "{shown:?}");
        assert_eq!(scopes[1].scope().terms().token_life, Duration::from_mins(15));
    }

    #[test]
    fn classes_in_use_are_those_of_datasets_and_of_places_that_rules_name() {
        let classes: Vec<(String, u64)> = snapshot()
            .classes_in_use()
            .into_iter()
            .map(|((storage, class), life)| (format!("{storage} {class}"), life.as_secs()))
            .collect();
        assert_eq!(classes, [("lake default".to_owned(), 3600), ("lake short".to_owned(), 900)]);
    }

    #[test]
    fn a_plain_scope_of_one_storage_is_found_without_making_all() {
        let snapshot = snapshot();
        let storage = StorageId::parse("lake").unwrap();
        let found = snapshot.plain_scope_in(&storage).unwrap();
        assert!(snapshot.plain_scopes().contains(&found));
        assert_eq!(snapshot.plain_scope_in(&StorageId::parse("pond").unwrap()), None);
    }
}
