//! Plain scopes: home dataset x configured operation set, what the generator pre-fills.

use lakegate_domain::{DatasetName, ProjectName};

use crate::{Scope, Snapshot};

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
    pub fn plain_scopes(&self) -> Vec<PlainScope> {
        Vec::new()
    }
}
