//! Rules: what each must say, and where in the trees it stands.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{GroupName, ObjectPath, Operation, OperationSet, Prefix, ProjectName, RuleId, Target};

use super::datasets::Datasets;
use super::storages::{Trees, expressible, tree_of};
use crate::compiled_rule::CompiledRule;
use crate::schedule::Schedule;
use crate::subjects::SubjectTable;
use crate::{Effect, LoadError, PolicyDocument, Rule, RuleTarget, Subject};

fn holder(id: &RuleId) -> String {
    ["rule ", id.as_str()].concat()
}

/// Checks everything about the rules that does not need the trees.
pub(super) fn check(document: &PolicyDocument) -> Result<(), LoadError> {
    let groups: BTreeSet<&GroupName> = document.groups.iter().map(|group| &group.name).collect();
    let projects: BTreeSet<&ProjectName> = document.projects.iter().map(|project| &project.name).collect();
    for rule in &document.rules {
        check_fields(rule)?;
        for (key, subject) in
            rule.to.iter().map(|subject| ("to", subject)).chain(rule.unless.iter().map(|s| ("unless", s)))
        {
            let known = match subject {
                Subject::Group(group) => groups.contains(group),
                Subject::Project(project) => projects.contains(project),
                Subject::Principal(_) | Subject::Everyone => true,
            };
            if !known {
                return Err(LoadError::Unknown { holder: holder(&rule.id), key, name: subject.to_string() });
            }
        }
    }
    Ok(())
}

fn check_fields(rule: &Rule) -> Result<(), LoadError> {
    for (key, empty) in [("to", rule.to.is_empty()), ("operations", rule.operations.is_empty())] {
        if empty {
            return Err(LoadError::EmptyList { holder: holder(&rule.id), key });
        }
    }
    let name = || rule.id.to_string();
    if rule
        .windows
        .iter()
        .any(|window| window.from.zip(window.until).is_some_and(|(from, until)| from >= until))
    {
        return Err(LoadError::Window { rule: name() });
    }
    let everyone = rule.to.iter().chain(&rule.unless).any(|subject| *subject == Subject::Everyone);
    if everyone && !rule.allow_everyone {
        return Err(LoadError::Everyone { rule: name() });
    }
    if rule.effect == Effect::Deny && rule.overrun_seconds > 0 {
        return Err(LoadError::DenyOverrun { rule: name() });
    }
    Ok(())
}

/// Compiles checked rules and posts them in the trees.
pub(super) fn compile(
    document: &PolicyDocument,
    datasets: &Datasets,
    table: &SubjectTable,
    trees: &mut Trees,
) -> Result<Vec<Arc<CompiledRule>>, LoadError> {
    let mut compiled = Vec::with_capacity(document.rules.len());
    let mut passages = HashSet::new();
    for rule in &document.rules {
        let target = target(rule, datasets)?;
        let tree = tree_of(trees, target.bucket(), || holder(&rule.id))?;
        if rule.effect == Effect::Allow {
            expressible(&tree.storage.rule, &target, || holder(&rule.id))?;
        }
        let rule = Arc::new(CompiledRule {
            id: rule.id.clone(),
            effect: rule.effect,
            target,
            to: table.ids(&rule.to),
            unless: table.ids(&rule.unless),
            operations: CompiledRule::meaning(rule.effect, &rule.operations),
            schedule: Schedule::of(&rule.windows),
            priority: rule.priority,
            overrun: Duration::from_secs(rule.overrun_seconds),
        });
        tree.root.post(&rule);
        if rule.effect == Effect::Allow && tree.storage.rule.traverse {
            for passage in passages_to(&rule) {
                if passages.insert(Passage::from(&passage)) {
                    tree.root.post(&Arc::new(passage));
                }
            }
        }
        compiled.push(rule);
    }
    Ok(compiled)
}

fn target(rule: &Rule, datasets: &Datasets) -> Result<Target, LoadError> {
    match &rule.on {
        RuleTarget::Dataset(name) => {
            let dataset = datasets.get(name).ok_or_else(|| LoadError::Unknown {
                holder: holder(&rule.id),
                key: "on.dataset",
                name: name.to_string(),
            })?;
            Ok(Target::Prefix(dataset.prefix.clone()))
        }
        RuleTarget::Prefix(prefix) => Ok(Target::Prefix(prefix.clone())),
        RuleTarget::Object(object) => Ok(Target::Object(object.clone())),
    }
}

/// The rules that `traverse` derives: `read` on the objects named like the target's ancestors.
fn passages_to(rule: &CompiledRule) -> Vec<CompiledRule> {
    ancestors(&rule.target)
        .into_iter()
        .map(|object| CompiledRule {
            target: Target::Object(object),
            operations: OperationSet::of(&[Operation::Read]),
            ..rule.clone()
        })
        .collect()
}

fn ancestors(target: &Target) -> Vec<ObjectPath> {
    let innermost = match target {
        Target::Prefix(prefix) => prefix.parent(),
        Target::Object(object) => Some(Prefix::containing(object)),
    };
    std::iter::successors(innermost, Prefix::parent).filter_map(|prefix| prefix.slashless()).collect()
}

/// What tells derived rules apart. Of those that are alike the first by id stands for all, so a directory above
/// ten thousand datasets does not carry ten thousand copies.
#[derive(PartialEq, Eq, Hash)]
struct Passage(CompiledRuleTerms, Target);

type CompiledRuleTerms = (
    Box<[crate::subjects::SubjectId]>,
    Box<[crate::subjects::SubjectId]>,
    Schedule,
    crate::Priority,
    Duration,
);

impl From<&CompiledRule> for Passage {
    fn from(rule: &CompiledRule) -> Self {
        let terms =
            (rule.to.clone(), rule.unless.clone(), rule.schedule.clone(), rule.priority, rule.overrun);
        Self(terms, rule.target.clone())
    }
}
