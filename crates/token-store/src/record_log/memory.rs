//! Logs in memory that behave; a test can break the store, rewrite what it holds, and put an old copy back.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lakegate_domain::Timestamp;

use super::{
    Appended, LogName, LogSnapshot, MAX_SNAPSHOT_BYTES, RECORDS_KEPT, RECORDS_PER_READ, RecordLog, Records,
};
use crate::{Fault, MAX_VALUE_BYTES, StoreError};

/// Logs in memory.
#[derive(Debug, Default)]
pub struct MemoryLog {
    held: Mutex<Held>,
    fault: Mutex<Fault>,
    lost_reply: Mutex<bool>,
    is_alone: Mutex<bool>,
    time: Mutex<Option<Timestamp>>,
    is_clock_lost: Mutex<bool>,
    reads: AtomicU64,
    appends: AtomicU64,
}

/// All logs at an instant, as a backup has them.
#[derive(Debug, Clone, Default)]
pub struct Held(HashMap<LogName, One>);

#[derive(Debug, Clone, Default)]
struct One {
    head: u64,
    records: BTreeMap<u64, Vec<u8>>,
    snapshot: Option<LogSnapshot>,
}

impl MemoryLog {
    /// No log has anything in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Breaks the store, or mends it with [`Fault::None`].
    pub fn set_fault(&self, fault: Fault) {
        *lock(&self.fault) = fault;
    }

    /// Does the next append and loses its answer.
    pub fn lose_next_reply(&self) {
        *lock(&self.lost_reply) = true;
    }

    /// Whether copies are waited for that nobody makes: what is appended is there, and may be lost.
    pub fn leave_alone(&self, is_alone: bool) {
        *lock(&self.is_alone) = is_alone;
    }

    /// Has a clock from now on that shows this.
    pub fn set_time(&self, time: Timestamp) {
        *lock(&self.time) = Some(time);
    }

    /// Whether asking for the time fails, and nothing else does.
    pub fn lose_clock(&self, is_lost: bool) {
        *lock(&self.is_clock_lost) = is_lost;
    }

    /// How many times it was read.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many times somebody tried to append to it.
    pub fn appends(&self) -> u64 {
        self.appends.load(Ordering::Relaxed)
    }

    /// Loses everything.
    pub fn lose_everything(&self) {
        self.restore(Held::default());
    }

    /// What it holds now.
    pub fn backup(&self) -> Held {
        lock(&self.held).clone()
    }

    /// Puts a copy in the place of what it holds.
    pub fn restore(&self, backup: Held) {
        *lock(&self.held) = backup;
    }

    /// Rewrites the records of a log, by number, as somebody with access to the store could.
    pub fn tamper(&self, log: LogName, change: impl FnOnce(&mut BTreeMap<u64, Vec<u8>>)) {
        change(&mut lock(&self.held).0.entry(log).or_default().records);
    }

    /// Rewrites the snapshot of a log.
    pub fn tamper_snapshot(&self, log: LogName, change: impl FnOnce(&mut Option<LogSnapshot>)) {
        change(&mut lock(&self.held).0.entry(log).or_default().snapshot);
    }

    fn records(&self, log: LogName, after: u64) -> Records {
        let held = lock(&self.held);
        let Some(one) = held.0.get(&log) else { return Records::default() };
        let records = one.records.range(after.saturating_add(1)..).take(RECORDS_PER_READ);
        Records {
            head: one.head,
            oldest: one.records.keys().next().copied().unwrap_or(0),
            records: records.map(|(number, record)| (*number, record.clone())).collect(),
        }
    }

    fn add(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError> {
        if record.len() > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge);
        }
        let mut held = lock(&self.held);
        let one = held.0.entry(log).or_default();
        match number.checked_sub(1) {
            Some(before) if before == one.head => {}
            Some(before) if before > one.head => return Err(StoreError::NotNext { head: one.head }),
            _ => return Ok(Appended::Taken),
        }
        one.head = number;
        one.records.insert(number, record);
        if std::mem::take(&mut *lock(&self.lost_reply)) {
            return Err(StoreError::unavailable(io::Error::from(io::ErrorKind::ConnectionReset)));
        }
        if *lock(&self.is_alone) {
            return Err(StoreError::NotCopied { copies: 0 });
        }
        Ok(Appended::Done)
    }

    async fn suffer(&self) -> Result<(), StoreError> {
        // Others come between a look and a write, as they do everywhere else.
        tokio::task::yield_now().await;
        let fault = *lock(&self.fault);
        fault.suffer().await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl RecordLog for MemoryLog {
    async fn append(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError> {
        self.suffer().await?;
        self.appends.fetch_add(1, Ordering::Relaxed);
        let appended = self.add(log, number, record);
        // Its writer may go away before it hears what came of it.
        tokio::task::yield_now().await;
        appended
    }

    async fn read(&self, log: LogName, after: u64) -> Result<Records, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.suffer().await?;
        let read = self.records(log, after);
        // Others write before the answer comes.
        tokio::task::yield_now().await;
        Ok(read)
    }

    async fn snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, StoreError> {
        self.suffer().await?;
        Ok(lock(&self.held).0.get(&log).and_then(|one| one.snapshot.clone()))
    }

    async fn put_snapshot(&self, log: LogName, snapshot: LogSnapshot) -> Result<(), StoreError> {
        self.suffer().await?;
        if snapshot.bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err(StoreError::TooLarge);
        }
        if snapshot.number == 0 {
            return Ok(());
        }
        let mut held = lock(&self.held);
        let one = held.0.entry(log).or_default();
        if one.snapshot.as_ref().is_some_and(|kept| kept.number > snapshot.number) {
            return Ok(());
        }
        let first = snapshot.number.saturating_sub(RECORDS_KEPT).saturating_add(1).min(one.head);
        one.records = one.records.split_off(&first);
        one.snapshot = Some(snapshot);
        Ok(())
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.suffer().await?;
        if *lock(&self.is_clock_lost) {
            return Err(StoreError::unavailable("nobody knows what time it is"));
        }
        Ok(*lock(&self.time))
    }

    fn waits_for_copies(&self) -> bool {
        *lock(&self.is_alone)
    }
}
