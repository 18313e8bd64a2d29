//! What this broker knows of tokens' lives: the book as far as the log was read, what was cancelled here and could not
//! be written yet, and how fresh all of it is. Asked on every request that comes by a token; never waits for the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use lakegate_delegation::{Binding, Book, BookError, Fate, TokenId, Tombstone, Views};
use lakegate_domain::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

/// The view of one broker.
#[derive(Debug)]
pub(crate) struct View {
    /// Tokens of earlier epochs are over, also before the log has heard of it.
    least_epoch: AtomicU32,
    book: RwLock<Book>,
    unwritten: RwLock<HashMap<TokenId, Tombstone>>,
    has_unwritten: AtomicBool,
    began: Instant,
    /// When the log was last read to its end: microseconds since `began`, and one more; 0 for never.
    confirmed: AtomicU64,
    loaded: watch::Sender<bool>,
    /// Why the log cannot be followed at present.
    trouble: Mutex<Option<&'static str>>,
    /// By how many milliseconds this process' clock is ahead of the store's.
    ahead: AtomicU64,
    /// How often the store was found to have another history, since the start.
    forks: AtomicU64,
}

impl View {
    /// Nothing is known yet but the least epoch.
    pub(crate) fn new(least_epoch: u32) -> Self {
        Self {
            least_epoch: AtomicU32::new(least_epoch),
            book: RwLock::default(),
            unwritten: RwLock::default(),
            has_unwritten: AtomicBool::new(false),
            began: Instant::now(),
            confirmed: AtomicU64::new(0),
            loaded: watch::Sender::new(false),
            trouble: Mutex::new(None),
            ahead: AtomicU64::new(0),
            forks: AtomicU64::new(0),
        }
    }

    /// The book. Nobody may wait for anything with it.
    pub(crate) fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins again with another book, and tells how many cancellations it does not know. They stay in force here until
    /// they are written, and so does the epoch: what was missed between the two books may be another history.
    pub(super) fn replace(&self, book: Book, now: Timestamp) -> usize {
        let mut current = self.book.write().unwrap_or_else(PoisonError::into_inner);
        let missing = current.tombstones_missing_in(&book, now);
        let count = missing.len();
        self.least_epoch.fetch_max(current.epoch(), Ordering::AcqRel);
        for tombstone in missing {
            self.bury(tombstone);
        }
        *current = book;
        count
    }

    /// The least epoch that the log should have.
    pub(super) fn least_epoch(&self) -> u32 {
        self.least_epoch.load(Ordering::Acquire)
    }

    /// Notes that the store had another history.
    pub(super) fn has_gone_over(&self) {
        self.forks.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the store was found to have another history, since the start.
    pub(crate) fn forks(&self) -> u64 {
        self.forks.load(Ordering::Relaxed)
    }

    /// By how much this process' clock was last seen to be ahead of the store's.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead.load(Ordering::Acquire))
    }

    /// Notes by how much it is, and tells what was noted before.
    pub(super) fn set_ahead(&self, ahead: Duration) -> Duration {
        let millis = u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.ahead.swap(millis, Ordering::AcqRel))
    }

    /// Takes records that follow each other.
    pub(super) fn apply<'a>(
        &self,
        records: impl IntoIterator<Item = (u64, &'a [u8])>,
    ) -> Result<(), BookError> {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        records.into_iter().try_for_each(|(number, bytes)| book.apply(number, bytes))
    }

    /// Forgets what is long over. What is not written yet is kept until it is, or there is nothing to write.
    pub(super) fn prune(&self, now: Timestamp) {
        self.book.write().unwrap_or_else(PoisonError::into_inner).prune(now);
    }

    /// Notes that the log was read to its end, beginning at this instant.
    pub(super) fn confirm(&self, began: Instant) {
        let micros = began.saturating_duration_since(self.began).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX).saturating_add(1);
        self.confirmed.fetch_max(micros, Ordering::AcqRel);
        self.loaded.send_if_modified(|loaded| !std::mem::replace(loaded, true));
    }

    /// How long ago everything that was in the log was known; as long as can be, when it never was.
    pub(crate) fn age(&self) -> Duration {
        match self.confirmed.load(Ordering::Acquire).checked_sub(1) {
            Some(micros) => self.began.elapsed().saturating_sub(Duration::from_micros(micros)),
            None => Duration::MAX,
        }
    }

    /// Whether the log was read to its end, beginning after this instant.
    pub(super) fn is_confirmed_since(&self, asked: Instant) -> bool {
        let asked = asked.saturating_duration_since(self.began);
        let confirmed = self.confirmed.load(Ordering::Acquire).checked_sub(1);
        confirmed.is_some_and(|micros| Duration::from_micros(micros) > asked)
    }

    /// Whether the log was ever read to its end.
    pub(crate) fn is_loaded(&self) -> bool {
        *self.loaded.borrow()
    }

    /// Waits until the log was read to its end.
    pub(crate) async fn loaded(&self) {
        let mut loaded = self.loaded.subscribe();
        let _never_closed = loaded.wait_for(|loaded| *loaded).await;
    }

    /// Says why the log cannot be followed, or that it can, and whether that is news.
    pub(super) fn trouble(&self, why: Option<&'static str>) -> bool {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *trouble, why) != why
    }

    /// Why the log cannot be followed.
    pub(crate) fn troubled_by(&self) -> Option<&'static str> {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a token here, whatever becomes of the attempt to write it down.
    pub(in crate::delegation) fn bury(&self, token: Tombstone) {
        let mut unwritten = self.unwritten.write().unwrap_or_else(PoisonError::into_inner);
        unwritten.insert(token.id, token);
        self.has_unwritten.store(true, Ordering::Release);
    }

    /// The cancellation is in the book.
    pub(super) fn is_written(&self, token: &TokenId) {
        let mut unwritten = self.unwritten.write().unwrap_or_else(PoisonError::into_inner);
        unwritten.remove(token);
        self.has_unwritten.store(!unwritten.is_empty(), Ordering::Release);
    }

    /// What was cancelled here and is not in the log.
    pub(crate) fn unwritten(&self) -> Vec<Tombstone> {
        self.unwritten.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether a token is cancelled in the log, as far as anybody needs to know.
    pub(super) fn has_tombstone(&self, token: &TokenId) -> bool {
        !self.is_buried(token) && self.book().fate(token).cancelled
    }

    fn is_buried(&self, token: &TokenId) -> bool {
        self.has_unwritten.load(Ordering::Acquire)
            && self.unwritten.read().unwrap_or_else(PoisonError::into_inner).contains_key(token)
    }
}

impl Views for View {
    fn fate(&self, token: &TokenId) -> Fate {
        let fate = self.book().fate(token);
        let cancelled = fate.cancelled || self.is_buried(token);
        Fate { cancelled, epoch: fate.epoch.max(self.least_epoch()), ..fate }
    }

    fn binding(&self, token: &TokenId) -> Option<Binding> {
        self.book().binding(token)
    }
}
