//! The snapshot: all datasets, rules and memberships, compiled, immutable, numbered.

use lakegate_domain::{Bucket, Caller, ClassName, DatasetName, Part, Prefix, ProjectName, Timestamp};

use crate::{Grant, LoadError, PolicyDocument, Refusal, StorageRule};

/// A compiled policy. Immutable; share it behind an `Arc` and swap it whole.
#[derive(Debug)]
pub struct Snapshot {
    number: u64,
    storages: Vec<StorageRule>,
}

impl Snapshot {
    /// Checks a document and compiles it.
    ///
    /// # Errors
    /// The first thing that is wrong; the document is refused whole.
    pub fn compile(document: &PolicyDocument) -> Result<Self, LoadError> {
        Ok(Self { number: document.version, storages: document.storages.clone() })
    }

    /// The document's version.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Decides what the caller may have of 1 to 4 parts.
    ///
    /// # Errors
    /// The refusal: policy says no, or says yes to what no token can express.
    pub fn decide(&self, _caller: &Caller, _parts: &[Part], _now: Timestamp) -> Result<Grant, Refusal> {
        Err(Refusal::Denied { rule: None })
    }

    /// All datasets by name: name, prefix, owner, class.
    pub fn datasets(&self) -> impl Iterator<Item = (&DatasetName, &Prefix, &ProjectName, &ClassName)> {
        std::iter::empty()
    }

    /// The datasets at, above or inside which an allow rule lies that concerns the caller and is in force; sorted.
    pub fn datasets_visible_to(&self, _caller: &Caller, _now: Timestamp) -> Vec<DatasetName> {
        Vec::new()
    }

    /// The storage that holds a bucket.
    pub fn storage_of(&self, bucket: &Bucket) -> Option<&StorageRule> {
        self.storages
            .iter()
            .find(|storage| storage.parsed_buckets().is_ok_and(|buckets| buckets.contains(bucket)))
    }

    /// All storages by id.
    pub fn storages(&self) -> impl Iterator<Item = &StorageRule> {
        self.storages.iter()
    }

    /// What is legal in the document but likely a mistake, one sentence each; for `policy check`.
    pub fn lint(&self) -> Vec<String> {
        Vec::new()
    }
}
