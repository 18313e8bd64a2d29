//! The shared tier: sealed access tokens, in a store that nobody has to trust.
//!
//! A [`TokenStore`] keeps bytes under a scope's key. [`RedbStore`] is the embedded one, a file of one process;
//! [`RedisStore`] is Redis or Valkey, over the network and therefore behind a [`Breaker`]. [`SealedTokens`] is
//! what brokers and generators hold: it seals every token before it leaves the process and believes nothing that
//! comes back until it has opened and checked it, so a store may be read, rolled back or rewritten by a stranger
//! and the worst outcome is a miss.
//!
//! A [`RecordLog`] in the same stores keeps what must not be lost: numbered records that all brokers follow.
//! [`SealedLog`] seals them and says when they are not what was written; then a view of them is stale, never empty.
//!
//! Absent on purpose: retries (a miss is cheaper than a second wait) and minting.

mod alarms;
mod breaker;
#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod error;
mod failures;
mod health;
#[cfg(any(test, feature = "test-util"))]
mod memory;
pub mod record_log;
mod redb_store;
mod redis_store;
mod sealed_log;
mod sealed_tokens;
mod sealing;
pub mod settings;
mod store;
#[cfg(test)]
mod test_tokens;

pub use alarms::AlarmCounts;
pub use breaker::{Breaker, BreakerTerms, LogBreaker};
pub use error::StoreError;
pub use failures::FailureCounts;
pub use health::{BreakerState, StoreHealth};
#[cfg(any(test, feature = "test-util"))]
pub use memory::{Fault, MemoryStore};
pub use record_log::{Appended, LogName, LogSnapshot, RecordLog, Records};
pub use redb_store::RedbStore;
pub use redis_store::{DefaultUser, RedisLog, RedisStore, RedisTerms, RedisTls};
pub use sealed_log::{CatchUp, LogError, Opened, SealedLog};
pub use sealed_tokens::SealedTokens;
pub use sealing::{SealingKey, SealingKeys};
pub use store::{KEYS_PER_TRIP, MAX_VALUE_BYTES, StoreId, TokenStore};
