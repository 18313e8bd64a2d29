//! The local tier: tokens in this process's memory.
//!
//! Plain scopes have a slot each in the mirror. All other scopes (narrowed, of several parts, attributed, ended) share a
//! bounded cache, where they can push out each other and nothing else.

use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::AccessToken;
use lakegate_policy::{Departed, Scope, ScopeKey};
use moka::sync::Cache;

use super::Mirror;

/// How long an entry stays without being used; tokens rarely live longer than an hour.
const IDLE: Duration = Duration::from_hours(1);

/// The mirror of plain scopes, and a bounded cache of the others.
#[derive(Debug, Clone)]
pub(super) struct LocalTier {
    mirror: Arc<Mirror>,
    others: Cache<ScopeKey, Arc<Held>>,
}

/// A token, and the scope that tells when it may go.
#[derive(Debug)]
struct Held {
    scope: Scope,
    token: Arc<AccessToken>,
}

impl LocalTier {
    /// A tier over a mirror, with room for so many tokens of other scopes.
    pub(super) fn new(mirror: Arc<Mirror>, capacity: u64) -> Self {
        Self { mirror, others: Cache::builder().max_capacity(capacity).time_to_idle(IDLE).build() }
    }

    /// The token last seen for a scope, whatever its state.
    pub(super) fn get(&self, scope: &Scope) -> Option<Arc<AccessToken>> {
        let key = scope.key();
        self.mirror.token(&key).or_else(|| Some(Arc::clone(&self.others.get(&key)?.token)))
    }

    /// Keeps a token.
    pub(super) fn put(&self, scope: &Scope, token: Arc<AccessToken>) {
        let key = scope.key();
        if !self.mirror.put(&key, &token) {
            self.others.insert(key, Arc::new(Held { scope: scope.clone(), token }));
        }
    }

    /// Forgets the tokens of scopes that left with a policy, and tells their keys. Slots of the mirror go with the
    /// mirror's own snapshot.
    pub(super) fn forget(&self, departed: &Departed) -> Vec<ScopeKey> {
        let gone = self.others.iter().filter(|(_, held)| departed.took(&held.scope));
        let keys: Vec<ScopeKey> = gone.map(|(key, _)| *key).collect();
        for key in &keys {
            self.others.invalidate(key);
        }
        keys
    }

    /// Counts a token that stood under the key of another scope.
    pub(super) fn count_mismatch(&self) {
        self.mirror.count_mismatch();
    }
}
