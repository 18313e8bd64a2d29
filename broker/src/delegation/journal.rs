//! Follows the log of tokens' lives, and writes to it.
//!
//! Nothing is written that was not decided at the log's head: before each write the log is read to its end, the decision
//! is taken on the book as it is then, and the record goes under the next number only. Whoever loses that number to
//! another broker reads and decides again. Within a process one writes at a time, and whoever cancels goes first.

mod following;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lakegate_delegation::{Book, Record, Tombstone};
use lakegate_domain::{Clock, Timestamp};
use lakegate_token_store::{Appended, SealedLog};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::View;
use crate::DelegationStateError;
use turns::{Turn, Turns, Urgency};

/// How long one call to the log may take while somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long one may take for which nobody waits: a snapshot's ten seconds, and the calls around it.
const PATIENCE_IN_BACKGROUND: Duration = Duration::from_secs(13);

/// How often a number may be lost to other brokers before a write is given up.
const TRIES: usize = 16;

/// Whoever writes a record whose number this divides writes a snapshot, too.
const SNAPSHOT_EVERY: u64 = 256;

/// The shortest time between two looks that somebody asks for who names a token nobody heard of.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One broker's way to the log.
#[derive(Debug)]
pub(crate) struct Journal {
    log: Arc<SealedLog>,
    view: Arc<View>,
    clock: Arc<dyn Clock>,
    turns: Turns,
    /// When somebody last asked for a look.
    looked: Mutex<Option<Instant>>,
    is_snapshot_due: AtomicBool,
}

impl Journal {
    pub(super) fn new(log: Arc<SealedLog>, clock: Arc<dyn Clock>, least_epoch: u32) -> Self {
        Self {
            log,
            view: Arc::new(View::new(least_epoch)),
            clock,
            turns: Turns::default(),
            looked: Mutex::default(),
            is_snapshot_due: AtomicBool::new(false),
        }
    }

    /// What was read so far.
    pub(crate) fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// The present instant, or the store's where that is earlier: what is over by a clock that runs ahead is not over for
    /// everybody.
    fn now(&self) -> Timestamp {
        self.clock.now().minus(self.view.ahead())
    }

    /// Sees to it that the log was read to its end, beginning after this instant. One look answers all who
    /// wait for it, and there is at most one a second, whoever asks for how many.
    ///
    /// # Errors
    /// When it cannot be read; the view stays as it was.
    pub(super) async fn look_since(&self, asked: Instant) -> Result<(), DelegationStateError> {
        let mut looked = self.looked.lock().await;
        if self.view.is_confirmed_since(asked) {
            return Ok(());
        }
        if let Some(last) = *looked {
            tokio::time::sleep_until(last + LOOK_EVERY).await;
            if self.view.is_confirmed_since(asked) {
                return Ok(());
            }
        }
        *looked = Some(Instant::now());
        let turn = self.turn(Urgency::First).await?;
        self.catch_up_in(&turn).await
    }

    async fn turn(&self, urgency: Urgency) -> Result<Turn<'_>, DelegationStateError> {
        // Whoever waits behind a log that hangs is told so before his client gives up.
        timeout(PATIENCE * 2, self.turns.take(urgency)).await.map_err(|_| DelegationStateError::Late)
    }

    async fn catch_up_in(&self, turn: &Turn<'_>) -> Result<(), DelegationStateError> {
        let read = self.read_all(turn, PATIENCE).await;
        self.tell(read.as_ref().err());
        read
    }

    async fn read_all(&self, _turn: &Turn<'_>, patience: Duration) -> Result<(), DelegationStateError> {
        let began = Instant::now();
        loop {
            let after = self.view.book().number();
            let came =
                timeout(patience, self.log.read(after)).await.map_err(|_| DelegationStateError::Late)??;
            if let Some(snapshot) = &came.snapshot {
                self.view.replace(Book::from_bytes(snapshot.number, &snapshot.bytes)?, self.now());
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
        self.write_in(Urgency::InLine, decide).await
    }

    async fn write_in<T, E: From<DelegationStateError>>(
        &self,
        urgency: Urgency,
        decide: impl Fn(&Book) -> Result<(T, Option<Record>), E>,
    ) -> Result<T, E> {
        let turn = self.turn(urgency).await?;
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

    /// Writes down that a token is cancelled. It is dead here from now on, whatever comes of that. One that is known to
    /// be written is not looked for again.
    ///
    /// # Errors
    /// When it is not in the log; it will be tried again.
    pub(super) async fn cancel(&self, token: Tombstone) -> Result<(), DelegationStateError> {
        if self.view.has_tombstone(&token.id) {
            return Ok(());
        }
        self.view.bury(token.clone());
        let now = self.now();
        self.write_in(Urgency::First, |book| {
            // One that stands there, and maybe in one place only, is written again: then it is known to be copied.
            let again = || self.log.is_unacknowledged().then(|| token.record());
            Ok::<_, DelegationStateError>(((), book.cancel(&token, now).or_else(again)))
        })
        .await?;
        self.view.is_written(&token.id);
        Ok(())
    }
}
