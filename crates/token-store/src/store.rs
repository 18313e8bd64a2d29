//! The store as a trait: sealed bytes under a scope's key, each until an instant.

use std::fmt;

use async_trait::async_trait;
use lakegate_domain::Timestamp;
use lakegate_policy::ScopeKey;

use crate::{StoreError, StoreHealth};

/// The longest value a store keeps and the longest it reads back, in bytes. A sealed token has about 2 KiB.
pub const MAX_VALUE_BYTES: usize = 64 << 10;

/// How many keys a store reads or forgets in one round trip at most. More take several, one after the other.
pub const KEYS_PER_TRIP: usize = 128;

/// Keeps sealed bytes. It sees hashed keys and ciphertext only, and is not trusted with more.
///
/// *Rules, held by the module `conformance` (feature `test-util`):*
/// - what was put is read back unchanged, by key, until it is put again, removed, or `keep_until` has come;
/// - `keep_until` is a courtesy that saves space; whoever reads must not rely on it;
/// - a value longer than [`MAX_VALUE_BYTES`] is refused by `put`; where one is found all the same, it is not
///   read, and an empty value stands for it, so that the reader sees that something is wrong;
/// - a missing or expired value is `None`; a store that does not answer is an error, never `None`.
#[async_trait]
pub trait TokenStore: Send + Sync + fmt::Debug {
    /// Reads values, in the order of the keys; as few round trips as the store allows.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store does not answer, [`StoreError::Refused`] when it answers that it
    /// cannot; then no value is known.
    async fn get_many(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Keeps a value, over whatever the key held.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Unavailable`], or [`StoreError::Refused`].
    async fn put(&self, key: &ScopeKey, value: Vec<u8>, keep_until: Timestamp) -> Result<(), StoreError>;

    /// Forgets values; none need exist. As few round trips as the store allows.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], or [`StoreError::Refused`]; then some may be gone and others not.
    async fn remove(&self, keys: &[ScopeKey]) -> Result<(), StoreError>;

    /// Asks whether the store answers, and which data it holds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], or [`StoreError::Refused`].
    async fn ping(&self) -> Result<StoreId, StoreError>;

    /// How the store has done since the start. One that cannot be out of reach has nothing to tell.
    fn health(&self) -> StoreHealth {
        StoreHealth::default()
    }
}

/// Tells one body of data from another: it changes when a store was replaced or has lost its past.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreId(String);

impl StoreId {
    /// Takes the store's own name for its data: random for an embedded file, the replication id for Redis.
    pub fn new(id: String) -> Self {
        Self(id)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
