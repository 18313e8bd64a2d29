//! What is done again and again for as long as a broker lives: looks, what could not be written before, forgetting, and
//! snapshots.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lakegate_delegation::{Book, BookError, Record};
use lakegate_token_store::{LogError, SealedLog};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Journal, PATIENCE, PATIENCE_IN_BACKGROUND, Urgency};
use crate::DelegationStateError;

/// How many looks at the log lie between two prunings of the book.
const LOOKS_PER_PRUNING: u32 = 30;

/// After how many looks in vain it is tried again to go over to another history: the whole log is read for it.
const LOOKS_PER_RECOVERY: u32 = 10;

/// By how much a clock may be ahead of the store's before somebody is told.
const TOLERATED: Duration = Duration::from_mins(1);

impl Journal {
    /// Looks at the log again and again.
    pub(in crate::delegation) async fn follow(self: Arc<Self>, every: Duration) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Ends with the follower.
        let mut snapshots = JoinSet::new();
        let mut in_vain = 0;
        for look in 0_u32.. {
            looks.tick().await;
            // What went wrong was told when it began, and is asked of the view.
            if self.look(in_vain).await.is_err() {
                in_vain += 1;
                continue;
            }
            in_vain = 0;
            let _tried_again = self.raise_epoch(self.view.least_epoch()).await;
            self.write_what_is_left().await;
            while snapshots.try_join_next().is_some() {}
            let wants_snapshot = self.is_snapshot_due.load(Ordering::Relaxed) || self.log.wants_snapshot();
            let is_due = wants_snapshot && snapshots.is_empty();
            if !is_due && !look.is_multiple_of(LOOKS_PER_PRUNING) {
                continue;
            }
            // Without the store's time nothing is forgotten, and nobody is told to forget it.
            if self.compare_clocks().await.is_err() {
                continue;
            }
            self.view.prune(self.now());
            if is_due {
                self.is_snapshot_due.store(false, Ordering::Relaxed);
                snapshots.spawn(Arc::clone(&self).put_snapshot());
            }
        }
    }

    /// Reads the log to its end; where that is another log than it was, goes over to it.
    async fn look(&self, in_vain: u32) -> Result<(), DelegationStateError> {
        let turn = self.turns.take(Urgency::First).await;
        let mut read = self.read_all(&turn, PATIENCE_IN_BACKGROUND).await;
        if read.as_ref().is_err_and(is_fork) && in_vain.is_multiple_of(LOOKS_PER_RECOVERY) {
            read = self.go_over().await;
        }
        self.tell(read.as_ref().err());
        read
    }

    /// The store lost records that were known here, and has others in their place. What it has is taken, if it is one
    /// history from its beginning; every cancellation that was known here is kept and written again, and so is the
    /// epoch. So nothing comes to life again; a renewal that was lost makes a token end sooner.
    async fn go_over(&self) -> Result<(), DelegationStateError> {
        let began = Instant::now();
        let stranger = self.log.stranger();
        let book = read_anew(&stranger).await?;
        let (before, number) = (self.view.book().number(), book.number());
        let kept = self.view.replace(book, self.now());
        self.log.adopt(stranger);
        self.view.has_gone_over();
        self.view.confirm(began);
        tracing::error!(
            before,
            number,
            kept,
            "the store lost records of delegation tokens and has others in their place; they were taken over, and the \
             cancellations that were known here are written again: find out why it lost them"
        );
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

    /// Tries again to write what was cancelled here and is not in the log; whether all of it is.
    pub(in crate::delegation) async fn write_what_is_left(&self) {
        for token in self.view.unwritten() {
            if self.cancel(token).await.is_err() {
                break;
            }
        }
    }

    /// Notes by how much this process' clock is ahead of the store's.
    async fn compare_clocks(&self) -> Result<(), DelegationStateError> {
        let time = timeout(PATIENCE, self.log.time()).await.map_err(|_| DelegationStateError::Late)??;
        let ahead = time.map_or(Duration::ZERO, |time| self.clock.now().since(time));
        let before = self.view.set_ahead(ahead);
        if ahead > TOLERATED && before <= TOLERATED {
            tracing::error!(
                seconds = ahead.as_secs(),
                "this broker's clock is ahead of the store's; what is over is told by the store's"
            );
        }
        Ok(())
    }

    /// Writes what the book says, so that the log may forget old records and brokers start soon.
    async fn put_snapshot(self: Arc<Self>) {
        let copy = self.view.book().copy();
        let number = copy.number();
        let Ok(bytes) = tokio::task::spawn_blocking(move || copy.into_bytes()).await else { return };
        match timeout(PATIENCE_IN_BACKGROUND, self.log.put_snapshot(number, &bytes)).await {
            Ok(Ok(())) => tracing::debug!(number, "snapshot of delegation tokens was written"),
            Ok(Err(error)) => tracing::warn!(%error, number, "snapshot of delegation tokens was not written"),
            Err(_late) => tracing::warn!(number, "snapshot of delegation tokens was not written in time"),
        }
    }
}

/// Whether the store has another history than the one that is known here.
fn is_fork(error: &DelegationStateError) -> bool {
    matches!(
        error,
        DelegationStateError::Log(LogError::Forked { .. }) | DelegationStateError::Book(BookError::Forked)
    )
}

/// The book of a log that nothing is known of. An empty one is no history: nothing is taken over from it.
async fn read_anew(log: &SealedLog) -> Result<Book, DelegationStateError> {
    let mut book = Book::default();
    loop {
        let after = book.number();
        let came = timeout(PATIENCE_IN_BACKGROUND, log.read(after))
            .await
            .map_err(|_| DelegationStateError::Late)??;
        if let Some(snapshot) = &came.snapshot {
            book = Book::from_bytes(snapshot.number, &snapshot.bytes)?;
        }
        for record in &came.records {
            book.apply(record.number, &record.bytes)?;
        }
        if book.number() == after {
            return Err(DelegationStateError::Stuck);
        }
        if book.number() >= came.head {
            return Ok(book);
        }
    }
}
