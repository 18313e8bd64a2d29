//! The snapshot: all datasets, rules and memberships, compiled, immutable, numbered.

use std::sync::Arc;

use lakegate_domain::{Bucket, Caller, ClassName, DatasetName, Prefix, ProjectName, Timestamp};

use crate::compile::{CompiledStorage, Datasets, Trees};
use crate::compiled_rule::{CompiledRule, Ends};
use crate::members::GroupMembers;
use crate::posted::Posted;
use crate::subjects::{CallerIds, Memberships, SubjectTable};
use crate::tree::Node;
use crate::{Class, Effect, LoadError, PolicyDocument, StorageRule};

/// A compiled policy. Immutable; share it behind an `Arc` and swap it whole.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) number: u64,
    pub(crate) storages: Vec<Arc<CompiledStorage>>,
    pub(crate) trees: Trees,
    pub(crate) subjects: SubjectTable,
    pub(crate) memberships: Memberships,
    pub(crate) members: GroupMembers,
    pub(crate) datasets: Datasets,
    pub(crate) rules: Vec<Arc<CompiledRule>>,
    pub(crate) default_class: Arc<Class>,
    /// Sorted.
    pub(crate) projects: Vec<ProjectName>,
}

impl Snapshot {
    /// Checks a document and compiles it.
    ///
    /// # Errors
    /// The first thing that is wrong; the document is refused whole.
    pub fn compile(document: &PolicyDocument) -> Result<Self, LoadError> {
        crate::compile::compile(document.clone())
    }

    /// As [`Snapshot::compile`], without a second copy of a document that may be large.
    ///
    /// # Errors
    /// The first thing that is wrong; the document is refused whole.
    pub fn compile_owned(document: PolicyDocument) -> Result<Self, LoadError> {
        crate::compile::compile(document)
    }

    /// The document's version.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// All datasets by name: name, prefix, owner, class.
    pub fn datasets(&self) -> impl Iterator<Item = (&DatasetName, &Prefix, &ProjectName, &ClassName)> {
        self.datasets
            .values()
            .map(|dataset| (&dataset.name, &dataset.prefix, &dataset.project, &dataset.class.name))
    }

    /// The datasets at, above or inside which an allow rule lies that concerns the caller and is in force; sorted.
    pub fn datasets_visible_to(&self, caller: &Caller, now: Timestamp) -> Vec<DatasetName> {
        let ids = self.memberships.of(caller);
        let mut look = Look { caller: &ids, now, seen: Vec::new() };
        for tree in self.trees.values() {
            look.visit(&tree.root, Above::Hidden);
        }
        look.seen.sort_unstable();
        look.seen
    }

    /// The storage that holds a bucket.
    pub fn storage_of(&self, bucket: &Bucket) -> Option<&StorageRule> {
        self.trees.get(bucket).map(|tree| &tree.storage.rule)
    }

    /// All storages by id.
    pub fn storages(&self) -> impl Iterator<Item = &StorageRule> {
        self.storages.iter().map(|storage| &storage.rule)
    }
}

/// Whether an allow rule stands above a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    Allowed,
    Hidden,
}

/// Collects the datasets that a caller may know of.
struct Look<'a> {
    caller: &'a CallerIds<'a>,
    now: Timestamp,
    seen: Vec<DatasetName>,
}

impl Look<'_> {
    /// Looks at a node and below; says whether an allow rule stands there.
    fn visit(&mut self, node: &Node, above: Above) -> bool {
        let on_prefix = self.allows(&node.prefix_rules);
        let below = if on_prefix { Above::Allowed } else { above };
        let mut allowed = on_prefix | self.allows(&node.object_rules);
        for child in node.children() {
            allowed |= self.visit(child, below);
        }
        if let Some(dataset) = &node.dataset
            && (allowed || above == Above::Allowed)
        {
            self.seen.push(dataset.name.clone());
        }
        allowed
    }

    fn allows(&self, posted: &Posted) -> bool {
        let mut rules = Vec::new();
        posted.collect(self.caller, &mut rules);
        rules.iter().any(|rule| rule.effect == Effect::Allow && rule.in_force(self.now, Ends::AsWritten))
    }
}
