//! The local tier: tokens in this process's memory.

use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::AccessToken;
use lakegate_policy::{Scope, ScopeKey};
use moka::sync::Cache;

/// How long an entry stays without being used; tokens rarely live longer than an hour.
const IDLE: Duration = Duration::from_hours(1);

/// A bounded cache by scope.
#[derive(Debug, Clone)]
pub(super) struct LocalTier(Cache<ScopeKey, Arc<AccessToken>>);

impl LocalTier {
    /// A tier of at most so many tokens.
    pub(super) fn new(capacity: u64) -> Self {
        Self(Cache::builder().max_capacity(capacity).time_to_idle(IDLE).build())
    }

    /// The token last seen for a scope, whatever its state.
    pub(super) fn get(&self, scope: &Scope) -> Option<Arc<AccessToken>> {
        self.0.get(&scope.key())
    }

    /// Keeps a token.
    pub(super) fn put(&self, scope: &Scope, token: Arc<AccessToken>) {
        self.0.insert(scope.key(), token);
    }
}
