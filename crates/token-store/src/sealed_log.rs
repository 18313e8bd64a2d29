//! A log as those who write and follow it see it: opened on this side, sealed on the other.
//!
//! Every record and snapshot is sealed for its place: cluster, log, number, and which of the two it is. So nothing can be
//! moved, swapped, copied from another log or put back under another number. What the seal cannot tell, this process
//! remembers: the newest record it ever saw and the bytes of the latest ones. A store that lost its end, was replaced or
//! was put back from a backup is noticed by every process that saw more, and none of them takes the log for empty.
//!
//! Where all that is missing is remembered here, byte for byte, it is put back: a store that failed over and lost its
//! last second gets it again from whoever has it. A writer's number still goes to one record only.

mod error;
mod memory;
mod mend;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use lakegate_domain::Timestamp;
use tracing::info;
use zeroize::Zeroizing;

pub use error::LogError;

use crate::alarms::Distrust;
use crate::record_log::MAX_SNAPSHOT_BYTES;
use crate::sealing::{SEAL_BYTES, Sealer};
use crate::{
    Appended, LogName, LogSnapshot, MAX_VALUE_BYTES, RecordLog, SealingKey, SealingKeys, StoreError,
    StoreHealth,
};
use memory::Memory;

/// What logs are sealed for; another use of the same master key takes another text.
const PURPOSE: &str = "lakegate.log.v1";

/// One log of one cluster. One instance per process and log: it owns a subkey, and remembers.
#[derive(Debug)]
pub struct SealedLog {
    store: Arc<dyn RecordLog>,
    name: LogName,
    sealer: ArcSwap<Sealer>,
    cluster: String,
    memory: Mutex<Memory>,
    /// Whether what a newcomer must read is sealed with a key that only opens.
    is_sealed_before: AtomicBool,
    /// Whether the last record that this process wrote was not copied as often as it should.
    unacknowledged: AtomicBool,
}

/// What came since a number; opened, authentic, without a gap.
#[derive(Debug, Default)]
pub struct CatchUp {
    /// The number of the newest record in the store, which may be more than is said here: then there is more to read.
    pub head: u64,
    /// Where to begin, when records behind the number were forgotten: it replaces all that was known.
    pub snapshot: Option<Opened>,
    /// What follows the snapshot, or else the number.
    pub records: Vec<Opened>,
}

/// A record or a snapshot, opened. Overwritten on drop, never printed.
pub struct Opened {
    /// Its number; that of the last record that it says, for a snapshot.
    pub number: u64,
    /// What was sealed.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What is sealed.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Record = 1,
    Snapshot = 2,
}

impl SealedLog {
    /// Joins a store and the sealing keys of a cluster.
    ///
    /// # Errors
    /// [`StoreError::ClusterName`], [`StoreError::DuplicateKeyId`], or [`StoreError::Sealing`] without randomness.
    pub fn new(
        store: Arc<dyn RecordLog>,
        name: LogName,
        keys: SealingKeys,
        cluster: &str,
    ) -> Result<Self, StoreError> {
        let sealer = ArcSwap::from_pointee(Sealer::for_purpose(PURPOSE, keys, cluster)?);
        Ok(Self {
            store,
            name,
            sealer,
            cluster: cluster.to_owned(),
            memory: Mutex::default(),
            is_sealed_before: AtomicBool::new(false),
            unacknowledged: AtomicBool::new(false),
        })
    }

    /// Seals with other keys from now on; on an error those in force stay.
    ///
    /// # Errors
    /// [`StoreError::DuplicateKeyId`], [`StoreError::KeyIdReused`], or [`StoreError::Sealing`] without randomness.
    pub fn rotate(&self, keys: SealingKeys) -> Result<(), StoreError> {
        self.sealer.load().check_ids(&keys)?;
        let (current, previous) = (keys.current.id(), keys.previous.as_ref().map(SealingKey::id));
        self.sealer.store(Arc::new(Sealer::for_purpose(PURPOSE, keys, &self.cluster)?));
        self.is_sealed_before.store(self.seen() > 0, Ordering::Relaxed);
        info!(log = self.name.as_str(), current, previous, "sealing keys are in force");
        Ok(())
    }

