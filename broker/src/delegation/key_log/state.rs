//! How a broker does with the log of keys, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lakegate_token_store::LogError;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// The word for a record that opens and is none.
const MALFORMED: &str = "malformed";

/// Counts since the start, and when the log was last read to its end.
#[derive(Debug)]
pub(crate) struct KeyLogState {
    began: Instant,
    read: Mutex<Option<Instant>>,
    failures: [AtomicU64; LogError::WORDS.len()],
    malformed: AtomicU64,
    created: AtomicU64,
    lost: AtomicU64,
    /// The failure that lasts, so that it is logged once.
    lasting: Mutex<Option<&'static str>>,
}

impl KeyLogState {
    pub(in crate::delegation) fn new() -> Self {
        Self {
            began: Instant::now(),
            read: Mutex::default(),
            failures: Default::default(),
            malformed: AtomicU64::new(0),
            created: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            lasting: Mutex::default(),
        }
    }

    /// The log was read to its end.
    pub(in crate::delegation) fn fresh(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if self.lasting.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            info!("the log of delegation keys is followed again");
        }
    }

    /// It was not; the keys in force stay.
    pub(super) fn failed(&self, failure: &LogError) {
        let word = failure.as_str();
        if let Some(count) = LogError::WORDS
            .iter()
            .zip(&self.failures)
            .find(|(known, _)| **known == word)
            .map(|(_, count)| count)
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if self.begins(word) {
            let failure: &(dyn std::error::Error + 'static) = failure;
            if word == "store" {
                warn!(
                    error = failure,
                    "the log of delegation keys cannot be followed; the keys in force stay"
                );
            } else {
                error!(
                    error = failure,
                    "the log of delegation keys is not what it was; the keys in force stay"
                );
            }
        }
    }

    /// It was, and says what cannot be.
    pub(super) fn malformed(&self, number: u64) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
        if self.begins(MALFORMED) {
            error!(
                number,
                "a record of delegation keys is sealed by us and says nothing; the keys in force stay"
            );
        }
    }

    fn begins(&self, word: &'static str) -> bool {
        self.lasting.lock().unwrap_or_else(PoisonError::into_inner).replace(word) != Some(word)
    }

    /// A key of ours stands in the log.
    pub(super) fn created(&self) {
        self.created.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody else's key stands where ours was to be.
    pub(super) fn lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// How old what is known of the log is; since the start when nothing is.
    pub(crate) fn age(&self) -> Duration {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(self.began).elapsed()
    }

    /// Each count of failures with the word for its cause.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let known = LogError::WORDS.into_iter().zip(&self.failures);
        known.chain([(MALFORMED, &self.malformed)]).map(|(word, count)| (word, count.load(Ordering::Relaxed)))
    }

    /// How many keys this process wrote.
    pub(crate) fn keys_created(&self) -> u64 {
        self.created.load(Ordering::Relaxed)
    }

    /// How often another process was faster.
    pub(crate) fn races_lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
