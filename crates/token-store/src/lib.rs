//! The shared tier: sealed access tokens, in a store that nobody has to trust.
//!
//! A [`TokenStore`] keeps bytes under a scope's key; [`RedbStore`] is the embedded one, Redis stands beside it
//! later. [`SealedTokens`] is what brokers and generators hold: it seals every token before it leaves the
//! process and believes nothing that comes back until it has opened and checked it, so a store may be read,
//! rolled back or rewritten by a stranger and the worst outcome is a miss.
//!
//! Absent on purpose: retries and time limits (the caller owns the deadline) and minting.

mod alarms;
#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod error;
#[cfg(any(test, feature = "test-util"))]
mod memory;
mod redb_store;
mod sealed_tokens;
mod sealing;
pub mod settings;
mod store;
#[cfg(test)]
mod test_tokens;

pub use alarms::AlarmCounts;
pub use error::StoreError;
#[cfg(any(test, feature = "test-util"))]
pub use memory::{Fault, MemoryStore};
pub use redb_store::RedbStore;
pub use sealed_tokens::SealedTokens;
pub use sealing::{SealingKey, SealingKeys};
pub use store::{MAX_VALUE_BYTES, StoreId, TokenStore};
