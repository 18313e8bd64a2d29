//! Plain scopes: home dataset x configured operation set, what the generator pre-fills.

use lakegate_domain::{DatasetName, OperationSet, Part, ProjectName, StorageId, Target};

use crate::closure::closure;
use crate::compile::{CompiledDataset, Tree};
use crate::tree::{Node, segments};
use crate::{Attribution, Effect, Scope, Snapshot, Terms};

/// A scope that may be pre-filled: everybody who may have a whole dataset shares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainScope {
    scope: Scope,
    dataset: DatasetName,
    project: ProjectName,
}

impl PlainScope {
    /// The scope, with the same key as the one in a plain grant.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The dataset whose prefix it covers.
    pub fn dataset(&self) -> &DatasetName {
        &self.dataset
    }

    /// The dataset's owner.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }
}

impl Snapshot {
    /// The pre-fill catalogue: each dataset with each of its storage's operation sets for which allow rules exist
    /// that could ever grant it at the dataset's prefix. Attributed classes are not in it. Sorted by dataset.
    ///
    /// It may hold a scope that no caller can have because no caller is of all the subjects that would be needed;
    /// it holds every scope that a plain, shared grant can have.
    pub fn plain_scopes(&self) -> Vec<PlainScope> {
        let shared = self.datasets.values().filter(|set| set.class.attribution == Attribution::Shared);
        shared.flat_map(|dataset| self.plain_scopes_of(dataset)).collect()
    }

    /// A plain scope of one storage: the first by dataset. Stops looking when it is found.
    pub fn plain_scope_in(&self, storage: &StorageId) -> Option<PlainScope> {
        let shared = self.datasets.values().filter(|set| set.class.attribution == Attribution::Shared);
        let in_storage = shared.filter(|set| {
            self.trees.get(set.prefix.bucket()).is_some_and(|tree| tree.storage.rule.id == *storage)
        });
        in_storage.flat_map(|dataset| self.plain_scopes_of(dataset)).next()
    }

    fn plain_scopes_of(&self, dataset: &CompiledDataset) -> Vec<PlainScope> {
        let target = Target::Prefix(dataset.prefix.clone());
        let Some(tree) = self.trees.get(target.bucket()) else { return Vec::new() };
        let allowed = allowed_at(tree, &target, dataset);
        let storage = &tree.storage;
        let granted = |set: &OperationSet| allowed.is_superset(closure(storage.rule.dialect, *set));
        let scopes = storage.sets.iter().copied().filter(granted).filter_map(|set| {
            let part = Part::new(target.clone(), set).ok()?;
            let terms = Terms::strictest(std::iter::once(&*dataset.class));
            Some(PlainScope {
                scope: Scope::shared(&storage.rule, vec![part], terms),
                dataset: dataset.name.clone(),
                project: dataset.project.clone(),
            })
        });
        scopes.collect()
    }
}

/// The operations that allow rules on the dataset's prefix and above allow to anybody; none when classes differ
/// inside.
fn allowed_at(tree: &Tree, target: &Target, dataset: &CompiledDataset) -> OperationSet {
    let mut node = &tree.root;
    let mut allowed = allowed_on(node);
    for segment in segments(target) {
        let Some(child) = node.child(segment) else { return OperationSet::EMPTY };
        node = child;
        allowed = allowed.union(allowed_on(node));
    }
    if node.is_of_class(&dataset.class.name) { allowed } else { OperationSet::EMPTY }
}

fn allowed_on(node: &Node) -> OperationSet {
    let allows = node.prefix_rules.all().filter(|rule| rule.effect == Effect::Allow);
    allows.map(|rule| rule.operations).fold(OperationSet::EMPTY, OperationSet::union)
}
