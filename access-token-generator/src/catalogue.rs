//! The catalogue: the plain scopes of the snapshot in force that this process can mint.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use lakegate_domain::{Bucket, StorageId};
use lakegate_policy::{Scope, ScopeKey, Snapshot};
use lakegate_sts::Minter;

/// All plain scopes of one snapshot, by key.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    snapshot: u64,
    scopes: HashMap<ScopeKey, Arc<Scope>>,
}

impl Catalogue {
    /// Reads a snapshot. Scopes of storages without a minter, and scopes that the provider cannot express, are
    /// left to `policy check` to complain about; brokers refuse everything in their own buckets.
    pub(crate) fn of(
        snapshot: &Snapshot,
        minters: &HashMap<StorageId, Arc<dyn Minter>>,
        own_buckets: &BTreeSet<Bucket>,
    ) -> Self {
        let is_own =
            |scope: &Scope| scope.parts().iter().any(|part| own_buckets.contains(part.target().bucket()));
        let scopes = snapshot
            .plain_scopes()
            .into_iter()
            .map(|plain| Arc::new(plain.scope().clone()))
            .filter(|scope| !is_own(scope))
            .filter(|scope| minters.get(scope.storage()).is_some_and(|m| m.expressible(scope).is_ok()))
            .map(|scope| (scope.key(), scope))
            .collect();
        Self { snapshot: snapshot.number(), scopes }
    }

    /// The number of the snapshot it was read from.
    pub(crate) fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// How many scopes there are.
    pub(crate) fn len(&self) -> usize {
        self.scopes.len()
    }

    /// The scope of a key, if it is still plain.
    pub(crate) fn get(&self, key: ScopeKey) -> Option<&Arc<Scope>> {
        self.scopes.get(&key)
    }

    /// The keys that `known` does not hold.
    pub(crate) fn beyond(&self, known: &HashSet<ScopeKey>) -> Vec<ScopeKey> {
        let mut keys: Vec<ScopeKey> =
            self.scopes.keys().filter(|key| !known.contains(key)).copied().collect();
        keys.sort_unstable();
        keys
    }
}
