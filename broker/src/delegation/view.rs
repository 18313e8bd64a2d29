//! What this broker knows of tokens' lives: the book as far as the log was read, what was cancelled here and could not
//! be written yet, and how fresh all of it is. Asked on every request that comes by a token; never waits for the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use lakegate_delegation::{Binding, Book, BookError, Fate, Identifier, TokenId, Views};
use lakegate_domain::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

/// The view of one broker.
#[derive(Debug)]
pub(crate) struct View {
    /// Tokens of earlier epochs are over, also before the log has heard of it.
    least_epoch: u32,
    book: RwLock<Book>,
    unwritten: RwLock<HashMap<TokenId, Identifier>>,
    has_unwritten: AtomicBool,
    began: Instant,
    /// When the log was last read to its end: milliseconds since `began`, and one more; 0 for never.
    confirmed: AtomicU64,
    loaded: watch::Sender<bool>,
    /// Why the log cannot be followed at present.
    trouble: Mutex<Option<&'static str>>,
}

impl View {
    /// Nothing is known yet but the least epoch.
    pub(crate) fn new(least_epoch: u32) -> Self {
        Self {
            least_epoch,
            book: RwLock::default(),
            unwritten: RwLock::default(),
            has_unwritten: AtomicBool::new(false),
            began: Instant::now(),
            confirmed: AtomicU64::new(0),
            loaded: watch::Sender::new(false),
            trouble: Mutex::new(None),
        }
    }

    /// The book. Nobody may wait for anything with it.
    pub(crate) fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins again with another book.
    pub(super) fn replace(&self, book: Book) {
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
    }

    /// Takes records that follow each other.
    pub(super) fn apply<'a>(
        &self,
        records: impl IntoIterator<Item = (u64, &'a [u8])>,
    ) -> Result<(), BookError> {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        records.into_iter().try_for_each(|(number, bytes)| book.apply(number, bytes))
    }

    /// Forgets what is long over.
    pub(super) fn prune(&self, now: Timestamp) {
        self.book.write().unwrap_or_else(PoisonError::into_inner).prune(now);
        let mut unwritten = self.unwritten.write().unwrap_or_else(PoisonError::into_inner);
        unwritten.retain(|_, token| now < token.max_date);
        self.has_unwritten.store(!unwritten.is_empty(), Ordering::Release);
    }

    /// Notes that the log was read to its end, beginning at this instant.
    pub(super) fn confirm(&self, began: Instant) {
        let millis = began.saturating_duration_since(self.began).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX).saturating_add(1);
        self.confirmed.fetch_max(millis, Ordering::AcqRel);
        self.loaded.send_if_modified(|loaded| !std::mem::replace(loaded, true));
    }

    /// How long ago everything that was in the log was known; as long as can be, when it never was.
    pub(crate) fn age(&self) -> Duration {
        match self.confirmed.load(Ordering::Acquire).checked_sub(1) {
            Some(millis) => self.began.elapsed().saturating_sub(Duration::from_millis(millis)),
            None => Duration::MAX,
        }
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
    pub(in crate::delegation) fn bury(&self, token: Identifier) {
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
    pub(crate) fn unwritten(&self) -> Vec<Identifier> {
        self.unwritten.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
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
        Fate { cancelled, epoch: fate.epoch.max(self.least_epoch), ..fate }
    }

    fn binding(&self, token: &TokenId) -> Option<Binding> {
        self.book().binding(token)
    }
}
