//! Logs in Redis or Valkey, on a connection of their own: a snapshot of megabytes never stands before a token.
//!
//! | wanted | sent |
//! |---|---|
//! | read | `XREVRANGE records + - COUNT 1`, `XRANGE records n-0 + COUNT 128`, `XRANGE records - + COUNT 1` |
//! | append | `XREVRANGE records + - COUNT 1`, then `XADD records n-0 r bytes`, with `WAIT` where copies are waited for |
//! | snapshot | `XREVRANGE snapshot + - COUNT 1` |
//! | keep a snapshot | `XADD snapshot MAXLEN = 1 n-* s bytes`, then `XTRIM records MINID = n` |
//! | its time | `TIME` |
//!
//! A log is a stream whose ids are its numbers. A stream takes an id only if it is greater than every id it ever had,
//! also those that were trimmed: that is the compare and set. So of several writers one gets a number, a late write
//! of a number that is long forgotten is refused, and a snapshot never goes backwards, without a script or a
//! transaction; a snapshot that only changes its seal gets the next sub-number from the server. What a stream does not refuse is a number too high; a writer looks at the head first, and what
//! falls between the two commands (a server that loses its end in that moment) leaves a gap, which readers see.

use std::sync::Arc;

use async_trait::async_trait;
use lakegate_domain::Timestamp;
use redis::{Pipeline, Value};

use super::connect::{RedisTerms, Use};
use super::link::Link;
use super::reply::{self, Entry};
use crate::record_log::{MAX_SNAPSHOT_BYTES, RECORDS_KEPT, RECORDS_PER_READ};
use crate::{Appended, LogName, LogSnapshot, MAX_VALUE_BYTES, RecordLog, Records, StoreError, StoreHealth};

/// Logs in Redis or Valkey. Clones share the connection.
#[derive(Debug, Clone)]
pub struct RedisLog {
    link: Arc<Link>,
    prefix: Arc<str>,
    /// How many replicas must have a record before it counts as written.
    replicas: u32,
}

/// How long they are waited for: less than the time of the call, so that it is known what came of it.
const WAIT_MILLIS: u32 = 500;

impl RedisLog {
    /// Connects, and keeps connecting from then on, as [`super::RedisStore::start`] does.
    ///
    /// # Errors
    /// As there; [`StoreError::Rights`] names a command that only logs need.
    pub async fn start(terms: RedisTerms) -> Result<Self, StoreError> {
        let (prefix, replicas) = (Arc::from(terms.prefix.as_str()), terms.wait_replicas);
        Ok(Self { link: Arc::new(Link::start(terms, Use::Logs).await?), prefix, replicas })
    }

    fn records(&self, log: LogName) -> String {
        format!("{}log:{log}:records", self.prefix)
    }

    fn snapshots(&self, log: LogName) -> String {
        format!("{}log:{log}:snapshot", self.prefix)
    }

    /// The number of the newest entry of a stream; 0 for none.
    async fn head(&self, stream: &str) -> Result<u64, StoreError> {
        Ok(self.newest(stream, Entry::Snapshot).await?.map_or(0, |(number, _)| number))
    }

