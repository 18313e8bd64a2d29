//! Numbered records as a trait: what all brokers must know of each other, in the order in which it came to be.
//!
//! A log keeps what may not be lost as a token of the shared tier may: keys that sign delegation tokens, cancellations
//! and renewals. Its records are numbered from 1 without a gap; a writer says which number its record is to have, and
//! only one writer ever gets a number. Everything is sealed by [`crate::SealedLog`] before it comes here, and a log is
//! not believed beyond what opens there.

#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
#[cfg(any(test, feature = "test-util"))]
mod memory;

use std::fmt;

use async_trait::async_trait;
use lakegate_domain::Timestamp;

use crate::{StoreError, StoreHealth};

#[cfg(any(test, feature = "test-util"))]
pub use memory::{Held, MemoryLog};

/// How many records one [`RecordLog::read`] returns at most.
pub const RECORDS_PER_READ: usize = 128;

/// How many records before a snapshot stay, for readers that are a little behind; older ones may be forgotten.
pub const RECORDS_KEPT: u64 = 1024;

/// The longest snapshot that a log keeps, in bytes. A record is at most [`crate::MAX_VALUE_BYTES`] long.
pub const MAX_SNAPSHOT_BYTES: usize = 8 << 20;

/// Names a log. A store holds one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogName {
    /// Keys that sign delegation tokens.
    DelegationKeys,
    /// What became of delegation tokens: renewals and cancellations.
    DelegationTokens,
}

impl LogName {
    /// The name as it stands in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DelegationKeys => "delegation-keys",
            Self::DelegationTokens => "delegation-tokens",
        }
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It stands under its number.
    Done,
    /// Another record has the number; nothing was written.
    Taken,
}

/// Records of a log, as the store has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Records {
    /// The number of the newest record of the log; 0 when nothing was ever written.
    pub head: u64,
    /// The number of the oldest record that is still there; 0 when none is.
    pub oldest: u64,
    /// Records with their numbers, rising.
    pub records: Vec<(u64, Vec<u8>)>,
}

/// What all records up to a number say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSnapshot {
    /// The last record that it says.
    pub number: u64,
    /// What they say.
    pub bytes: Vec<u8>,
}

/// Keeps logs. It sees numbers, sizes and ciphertext only, and is not trusted with more.
///
/// *Rules, held by the module `record_log::conformance` (feature `test-util`):*
/// - one number, one record: of several writers that want it, one gets it, and the record never changes;
/// - a number is given only behind the newest record, so that records follow each other without a gap;
/// - a number is never given again, whatever was forgotten since;
/// - a snapshot never goes backwards; the [`RECORDS_KEPT`] records before it stay, and all behind it;
/// - a store that does not answer is an error, never an empty log.
///
/// A call that fails may still have been done: whoever asked finds out by reading.
#[async_trait]
pub trait RecordLog: Send + Sync + fmt::Debug {
    /// Adds a record under a number, which must be the head's successor.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; [`StoreError::NotNext`] when the log ends before the number's predecessor;
    /// [`StoreError::NotCopied`] when the record stands under its number and may still be lost;
    /// [`StoreError::Unavailable`] or [`StoreError::Refused`].
    async fn append(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError>;

    /// The records behind a number, in order, at most [`RECORDS_PER_READ`] of them. Where the oldest that are left begin
    /// later, they begin there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Refused`].
    async fn read(&self, log: LogName, after: u64) -> Result<Records, StoreError>;

    /// The latest snapshot.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Refused`].
    async fn snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, StoreError>;

    /// Keeps a snapshot, unless there is one of a higher number, and forgets records that it says. One of number 0 says
    /// nothing and is not kept.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Unavailable`] or [`StoreError::Refused`].
    async fn put_snapshot(&self, log: LogName, snapshot: LogSnapshot) -> Result<(), StoreError>;

    /// The store's own time; none for a store that has no clock but its user's.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Refused`].
    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// Whether an append is done only when other servers have the record as well.
    fn waits_for_copies(&self) -> bool {
        false
    }

    /// How the store has done since the start. One that cannot be out of reach has nothing to tell.
    fn health(&self) -> StoreHealth {
        StoreHealth::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn logs_in_memory_conform() {
        conformance::run(async || MemoryLog::new()).await.unwrap();
    }
}
