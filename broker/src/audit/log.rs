//! The audit thread: takes records, writes them in batches, and says when the kernel has them.
//!
//! A blocked sink must not block a loop of the runtime, so one thread of its own writes. Whoever hands in a record
//! waits for its acknowledgement, at most [`PATIENCE`] unless told otherwise; later it is as if the sink were gone, and no token leaves.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;

use super::Record;

/// How long an answer waits for its record to be accepted.
const PATIENCE: Duration = Duration::from_millis(200);

/// Records that may wait for the thread; beyond it the sink counts as blocked.
const QUEUE: usize = 8192;

/// The most records written at once.
const BATCH: usize = 512;

/// Where records go.
pub trait AuditSink: Write + Send {}

impl<T: Write + Send> AuditSink for T {}

/// The record was not accepted; the answer must not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("audit sink did not take the record")]
pub struct AuditError;

struct Entry {
    line: Vec<u8>,
    accepted: oneshot::Sender<()>,
}

/// The way to the audit thread.
#[derive(Debug, Clone)]
pub struct AuditLog {
    queue: mpsc::SyncSender<Entry>,
    patience: Duration,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry")
    }
}

impl AuditLog {
    /// Starts a thread that appends to a file, readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not started.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        let file: File = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Self::to_sink(Box::new(file))
    }

    /// Starts a thread that writes to a sink.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn to_sink(sink: Box<dyn AuditSink>) -> io::Result<Self> {
        let (queue, entries) = mpsc::sync_channel(QUEUE);
        thread::Builder::new().name("audit".to_owned()).spawn(move || write_batches(&entries, sink))?;
        Ok(Self { queue, patience: PATIENCE })
    }

    /// The same log, with another time after which a record that is not acknowledged counts as not accepted.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Hands in a record and waits until the sink has it.
    ///
    /// # Errors
    /// [`AuditError`] when the sink failed, is blocked, or took too long.
    pub async fn accept(&self, record: &Record) -> Result<(), AuditError> {
        let acknowledged = self.hand_in(record)?;
        match tokio::time::timeout(self.patience, acknowledged).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(AuditError),
        }
    }
}

impl AuditLog {
    /// Hands in a record of a request that has no answer to hold back; nobody waits for it.
    ///
    /// # Errors
    /// [`AuditError`] when the sink is blocked or gone.
    pub fn submit(&self, record: &Record) -> Result<(), AuditError> {
        self.hand_in(record).map(drop)
    }

    fn hand_in(&self, record: &Record) -> Result<oneshot::Receiver<()>, AuditError> {
        let mut line = serde_json::to_vec(record).map_err(|_| AuditError)?;
        line.push(b'\n');
        let (accepted, acknowledged) = oneshot::channel();
        self.queue.try_send(Entry { line, accepted }).map_err(|_| AuditError)?;
        Ok(acknowledged)
    }
}

fn write_batches(entries: &mpsc::Receiver<Entry>, mut sink: Box<dyn AuditSink>) {
    let mut bytes = Vec::new();
    let mut waiting = Vec::new();
    // After a failure the sink may end in the middle of a line; the next batch begins on a line of its own.
    let mut is_torn = false;
    while let Ok(first) = entries.recv() {
        if is_torn {
            bytes.push(b'\n');
        }
        for entry in std::iter::once(first).chain(entries.try_iter().take(BATCH - 1)) {
            bytes.extend_from_slice(&entry.line);
            waiting.push(entry.accepted);
        }
        match sink.write_all(&bytes).and_then(|()| sink.flush()) {
            Ok(()) => {
                is_torn = false;
                waiting.drain(..).for_each(acknowledge);
            }
            Err(error) => {
                tracing::error!(%error, records = waiting.len(), "audit records were not written");
                is_torn = true;
                waiting.clear();
            }
        }
        bytes.clear();
    }
}

/// Tells the answer that waits. One that gave up waiting is told nothing.
fn acknowledge(accepted: oneshot::Sender<()>) {
    let _gave_up = accepted.send(());
}

#[cfg(test)]
mod tests;