    /// Whether a snapshot should be written although the log has not grown: a newcomer would need a sealing key that only
    /// opens, and that its operator wants to drop.
    pub fn wants_snapshot(&self) -> bool {
        self.is_sealed_before.load(Ordering::Relaxed)
    }

    /// Which log it is.
    pub fn name(&self) -> LogName {
        self.name
    }

    /// The newest authentic record that this process ever saw; 0 when none.
    pub fn seen(&self) -> u64 {
        self.memory().seen
    }

    /// How the store has done since the start.
    pub fn health(&self) -> StoreHealth {
        self.store.health()
    }

    /// Whether something stands in the log that the store could not have copied as often as it should. Then it is not
    /// known of anything that was written here lately whether it outlives a failover; the next write that is copied
    /// tells of all before it.
    pub fn is_unacknowledged(&self) -> bool {
        self.unacknowledged.load(Ordering::Acquire)
    }

    /// The store's own time, where it keeps any.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn time(&self) -> Result<Option<Timestamp>, LogError> {
        Ok(self.store.time().await?)
    }

    /// What came behind a number: 0 for everything, from the latest snapshot on. Read again, behind the last number that
    /// came, until that is the head.
    ///
    /// # Errors
    /// Any [`LogError`]; then nothing is known of the log beyond what was known before.
    pub async fn read(&self, after: u64) -> Result<CatchUp, LogError> {
        match self.read_once(after).await {
            Err(LogError::Rewound { head, .. }) => {
                self.mend(head).await?;
                self.read_once(after).await
            }
            read => read,
        }
    }

    async fn read_once(&self, after: u64) -> Result<CatchUp, LogError> {
        let (seen, newest, forked) = {
            let memory = self.memory();
            (memory.seen, memory.snapshot, memory.forked)
        };
        // The last known record is read again: another one in its place is a fork.
        let mut read = self.store.read(self.name, after.saturating_sub(1)).await?;
        if forked && read.oldest > after {
            return Err(LogError::Forked { number: after });
        }
        let mut from = after;
        let mut snapshot = None;
        if after == 0 || read.oldest > after.saturating_add(1) {
            let latest = self.snapshot(newest).await?;
            if let Some(latest) = latest.filter(|latest| latest.number > after) {
                from = latest.number;
                read = self.store.read(self.name, from.saturating_sub(1)).await?;
                snapshot = Some(latest);
            }
        }
        let seen = seen.max(from);
        if read.head < seen {
            return Err(LogError::Rewound { seen, head: read.head });
        }
        let records = self.open_all(from, read.head, read.records)?;
        let mut memory = self.memory();
        if let Some(snapshot) = &snapshot {
            memory.snapshot(snapshot.number);
        }
        let records = records.into_iter().map(|(opened, sealed)| {
            memory.record(opened.number, sealed);
            opened
        });
        Ok(CatchUp { head: read.head, records: records.collect(), snapshot })
    }

    /// Opens what follows a number; records up to it are only compared.
    fn open_all(
        &self,
        from: u64,
        head: u64,
        records: Vec<(u64, Vec<u8>)>,
    ) -> Result<Vec<(Opened, Vec<u8>)>, LogError> {
        let mut opened = Vec::with_capacity(records.len());
        let mut next = from.saturating_add(1);
        for (number, sealed) in records {
            if self.memory().differs(number, &sealed) {
                return Err(self.fork(number));
            }
            if number <= from {
                self.memory().forked = false;
                continue;
            }
            if number != next {
                return Err(LogError::Gap { missing: next });
            }
            let bytes = self.open(Kind::Record, number, sealed.clone())?;
            opened.push((Opened { number, bytes }, sealed));
            next = next.saturating_add(1);
        }
        if opened.is_empty() && head > from {
            return Err(LogError::Gap { missing: next });
        }
        Ok(opened)
    }

    async fn snapshot(&self, newest: u64) -> Result<Option<Opened>, LogError> {
        let Some(LogSnapshot { number, bytes }) = self.store.snapshot(self.name).await? else {
            return if newest == 0 {
                Ok(None)
            } else {
                Err(LogError::SnapshotRewound { seen: newest, number: 0 })
            };
        };
        let bytes = self.open(Kind::Snapshot, number, bytes)?;
        if number < newest {
            return Err(LogError::SnapshotRewound { seen: newest, number });
        }
        Ok(Some(Opened { number, bytes }))
    }

    /// Adds a record under a number, the successor of the last that the writer knows. [`Appended::Taken`] means that
    /// somebody was faster: read, decide again. A reply that got lost is looked for, so that an error means that the
    /// record is not there as far as anybody can tell; it may still come, and is then read like any other. Where copies
    /// are waited for, a record that stands in one place only is an error as well: it may be lost.
    ///
    /// # Errors
    /// [`LogError::Rewound`] when the log ends before the number's predecessor, or [`LogError::Store`].
    pub async fn append(&self, number: u64, record: &[u8]) -> Result<Appended, LogError> {
        if record.len().saturating_add(SEAL_BYTES) > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge.into());
        }
        let sealed = self.sealer.load().seal_bytes(&self.place(Kind::Record, number), record)?;
        let appended = match self.store.append(self.name, number, sealed.clone()).await {
            Err(StoreError::NotNext { head }) => {
                return Err(LogError::Rewound { seen: number.saturating_sub(1), head });
            }
            Err(alone @ StoreError::NotCopied { .. }) => {
                self.unacknowledged.store(true, Ordering::Release);
                return Err(alone.into());
            }
            // What is found may be all there is of it: nobody waited for copies.
            Err(lost @ StoreError::Unavailable(_)) if self.store.waits_for_copies() => {
                self.unacknowledged.store(true, Ordering::Release);
                return Err(lost.into());
            }
            Err(lost @ StoreError::Unavailable(_)) => self.find(number, &sealed).await.ok_or(lost)?,
            answered => answered?,
        };
        if appended == Appended::Done {
            self.unacknowledged.store(false, Ordering::Release);
            self.memory().record(number, sealed);
        }
        Ok(appended)
    }

    /// What became of a record whose answer was lost; none when that cannot be known. No two records are sealed to the
    /// same bytes, so one's own is told from any other.
    async fn find(&self, number: u64, sealed: &[u8]) -> Option<Appended> {
        let read = self.store.read(self.name, number.saturating_sub(1)).await.ok()?;
        let (found, bytes) = read.records.first()?;
        match *found == number {
            true if bytes == sealed => Some(Appended::Done),
            true => Some(Appended::Taken),
            false => None,
        }
    }

    /// Keeps what all records up to a number say, so that others need not read them; never over one of a higher number.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn put_snapshot(&self, number: u64, said: &[u8]) -> Result<(), LogError> {
        if said.len().saturating_add(SEAL_BYTES) > MAX_SNAPSHOT_BYTES {
            return Err(StoreError::TooLarge.into());
        }
        let sealer = self.sealer.load_full();
        let bytes = sealer.seal_bytes(&self.place(Kind::Snapshot, number), said)?;
        self.store.put_snapshot(self.name, LogSnapshot { number, bytes }).await?;
        // Keys that came into force meanwhile want another one.
        if Arc::ptr_eq(&sealer, &self.sealer.load()) && number >= self.seen() {
            self.is_sealed_before.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    fn open(&self, kind: Kind, number: u64, value: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, LogError> {
        let sealer = self.sealer.load();
        if !sealer.is_current(&value) {
            self.is_sealed_before.store(true, Ordering::Relaxed);
        }
        let opened = sealer.open_bytes(&self.place(kind, number), value);
        opened.map_err(|distrust| match (distrust, kind) {
            (Distrust::UnknownKey | Distrust::UnknownFormat, _) => LogError::UnknownKey { number },
            (_, Kind::Record) => LogError::Tampered { number },
            (_, Kind::Snapshot) => LogError::SnapshotTampered { number },
        })
    }

    /// Where something stands: kind, number, log. The numbers have fixed lengths, so no two places read alike.
    fn place(&self, kind: Kind, number: u64) -> Vec<u8> {
        [&[kind as u8][..], &number.to_be_bytes(), self.name.as_str().as_bytes()].concat()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CatchUp {
    /// The last number that is said here; `after` when nothing is.
    pub fn reached(&self, after: u64) -> u64 {
        let snapshot = self.snapshot.as_ref().map(|snapshot| snapshot.number);
        self.records.last().map(|record| record.number).or(snapshot).unwrap_or(after)
    }
}

#[cfg(test)]
mod tests;
