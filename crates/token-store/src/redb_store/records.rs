//! Logs in the embedded store: each write is one transaction, on the disk before it is reported.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{Inner, RedbStore};
use crate::record_log::{MAX_SNAPSHOT_BYTES, RECORDS_KEPT, RECORDS_PER_READ};
use crate::{Appended, LogName, LogSnapshot, MAX_VALUE_BYTES, RecordLog, Records, StoreError};

/// Log and number to record. The newest record of a log is never removed: it is the head.
const RECORDS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("records");
/// Log to number and snapshot.
const SNAPSHOTS: TableDefinition<&str, (u64, &[u8])> = TableDefinition::new("snapshots");

/// Makes the tables, so that readers find them.
pub(super) fn prepare(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(RECORDS)?;
    write.open_table(SNAPSHOTS)?;
    Ok(())
}

/// Where the log's records are.
fn all(log: LogName) -> RangeInclusive<(&'static str, u64)> {
    (log.as_str(), 0)..=(log.as_str(), u64::MAX)
}

/// The number of the newest record.
fn head(
    records: &impl ReadableTable<(&'static str, u64), &'static [u8]>,
    log: LogName,
) -> Result<u64, redb::Error> {
    let newest = records.range(all(log))?.next_back().transpose()?;
    Ok(newest.map_or(0, |(key, _)| key.value().1))
}

/// What became of a record, or where the log ends that it should have followed.
type Added = Result<Appended, u64>;

impl Inner {
    fn append(&self, log: LogName, number: u64, record: &[u8]) -> Result<Added, redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut records = write.open_table(RECORDS)?;
            let head = head(&records, log)?;
            match number.checked_sub(1) {
                Some(before) if before == head => {}
                Some(before) if before > head => return Ok(Err(head)),
                _ => return Ok(Ok(Appended::Taken)),
            }
            records.insert((log.as_str(), number), record)?;
        }
        write.commit()?;
        Ok(Ok(Appended::Done))
    }

    fn records(&self, log: LogName, after: u64) -> Result<Records, redb::Error> {
        let records = self.database.begin_read()?.open_table(RECORDS)?;
        let oldest = records.range(all(log))?.next().transpose()?;
        let from = (log.as_str(), after.saturating_add(1));
        let behind =
            if after == u64::MAX { None } else { Some(records.range(from..=(log.as_str(), u64::MAX))?) };
        let found = behind.into_iter().flatten().take(RECORDS_PER_READ).map(|entry| {
            let (key, record) = entry?;
            Ok((key.value().1, record.value().to_vec()))
        });
        Ok(Records {
            head: head(&records, log)?,
            oldest: oldest.map_or(0, |(key, _)| key.value().1),
            records: found.collect::<Result<_, redb::Error>>()?,
        })
    }

    fn log_snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, redb::Error> {
        let snapshots = self.database.begin_read()?.open_table(SNAPSHOTS)?;
        let kept = snapshots.get(log.as_str())?;
        Ok(kept.map(|kept| LogSnapshot { number: kept.value().0, bytes: kept.value().1.to_vec() }))
    }

    fn keep_snapshot(&self, log: LogName, snapshot: &LogSnapshot) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut snapshots = write.open_table(SNAPSHOTS)?;
            let kept = snapshots.get(log.as_str())?.map(|kept| kept.value().0);
            if kept.is_some_and(|kept| kept > snapshot.number) {
                return Ok(());
            }
            snapshots.insert(log.as_str(), (snapshot.number, snapshot.bytes.as_slice()))?;
            let mut records = write.open_table(RECORDS)?;
            let forgotten =
                snapshot.number.saturating_sub(RECORDS_KEPT).min(head(&records, log)?.saturating_sub(1));
            records.retain_in((log.as_str(), 0)..=(log.as_str(), forgotten), |_, _| false)?;
        }
        Ok(write.commit()?)
    }
}

#[async_trait]
impl RecordLog for RedbStore {
    async fn append(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError> {
        if record.len() > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge);
        }
        let added = self.blocking(move |inner| inner.append(log, number, &record)).await?;
        added.map_err(|head| StoreError::NotNext { head })
    }

    async fn read(&self, log: LogName, after: u64) -> Result<Records, StoreError> {
        self.blocking(move |inner| inner.records(log, after)).await
    }

    async fn snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, StoreError> {
        self.blocking(move |inner| inner.log_snapshot(log)).await
    }

    async fn put_snapshot(&self, log: LogName, snapshot: LogSnapshot) -> Result<(), StoreError> {
        if snapshot.bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err(StoreError::TooLarge);
        }
        if snapshot.number == 0 {
            return Ok(());
        }
        self.blocking(move |inner| inner.keep_snapshot(log, &snapshot)).await
    }
}
