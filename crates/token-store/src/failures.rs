//! Counts of calls to the shared tier that did not succeed. None of them is an error to a caller of the broker.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many calls failed since the start, by what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailureCounts {
    /// Look-ups without an answer; each was a miss.
    pub reads: u64,
    /// Tokens that the store did not take; each is minted again elsewhere.
    pub writes: u64,
    /// Distrusted values that could not be removed; each will be met again.
    pub removals: u64,
    /// Tokens that were not offered to the store because too many waited already.
    pub dropped: u64,
}

impl FailureCounts {
    /// Each count with its word for metrics.
    pub fn by_kind(&self) -> [(&'static str, u64); 4] {
        [
            ("read", self.reads),
            ("write", self.writes),
            ("remove", self.removals),
            ("dropped_write", self.dropped),
        ]
    }
}

/// The counters behind [`FailureCounts`].
#[derive(Debug, Default)]
pub(crate) struct Failures {
    reads: AtomicU64,
    writes: AtomicU64,
    removals: AtomicU64,
    dropped: AtomicU64,
}

impl Failures {
    /// A look-up failed.
    pub(crate) fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// A token was not taken.
    pub(crate) fn write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// A value was not removed.
    pub(crate) fn removal(&self) {
        self.removals.fetch_add(1, Ordering::Relaxed);
    }

    /// A token was not offered.
    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> FailureCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FailureCounts {
            reads: read(&self.reads),
            writes: read(&self.writes),
            removals: read(&self.removals),
            dropped: read(&self.dropped),
        }
    }
}
