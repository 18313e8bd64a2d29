//! What is said of one place of lists: each different complaint once.

use std::sync::{Arc, Mutex, PoisonError};

use lakegate_host::reload::Outcome;

use super::book::{Offered, RevocationBook};

/// Speaks for one place.
#[derive(Debug)]
pub(super) struct Voice {
    book: Arc<RevocationBook>,
    place: String,
    complaint: Mutex<Option<String>>,
}

impl Voice {
    /// Nothing was said yet.
    pub(super) fn new(book: &Arc<RevocationBook>, place: String) -> Self {
        Self { book: Arc::clone(book), place, complaint: Mutex::default() }
    }

    /// All is well there.
    pub(super) fn praise(&self, offered: &Offered) -> Outcome {
        let complained = self.complaint().take().is_some();
        if offered.is_new || complained {
            let (authority, place) = (self.book.authority(), &self.place);
            tracing::info!(%authority, place, "revocation lists are in force");
        }
        if offered.is_new { Outcome::Taken } else { Outcome::Unchanged }
    }

    /// The place could not be read.
    pub(super) fn miss(&self, complaint: String) -> Outcome {
        self.book.miss();
        self.complain(complaint)
    }

    /// Something is wrong there.
    pub(super) fn complain(&self, complaint: String) -> Outcome {
        let mut said = self.complaint();
        if said.as_ref() != Some(&complaint) {
            let (authority, place) = (self.book.authority(), &self.place);
            tracing::error!(%authority, place, error = %complaint, "revocation list is not taken, what was in force stays");
            *said = Some(complaint);
        }
        Outcome::Refused
    }

    fn complaint(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
