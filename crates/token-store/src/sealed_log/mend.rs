//! What becomes of a log whose store lost its end.
//!
//! It is put back by whoever remembers all of it, but only behind what is still there: when another record has one of its
//! numbers, the log has two histories, and what belongs to one never goes behind the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tracing::warn;

use super::{LogError, SealedLog};
use crate::Appended;

impl SealedLog {
    /// Puts back what the store lost of its end, if every byte of it is remembered, and what is left is what it was.
    pub(super) async fn mend(&self, head: u64) -> Result<(), LogError> {
        let left = self.store.read(self.name, head.saturating_sub(1)).await?.records;
        let other = {
            let memory = self.memory();
            left.iter().find(|(number, sealed)| memory.differs(*number, sealed)).map(|(number, _)| *number)
        };
        if let Some(number) = other {
            return Err(self.fork(number));
        }
        let (seen, lost) = {
            let memory = self.memory();
            (memory.seen, memory.since(head))
        };
        let Some(lost) = lost else { return Err(LogError::Rewound { seen, head }) };
        warn!(log = self.name.as_str(), head, seen, "the log's end was lost in the store; it is put back");
        for (number, sealed) in lost {
            // Taken: by a process that mends as well, or by another record, and then nothing may go behind that one.
            if self.store.append(self.name, number, sealed).await? == Appended::Taken {
                self.compare(number.saturating_sub(1), number).await?;
            }
        }
        self.compare(head, seen).await
    }

    /// Reads what stands behind one number up to another, and whether all of it is what it was.
    async fn compare(&self, after: u64, last: u64) -> Result<(), LogError> {
        let mut at = after;
        while at < last {
            let read = self.store.read(self.name, at).await?;
            let before = at;
            for (number, sealed) in read.records {
                if self.memory().differs(number, &sealed) {
                    return Err(self.fork(number));
                }
                at = at.max(number);
            }
            if at == before {
                return Err(LogError::Rewound { seen: last, head: read.head });
            }
        }
        Ok(())
    }

    /// A number has another record than it had. Until it has its own again no snapshot is taken for what is missing:
    /// that would be the other history, and nobody would have compared the two.
    pub(super) fn fork(&self, number: u64) -> LogError {
        self.memory().forked = true;
        LogError::Forked { number }
    }

    /// The same log as a process sees it that remembers nothing of it. What is read there is compared with nothing that
    /// was known here; see [`SealedLog::adopt`].
    #[must_use]
    pub fn stranger(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            name: self.name,
            sealer: ArcSwap::new(self.sealer.load_full()),
            cluster: self.cluster.clone(),
            memory: Mutex::default(),
            is_sealed_before: AtomicBool::new(false),
            unacknowledged: AtomicBool::new(self.is_unacknowledged()),
        }
    }

    /// Remembers what a stranger saw in the place of what was known here. Only whoever keeps what must not be forgotten
    /// of the other history may do so.
    pub fn adopt(&self, stranger: Self) {
        let seen = stranger.memory.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.memory() = seen;
        if stranger.is_sealed_before.into_inner() {
            self.is_sealed_before.store(true, Ordering::Relaxed);
        }
    }
}
