//! Storages: their buckets, each in one storage only, and what they cannot express.

use std::collections::HashMap;
use std::sync::Arc;

use lakegate_domain::{Bucket, Dialect, Operation, OperationSet, Target};

use crate::tree::Node;
use crate::{LoadError, Namespace, StorageRule};

/// A storage with its operation sets in the order in which rounding tries them.
#[derive(Debug)]
pub(crate) struct CompiledStorage {
    pub(crate) rule: StorageRule,
    pub(crate) sets: Vec<OperationSet>,
}

/// A bucket: its storage, and what stands where.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) storage: Arc<CompiledStorage>,
    pub(crate) root: Node,
}

/// Everything by bucket.
pub(crate) type Trees = HashMap<Bucket, Tree>;

/// Compiles storages and plants an empty tree for each bucket.
pub(super) fn compile(storages: &[StorageRule]) -> Result<(Vec<Arc<CompiledStorage>>, Trees), LoadError> {
    let mut trees = Trees::new();
    let mut compiled = Vec::with_capacity(storages.len());
    for rule in storages {
        let holder = || ["storage ", rule.id.as_str()].concat();
        if rule.buckets.is_empty() {
            return Err(LoadError::EmptyList { holder: holder(), key: "buckets" });
        }
        if rule.operation_sets.iter().flatten().any(Vec::is_empty) {
            return Err(LoadError::EmptyList { holder: holder(), key: "operation_sets" });
        }
        let storage = Arc::new(CompiledStorage { sets: sets(rule), rule: rule.clone() });
        let buckets = rule
            .parsed_buckets()
            .map_err(|source| LoadError::Path { key: [&holder(), ", buckets"].concat(), source })?;
        for bucket in buckets {
            plant(&mut trees, &bucket, &storage)?;
        }
        compiled.push(storage);
    }
    Ok((compiled, trees))
}

fn plant(trees: &mut Trees, bucket: &Bucket, storage: &Arc<CompiledStorage>) -> Result<(), LoadError> {
    let tree = Tree { storage: Arc::clone(storage), root: Node::default() };
    match trees.insert(bucket.clone(), tree) {
        None => Ok(()),
        Some(other) => Err(LoadError::BucketShared {
            bucket: bucket.to_string(),
            first: other.storage.rule.id.to_string(),
            second: storage.rule.id.to_string(),
        }),
    }
}

/// The operation sets, smallest first, then by bits.
fn sets(rule: &StorageRule) -> Vec<OperationSet> {
    let mut sets = match &rule.operation_sets {
        Some(sets) => sets.iter().map(|set| OperationSet::of(set)).collect(),
        None => vec![OperationSet::of(&[Operation::Read, Operation::List]), OperationSet::ALL],
    };
    sets.sort_by_key(|set| (set.len(), set.bits()));
    sets.dedup();
    sets
}

/// The tree of a target's bucket.
pub(super) fn tree_of<'t>(
    trees: &'t mut Trees,
    bucket: &Bucket,
    holder: impl Fn() -> String,
) -> Result<&'t mut Tree, LoadError> {
    trees
        .get_mut(bucket)
        .ok_or_else(|| LoadError::UnknownBucket { holder: holder(), bucket: bucket.to_string() })
}

/// Refuses a target for which the storage can make no token.
pub(super) fn expressible(
    storage: &StorageRule,
    target: &Target,
    holder: impl Fn() -> String,
) -> Result<(), LoadError> {
    let flat_azure = storage.dialect == Dialect::Azure && storage.namespace == Namespace::Flat;
    if flat_azure && matches!(target, Target::Prefix(_)) {
        let reason = "a flat azure account knows no prefixes";
        return Err(LoadError::NotExpressible { holder: holder(), reason });
    }
    let no_escapes = matches!(storage.dialect, Dialect::Minio | Dialect::GenericS3);
    if no_escapes && target.key().contains(['*', '?', '$']) {
        let reason = "the storage's policies cannot escape '*', '?' or '$'";
        return Err(LoadError::NotExpressible { holder: holder(), reason });
    }
    Ok(())
}
