//! What must outlive a change of histories: that a token was cancelled.
//!
//! A store that lost its newest records may have got others in their place. Whoever knew the lost ones and goes over to
//! what the store has now takes his tombstones along; a renewal that was lost only makes a token end sooner.

use lakegate_domain::{Principal, Timestamp};

use super::{Book, REMEMBERED, State};
use crate::{Identifier, Record, TokenId};

/// A token that is over before its time, with what the log has to be told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The token.
    pub id: TokenId,
    /// Whose it was.
    pub owner: Principal,
    /// When it would have been over for good.
    pub max_date: Timestamp,
}

impl Tombstone {
    /// The record that says so.
    pub fn record(&self) -> Record {
        Record::Cancelled { id: self.id, owner: self.owner.clone(), max_date: self.max_date }
    }
}

impl From<&Identifier> for Tombstone {
    fn from(token: &Identifier) -> Self {
        Self { id: token.id, owner: token.owner.clone(), max_date: token.max_date }
    }
}

impl Book {
    /// The tokens that are cancelled here, that another book does not know to be, and that somebody may still believe.
    pub fn tombstones_missing_in(&self, other: &Self, now: Timestamp) -> Vec<Tombstone> {
        let forgotten = now.minus(REMEMBERED);
        let cancelled = self.entries.iter().filter(|(_, entry)| entry.state == State::Cancelled);
        let missing = cancelled.filter(|(id, entry)| {
            // Nobody renews one that the other book does not know, so its date counts; one that it knows may have been.
            other.knows(id) || entry.row.renew_before > forgotten
        });
        let tombstones = missing.map(|(id, entry)| Tombstone {
            id: *id,
            owner: entry.row.owner.clone(),
            max_date: entry.row.max_date,
        });
        tombstones.filter(|tombstone| other.cancel(tombstone, now).is_some()).collect()
    }
}
