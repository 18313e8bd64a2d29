//! From a document to a snapshot: every reference checked, every name a number, every path a node.
//!
//! The document is put in order first, so neither a snapshot nor a load error depends on the order in which
//! things were written.

mod datasets;
mod memberships;
mod names;
mod roles;
mod rules;
mod storages;

use std::collections::BTreeMap;
use std::sync::Arc;

use lakegate_domain::ClassName;

use crate::members::GroupMembers;
use crate::snapshot::Snapshot;
use crate::subjects::SubjectTable;
use crate::{Class, LoadError, PolicyDocument};

pub(crate) use datasets::{CompiledDataset, Datasets};
pub(crate) use storages::{CompiledStorage, Tree, Trees};

/// Classes by name; `default` is always there.
pub(crate) type Classes = BTreeMap<ClassName, Arc<Class>>;

/// Compiles a document.
pub(crate) fn compile(document: PolicyDocument) -> Result<Snapshot, LoadError> {
    let document = ordered(roles::spell_out(document)?);
    names::check(&document)?;
    let default_class = Arc::new(Class::default_class()?);
    let (default_class, classes) = classes(&document, default_class)?;
    let (storages, mut trees) = storages::compile(&document.storages)?;
    let datasets = datasets::compile(&document, &classes, &mut trees, &default_class)?;
    rules::check(&document)?;
    let named = document.rules.iter().flat_map(|rule| rule.to.iter().chain(&rule.unless));
    let subjects = SubjectTable::of(named);
    let memberships = memberships::compile(&document, &subjects)?;
    let rules = rules::compile(&document, &datasets, &subjects, &mut trees)?;
    for tree in trees.values_mut() {
        tree.root.seal();
    }
    Ok(Snapshot {
        number: document.version,
        members: GroupMembers::of(&document),
        projects: document.projects.into_iter().map(|project| project.name).collect(),
        storages,
        trees,
        subjects,
        memberships,
        datasets,
        rules,
        default_class,
    })
}

/// Sorts every list whose order means nothing.
fn ordered(mut document: PolicyDocument) -> PolicyDocument {
    document.storages.sort_by(|a, b| a.id.cmp(&b.id));
    document.storages.iter_mut().for_each(|storage| storage.buckets.sort_unstable());
    document.classes.sort_by(|a, b| a.name.cmp(&b.name));
    document.projects.sort_by(|a, b| a.name.cmp(&b.name));
    document.projects.iter_mut().for_each(|project| project.members.sort_unstable());
    document.groups.sort_by(|a, b| a.name.cmp(&b.name));
    document.groups.iter_mut().for_each(|group| group.members.sort_unstable());
    document.datasets.sort_by(|a, b| a.name.cmp(&b.name));
    document.rules.sort_by(|a, b| a.id.cmp(&b.id));
    for rule in &mut document.rules {
        rule.to.sort_unstable();
        rule.unless.sort_unstable();
    }
    document
}

/// The classes, and the one called `default`, which the document may define anew.
fn classes(document: &PolicyDocument, default: Arc<Class>) -> Result<(Arc<Class>, Classes), LoadError> {
    let mut classes = Classes::from([(default.name.clone(), Arc::clone(&default))]);
    for class in &document.classes {
        if class.token_life_seconds == 0 {
            return Err(LoadError::TokenLife { class: class.name.to_string() });
        }
        classes.insert(class.name.clone(), Arc::new(class.clone()));
    }
    let default = classes.get(&default.name).map_or(default, Arc::clone);
    Ok((default, classes))
}

#[cfg(test)]
mod tests;
