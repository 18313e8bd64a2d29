//! Datasets: their class, their place, and who may lie inside whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lakegate_domain::{DatasetName, Prefix, ProjectName, Target};

use super::Classes;
use super::storages::{Trees, expressible, tree_of};
use crate::tree::Node;
use crate::{Class, Dataset, LoadError, PolicyDocument};

/// A dataset with its class.
#[derive(Debug)]
pub(crate) struct CompiledDataset {
    pub(crate) name: DatasetName,
    pub(crate) prefix: Prefix,
    pub(crate) project: ProjectName,
    pub(crate) class: Arc<Class>,
    nests_other_projects: bool,
}

/// Datasets by name.
pub(crate) type Datasets = BTreeMap<DatasetName, Arc<CompiledDataset>>;

fn holder(name: &DatasetName) -> String {
    ["dataset ", name.as_str()].concat()
}

/// Puts the datasets in the trees and checks how they nest.
pub(super) fn compile(
    document: &PolicyDocument,
    classes: &Classes,
    trees: &mut Trees,
    default: &Arc<Class>,
) -> Result<Datasets, LoadError> {
    let projects: BTreeSet<&ProjectName> = document.projects.iter().map(|project| &project.name).collect();
    let mut datasets = Datasets::new();
    for dataset in &document.datasets {
        if !projects.contains(&dataset.project) {
            return Err(unknown(dataset, "project", dataset.project.as_str()));
        }
        let class = match &dataset.class {
            None => default,
            Some(name) => classes.get(name).ok_or_else(|| unknown(dataset, "class", name.as_str()))?,
        };
        let compiled = Arc::new(CompiledDataset {
            name: dataset.name.clone(),
            prefix: dataset.prefix.clone(),
            project: dataset.project.clone(),
            class: Arc::clone(class),
            nests_other_projects: dataset.nests_other_projects,
        });
        place(&compiled, trees)?;
        datasets.insert(dataset.name.clone(), compiled);
    }
    let mut foreign = None;
    for tree in trees.values() {
        find_foreign(&tree.root, &mut Vec::new(), &mut foreign);
    }
    match foreign {
        None => Ok(datasets),
        Some((inner, outer)) => {
            Err(LoadError::ForeignNesting { outer: outer.to_string(), inner: inner.to_string() })
        }
    }
}

fn unknown(dataset: &Dataset, key: &'static str, name: &str) -> LoadError {
    LoadError::Unknown { holder: holder(&dataset.name), key, name: name.to_owned() }
}

fn place(dataset: &Arc<CompiledDataset>, trees: &mut Trees) -> Result<(), LoadError> {
    let target = Target::Prefix(dataset.prefix.clone());
    let tree = tree_of(trees, target.bucket(), || holder(&dataset.name))?;
    expressible(&tree.storage.rule, &target, || holder(&dataset.name))?;
    match tree.root.at(&target).dataset.replace(Arc::clone(dataset)) {
        None => Ok(()),
        Some(other) => {
            Err(LoadError::SamePrefix { first: other.name.to_string(), second: dataset.name.to_string() })
        }
    }
}

/// Finds the first pair, by name, of a dataset and one of another project around it that does not declare that.
fn find_foreign<'n>(
    node: &'n Node,
    around: &mut Vec<&'n CompiledDataset>,
    found: &mut Option<(&'n DatasetName, &'n DatasetName)>,
) {
    let depth = around.len();
    if let Some(inner) = &node.dataset {
        let strangers =
            around.iter().filter(|outer| outer.project != inner.project && !outer.nests_other_projects);
        for outer in strangers {
            let pair = (&inner.name, &outer.name);
            *found = Some(found.map_or(pair, |before| before.min(pair)));
        }
        around.push(inner);
    }
    for child in node.children() {
        find_foreign(child, around, found);
    }
    around.truncate(depth);
}
