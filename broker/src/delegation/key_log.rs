//! Delegation keys that are kept in the store and made by the brokers themselves.
//!
//! Every broker follows the log of keys and works out by its own clock which key signs and which are believed; a book of
//! keys says how ([`KeyBook`]). When it is time for the next key, every broker makes one and tries to write it; the log
//! takes one, and the others forget theirs. A key gets into a ring out of the log only, so nothing is ever signed with
//! one that was not taken. A store that fails, or a log that is not what it was, changes nothing about the ring.

mod metrics;
mod settings;
mod state;

use std::sync::Arc;
use std::time::Duration;

use lakegate_delegation::{DelegationKey, KeyBook, KeyError, KeyId, KeyLife, RollTerms};
use lakegate_domain::Clock;
use lakegate_token_store::{Appended, LogError, SealedLog};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};
use tracing::{error, info, warn};

pub(crate) use metrics::KeyLogMetrics;
pub use settings::StoredKeySettings;
pub(crate) use state::KeyLogState;

use super::DelegationKeys;

/// The time between two looks at the log.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The same while there is no key at all.
const LOOK_AT_START: Duration = Duration::from_millis(100);
/// How often a writer tries again whose number was taken. Each time the log has grown, so it seldom has to.
const ATTEMPTS: usize = 4;

/// What a broker needs to follow the log of keys.
#[derive(Debug)]
pub struct KeyLogParts {
    /// The log.
    pub log: Arc<SealedLog>,
    /// The cluster whose tokens the keys sign.
    pub cluster: String,
    /// When keys change.
    pub terms: RollTerms,
    /// Keys from elsewhere that only verify.
    pub also: Vec<DelegationKey>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
}

/// Follows the log until it is dropped.
#[derive(Debug)]
pub struct KeyLog {
    state: Arc<KeyLogState>,
    task: JoinHandle<()>,
}

impl KeyLog {
    /// Begins to follow. Until the log was read the ring waits: it signs and believes nothing.
    ///
    /// # Errors
    /// [`KeyError::Cluster`] for a name that is none.
    pub fn start(parts: KeyLogParts) -> Result<(DelegationKeys, Self), KeyError> {
        let ring = KeyBook::default().ring(&parts.cluster, parts.clock.now(), &parts.terms, &[])?;
        let state = Arc::new(KeyLogState::new());
        let keys = DelegationKeys::of_log(ring, &state);
        let follower = Follower {
            parts,
            keys: keys.clone(),
            state: Arc::clone(&state),
            book: KeyBook::default(),
            at: 0,
            lives: Vec::new(),
        };
        Ok((keys, Self { state, task: tokio::spawn(follower.run()) }))
    }

    /// How it does.
    pub(crate) fn state(&self) -> &Arc<KeyLogState> {
        &self.state
    }
}

impl Drop for KeyLog {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task holds.
struct Follower {
    parts: KeyLogParts,
    keys: DelegationKeys,
    state: Arc<KeyLogState>,
    book: KeyBook,
    /// The last record in the book.
    at: u64,
    /// Where the keys of the ring in force stand.
    lives: Vec<(KeyId, KeyLife)>,
}

/// Why the book is not at the head of the log.
enum Behind {
    Log(LogError),
    Malformed(u64),
}

impl From<LogError> for Behind {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl Follower {
    async fn run(mut self) {
        loop {
            let turn = self.turn().await;
            match turn {
                Ok(()) => self.state.fresh(),
                Err(Behind::Log(failure)) => self.state.failed(&failure),
                Err(Behind::Malformed(number)) => self.state.malformed(number),
            }
            self.publish();
            let wait = if self.book.is_empty() { LOOK_AT_START } else { LOOK_EVERY };
            let next = Instant::now() + wait;
            tokio::select! {
                () = time::sleep_until(next) => {}
                () = self.keys.unknown().wanted() => {}
            }
        }
    }

    /// Reads what came, and writes the next key if it is time.
    async fn turn(&mut self) -> Result<(), Behind> {
        self.catch_up().await?;
        // What is known is in force before anybody waits for a write.
        self.publish();
        for _ in 0..ATTEMPTS {
            let now = self.parts.clock.now();
            let Some(key) = self.next_key(now) else { break };
            let record = key.to_record();
            match self.parts.log.append(self.at.saturating_add(1), &record).await? {
                Appended::Done => {
                    info!(key = key.id().as_u32(), used_from = %key.use_from(), "a delegation key was written");
                    self.state.created();
                    self.catch_up().await?;
                    self.keep_snapshot().await;
                    break;
                }
                Appended::Taken => {
                    self.state.lost();
                    self.catch_up().await?;
                }
            }
        }
        if self.parts.log.wants_snapshot() {
            self.keep_snapshot().await;
        }
        Ok(())
    }

    fn next_key(&self, now: lakegate_domain::Timestamp) -> Option<lakegate_delegation::BookedKey> {
        match self.book.next(now, &self.parts.terms) {
            Ok(key) => key,
            Err(failure) => {
                error!(error = %failure, "no delegation key can be made");
                None
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), Behind> {
        loop {
            let read = self.parts.log.read(self.at).await?;
            if let Some(snapshot) = &read.snapshot {
                let book = KeyBook::from_snapshot(&snapshot.bytes);
                self.book = book.map_err(|_| Behind::Malformed(snapshot.number))?;
                self.at = snapshot.number;
            }
            for record in &read.records {
                self.book.apply(&record.bytes).map_err(|_| Behind::Malformed(record.number))?;
                self.at = record.number;
            }
            if self.at >= read.head {
                return Ok(());
            }
        }
    }

    /// So that the log stays short and is sealed with the key in force; the next one mends what fails here.
    async fn keep_snapshot(&self) {
        let snapshot = self.book.to_snapshot(self.parts.clock.now(), &self.parts.terms);
        if let Err(failure) = self.parts.log.put_snapshot(self.at, &snapshot).await {
            warn!(error = %failure, "the snapshot of delegation keys was not kept");
        }
    }

    /// Puts into force what the book says now, if that is something else than before.
    fn publish(&mut self) {
        let now = self.parts.clock.now();
        let KeyLogParts { cluster, terms, also, .. } = &self.parts;
        let lives = self.book.lives(now, terms);
        if lives == self.lives {
            return;
        }
        match self.book.ring(cluster, now, terms, also) {
            Ok(ring) => {
                let current = ring.current().map(KeyId::as_u32);
                self.keys.replace(ring);
                self.lives = lives;
                info!(current, keys = self.lives.len(), "delegation keys are in force");
            }
            Err(failure) => error!(error = %failure, "delegation keys are no ring; those in force stay"),
        }
    }
}

#[cfg(test)]
mod tests;