    /// The newest entry of a stream.
    async fn newest(&self, stream: &str, entry: Entry) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
        let found = self.link.call(&pipeline, |replies| reply::entries(reply::one(replies)?, entry)).await?;
        Ok(found.into_iter().next())
    }

    /// Adds to a stream, and waits until so many replicas have it. A refusal that comes of an entry with the number or a
    /// higher one is no error.
    async fn add(
        &self,
        stream: &str,
        number: u64,
        command: redis::Cmd,
        replicas: u32,
    ) -> Result<Added, StoreError> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(command);
        if replicas > 0 {
            pipeline.cmd("WAIT").arg(replicas).arg(WAIT_MILLIS);
        }
        match self.link.call(&pipeline, |replies| reply::added(replies, replicas > 0)).await {
            Ok(reply::Entered::Nowhere) => Ok(Added::NoStream),
            Ok(reply::Entered::There { copies }) if copies < replicas => {
                Err(StoreError::NotCopied { copies })
            }
            Ok(reply::Entered::There { .. }) => Ok(Added::Done),
            Err(refused @ StoreError::Refused(_)) => {
                if self.head(stream).await? >= number {
                    Ok(Added::Late)
                } else {
                    Err(refused)
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// What a stream did with an entry.
enum Added {
    Done,
    Late,
    NoStream,
}

#[async_trait]
impl RecordLog for RedisLog {
    async fn append(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError> {
        if record.len() > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge);
        }
        let stream = self.records(log);
        let head = self.head(&stream).await?;
        match number.checked_sub(1) {
            Some(before) if before == head => {}
            Some(before) if before > head => return Err(StoreError::NotNext { head }),
            _ => return Ok(Appended::Taken),
        }
        let mut command = redis::cmd("XADD");
        command.arg(&stream);
        if head > 0 {
            // A stream that is gone since the look at its head is not begun anew in the middle.
            command.arg("NOMKSTREAM");
        }
        command.arg(format!("{number}-0")).arg("r").arg(record);
        match self.add(&stream, number, command, self.replicas).await? {
            Added::Done => Ok(Appended::Done),
            Added::Late => Ok(Appended::Taken),
            Added::NoStream => Err(StoreError::NotNext { head: 0 }),
        }
    }

    async fn read(&self, log: LogName, after: u64) -> Result<Records, StoreError> {
        let Some(first) = after.checked_add(1) else { return Ok(Records::default()) };
        let stream = self.records(log);
        self.link.call(&look(&stream, first), seen).await
    }

    async fn snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, StoreError> {
        let found = self.newest(&self.snapshots(log), Entry::Snapshot).await?;
        Ok(found.map(|(number, bytes)| LogSnapshot { number, bytes }))
    }

    async fn put_snapshot(&self, log: LogName, snapshot: LogSnapshot) -> Result<(), StoreError> {
        if snapshot.bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err(StoreError::TooLarge);
        }
        let LogSnapshot { number, bytes } = snapshot;
        if number == 0 {
            return Ok(());
        }
        let (stream, records) = (self.snapshots(log), self.records(log));
        let mut command = redis::cmd("XADD");
        command.arg(&stream).arg("MAXLEN").arg("=").arg(1).arg(format!("{number}-*")).arg("s").arg(bytes);
        let Added::Done = self.add(&stream, number, command, 0).await? else { return Ok(()) };
        // The newest record stays whatever the snapshot says: it is the head.
        let first = number.saturating_sub(RECORDS_KEPT).saturating_add(1).min(self.head(&records).await?);
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("XTRIM").arg(&records).arg("MINID").arg("=").arg(format!("{first}-0"));
        self.link.call(&pipeline, reply::done).await
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("TIME");
        self.link.call(&pipeline, reply::time).await.map(Some)
    }

    fn waits_for_copies(&self) -> bool {
        self.replicas > 0
    }

    fn health(&self) -> StoreHealth {
        self.link.health()
    }
}

/// The three questions of a read. Others write between them: first the head, so that none is named whose record was not
/// asked for; the oldest last, so that what was trimmed meanwhile shows.
fn look(stream: &str, first: u64) -> Pipeline {
    let mut all = Pipeline::with_capacity(3);
    all.cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
    all.cmd("XRANGE").arg(stream).arg(format!("{first}-0")).arg("+").arg("COUNT").arg(RECORDS_PER_READ);
    all.cmd("XRANGE").arg(stream).arg("-").arg("+").arg("COUNT").arg(1);
    all
}

/// The three answers. What was added behind the head before the records were asked for is the head.
fn seen(replies: Vec<Value>) -> Result<Records, reply::Trouble> {
    let [newest, records, oldest] = <[Value; 3]>::try_from(replies).map_err(|_| reply::Trouble::OutOfStep)?;
    let number = |reply| -> Result<u64, reply::Trouble> {
        Ok(reply::entries(reply, Entry::Record)?.last().map_or(0, |(number, _)| *number))
    };
    let records = reply::entries(records, Entry::Record)?;
    let last = records.last().map_or(0, |(number, _)| *number);
    Ok(Records { head: number(newest)?.max(last), records, oldest: number(oldest)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(numbers: &[u64]) -> Value {
        let entry = |number: &u64| {
            let id = Value::BulkString(format!("{number}-0").into_bytes());
            let fields = [b"r".to_vec(), b"x".to_vec()].map(Value::BulkString);
            Value::Array(vec![id, Value::Array(fields.to_vec())])
        };
        Value::Array(numbers.iter().map(entry).collect())
    }

    #[test]
    fn a_record_that_is_added_between_the_questions_of_a_read_is_no_gap() {
        let questions = look("log", 4);
        // A server that gets record 4 before the first, the second or the third of them.
        for added in 0..3 {
            let answers = questions.cmd_iter().enumerate().map(|(at, command)| {
                let all: &[u64] = if at >= added { &[1, 2, 3, 4] } else { &[1, 2, 3] };
                let command = String::from_utf8(command.get_packed_command()).unwrap();
                match command {
                    newest if newest.contains("XREVRANGE") => entries(&all[all.len() - 1..]),
                    behind if behind.contains("4-0") => entries(&all[3..]),
                    _oldest => entries(&all[..1]),
                }
            });
            let records = seen(answers.collect()).unwrap();
            assert!(records.head == 3 || !records.records.is_empty(), "{added}: {records:?}");
            assert!(records.records.last().is_none_or(|(last, _)| *last == records.head), "{added}");
        }
    }
}
