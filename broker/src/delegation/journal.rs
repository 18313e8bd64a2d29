//! Follows the log of tokens' lives, and writes to it.
//!
//! Nothing is written that was not decided at the log's head: before each write the log is read to its end, the decision
//! is taken on the book as it is then, and the record goes under the next number only. Whoever loses that number to
//! another broker reads and decides again. Within a process one writes at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lakegate_delegation::{Book, Identifier, Record};
use lakegate_domain::Clock;
use lakegate_token_store::{Appended, SealedLog};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::View;
use crate::DelegationStateError;

/// How long one call to the log may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a number may be lost to other brokers before a write is given up.
const TRIES: usize = 16;

/// Whoever writes a record whose number this divides writes a snapshot, too.
const SNAPSHOT_EVERY: u64 = 256;

/// How many looks at the log lie between two prunings of the book.
const LOOKS_PER_PRUNING: u32 = 30;

/// One broker's way to the log.
#[derive(Debug)]
pub(crate) struct Journal {
    log: Arc<SealedLog>,
    view: Arc<View>,
    clock: Arc<dyn Clock>,
    /// Whoever reads into the view or writes has it.
    turn: Mutex<()>,
    is_snapshot_due: AtomicBool,
}

/// The right to read into the view and to write.
type Turn<'a> = MutexGuard<'a, ()>;

impl Journal {
    pub(super) fn new(log: Arc<SealedLog>, clock: Arc<dyn Clock>, least_epoch: u32) -> Self {
        let view = Arc::new(View::new(least_epoch));
        Self { log, view, clock, turn: Mutex::new(()), is_snapshot_due: AtomicBool::new(false) }
    }

    /// What was read so far.
    pub(crate) fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Reads the log to its end.
    ///
    /// # Errors
    /// When it cannot be; the view stays as it was.
    pub(super) async fn catch_up(&self) -> Result<(), DelegationStateError> {
        let turn = self.turn.lock().await;
        self.catch_up_in(&turn).await
    }

    async fn catch_up_in(&self, turn: &Turn<'_>) -> Result<(), DelegationStateError> {
        let read = self.read_all(turn).await;
        self.tell(read.as_ref().err());
        read
    }

    async fn read_all(&self, _turn: &Turn<'_>) -> Result<(), DelegationStateError> {
        let began = Instant::now();
        loop {
            let after = self.view.book().number();
            let came =
                timeout(PATIENCE, self.log.read(after)).await.map_err(|_| DelegationStateError::Late)??;
            if let Some(snapshot) = &came.snapshot {
                self.view.replace(Book::from_bytes(snapshot.number, &snapshot.bytes)?);
            }
            self.view.apply(came.records.iter().map(|record| (record.number, record.bytes.as_slice())))?;
            let number = self.view.book().number();
            if number >= came.head {
                break;
            }
            if number == after {
                return Err(DelegationStateError::Stuck);
            }
        }
        self.view.confirm(began);
        Ok(())
    }

    /// Says once that the log cannot be followed, and why, and once that it can again.
    fn tell(&self, error: Option<&DelegationStateError>) {
        let why = error.map(DelegationStateError::as_str);
        if !self.view.trouble(why) {
            return;
        }
        match error {
            None => tracing::info!("the log of delegation tokens is followed again"),
            Some(error) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                if error.is_alarming() {
                    tracing::error!(%error, cause, "the log of delegation tokens is not believed");
                } else {
                    tracing::warn!(%error, cause, "the log of delegation tokens is not followed");
                }
            }
        }
    }

    /// Decides on the book at the log's head and writes what was decided.
    ///
    /// # Errors
    /// What `decide` says; or why nothing could be read or written, and then nothing was as far as is known.
    pub(super) async fn write<T, E: From<DelegationStateError>>(
        &self,
        decide: impl Fn(&Book) -> Result<(T, Option<Record>), E>,
    ) -> Result<T, E> {
        // Whoever waits behind a log that hangs is told so before his client gives up.
        let turn = timeout(PATIENCE * 2, self.turn.lock()).await.map_err(|_| DelegationStateError::Late)?;
        for _ in 0..TRIES {
            self.catch_up_in(&turn).await?;
            let (answer, number, bytes) = {
                let book = self.view.book();
                let (answer, record) = decide(&book)?;
                let Some(record) = record else { return Ok(answer) };
                let (number, bytes) = book.next(&record);
                (answer, number, bytes)
            };
            if self.append(number, &bytes).await? == Appended::Done {
                return Ok(answer);
            }
        }
        Err(DelegationStateError::Contended.into())
    }

    async fn append(&self, number: u64, bytes: &[u8]) -> Result<Appended, DelegationStateError> {
        let appended = timeout(PATIENCE, self.log.append(number, bytes)).await;
        let appended = appended.map_err(|_| DelegationStateError::Late)??;
        if appended == Appended::Done {
            self.view.apply([(number, bytes)])?;
            if number.is_multiple_of(SNAPSHOT_EVERY) {
                self.is_snapshot_due.store(true, Ordering::Relaxed);
            }
        }
        Ok(appended)
    }

    /// Writes down that a token is cancelled. It is dead here from now on, whatever comes of that.
    ///
    /// # Errors
    /// When it is not in the log; it will be tried again.
    pub(super) async fn cancel(&self, token: &Identifier) -> Result<(), DelegationStateError> {
        self.view.bury(token.clone());
        let now = self.clock.now();
        self.write(|book| Ok::<_, DelegationStateError>(((), book.cancel(token, now)))).await?;
        self.view.is_written(&token.id);
        Ok(())
    }

    /// Raises the epoch of the log to this one, if it is not there yet.
    async fn raise_epoch(&self, epoch: u32) -> Result<(), DelegationStateError> {
        if self.view.book().epoch() >= epoch {
            return Ok(());
        }
        self.write(|book| {
            let record = (book.epoch() < epoch).then_some(Record::EpochRaised { epoch });
            Ok::<_, DelegationStateError>(((), record))
        })
        .await?;
        tracing::warn!(epoch, "delegation tokens of earlier epochs are believed no more");
        Ok(())
    }

    /// Looks at the log again and again, for as long as the broker lives.
    pub(super) async fn follow(self: Arc<Self>, every: Duration, epoch: u32) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for look in 0_u32.. {
            looks.tick().await;
            // What went wrong was told when it began, and is asked of the view.
            if self.catch_up().await.is_err() {
                continue;
            }
            let _tried_again = self.raise_epoch(epoch).await;
            for token in self.view.unwritten() {
                if self.cancel(&token).await.is_err() {
                    break;
                }
            }
            if look.is_multiple_of(LOOKS_PER_PRUNING) {
                self.view.prune(self.clock.now());
            }
            if self.is_snapshot_due.swap(false, Ordering::Relaxed) || self.log.wants_snapshot() {
                self.put_snapshot().await;
            }
        }
    }

    /// Writes what the book says, so that the log may forget old records and brokers start soon.
    async fn put_snapshot(&self) {
        self.view.prune(self.clock.now());
        let view = Arc::clone(&self.view);
        let made = tokio::task::spawn_blocking(move || {
            let book = view.book();
            (book.number(), book.to_bytes())
        });
        let Ok((number, bytes)) = made.await else { return };
        match timeout(PATIENCE, self.log.put_snapshot(number, &bytes)).await {
            Ok(Ok(())) => tracing::debug!(number, "snapshot of delegation tokens was written"),
            Ok(Err(error)) => tracing::warn!(%error, number, "snapshot of delegation tokens was not written"),
            Err(_late) => tracing::warn!(number, "snapshot of delegation tokens was not written in time"),
        }
    }
}
