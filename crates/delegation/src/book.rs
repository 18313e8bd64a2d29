//! The book: everything that the log says about tokens, as one value. Pure; whoever follows the log keeps it.
//!
//! The log is one sequence, so every broker that read as far has the same book. Rules of the book:
//!
//! - a token that was cancelled stays cancelled, whatever is written before or after;
//! - a renewal moves the date of a token that is there; it makes none, and never goes beyond the max date;
//! - the epoch only rises;
//! - what is over by its dates is forgotten, some time later: until then clocks that run behind still ask. A tombstone may
//!   go with its token, because no renewal makes a token that is not there.

mod changes;
mod snapshot;
mod tombstones;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use lakegate_domain::{Principal, Timestamp};

use crate::record::Chain;
use crate::{Binding, BookError, Fate, Record, Row, TokenId};

pub use changes::{Quotas, Renewal, RenewalTerms};
pub use snapshot::BookCopy;
pub use tombstones::Tombstone;

/// The longest time for which a token may be renewed after its date.
pub const LONGEST_GRACE: Duration = Duration::from_hours(1);

/// How long a token is remembered beyond its date: the longest grace, and more than the clocks of two brokers differ.
const REMEMBERED: Duration = Duration::from_hours(2);

/// The longest snapshot of tokens that are issued, in bytes: a log keeps 8 MiB, and cancellations must find room.
const MOST_BYTES: usize = 7 << 20;

/// What is known of all tokens up to one record of the log.
#[derive(Debug, Clone, Default)]
pub struct Book {
    number: u64,
    chain: Chain,
    epoch: u32,
    entries: HashMap<TokenId, Entry>,
    /// The ids of each owner and of each real user, for quotas.
    owned: HashMap<Principal, Share>,
    asked_for: HashMap<Principal, Share>,
    /// Until when each token is good.
    ends: BTreeSet<(Timestamp, TokenId)>,
    /// The length of all tokens in a snapshot, in bytes.
    bytes: usize,
}

/// What of the book is about the tokens of one principal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Share {
    ids: HashSet<TokenId>,
    /// Their length in a snapshot, in bytes.
    bytes: usize,
}

impl Share {
    fn add(&mut self, id: TokenId, len: usize) {
        if self.ids.insert(id) {
            self.bytes += len;
        }
    }
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    row: Row,
    state: State,
}

impl Entry {
    /// The most bytes that it takes in a snapshot.
    fn len(&self) -> usize {
        let real_user = self.row.real_user.as_ref().map_or(0, |real_user| real_user.as_str().len());
        let binding = if self.row.binding.is_some() { 33 } else { 1 };
        // Id, state, two lengths, two dates, epoch.
        self.row.owner.as_str().len() + real_user + binding + 16 + 1 + 6 + 18 + 5
    }
}

/// How a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it was issued.
    Issued,
    /// Its date was moved.
    Renewed,
    /// It is over. Its row is what the cancellation said, if the token was not known before.
    Cancelled,
}

impl Book {
    /// The number of the last record in it; 0 for none.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The epoch; tokens of earlier ones are believed no more.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How many tokens it remembers, cancelled ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it remembers no token.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many tokens would be believed now.
    pub fn live(&self, now: Timestamp) -> usize {
        self.entries.values().filter(|entry| self.is_live(entry, now)).count()
    }

    /// What became of a token; nothing, if it is not known.
    pub fn fate(&self, token: &TokenId) -> Fate {
        let entry = self.entries.get(token);
        let renewed = entry.filter(|entry| entry.state == State::Renewed);
        Fate {
            renewed_until: renewed.map(|entry| entry.row.renew_before),
            cancelled: entry.is_some_and(|entry| entry.state == State::Cancelled),
            epoch: self.epoch,
        }
    }

    /// What the log says of a token that it knows and that was not cancelled.
    pub fn row(&self, token: &TokenId) -> Option<&Row> {
        self.entries.get(token).filter(|entry| entry.state != State::Cancelled).map(|entry| &entry.row)
    }

    /// Whether the log ever heard of a token, and it is not forgotten.
    pub fn knows(&self, token: &TokenId) -> bool {
        self.entries.contains_key(token)
    }

    /// What a token is bound to, be it cancelled or not.
    pub fn binding(&self, token: &TokenId) -> Option<Binding> {
        self.entries.get(token).and_then(|entry| entry.row.binding)
    }

    /// The bytes of the record that comes next.
    pub fn next(&self, record: &Record) -> (u64, Vec<u8>) {
        (self.number + 1, record.to_bytes(&self.chain))
    }

    /// Takes the next record of the log.
    ///
    /// # Errors
    /// [`BookError::Gap`] for any other number than the next, [`BookError::Forked`] for a record that continues
    /// another log, [`BookError::Malformed`] for bytes that are none. The book is then as it was.
    pub fn apply(&mut self, number: u64, bytes: &[u8]) -> Result<(), BookError> {
        if number != self.number + 1 {
            return Err(BookError::Gap);
        }
        let (chain, record) = Record::parse(bytes).map_err(BookError::Malformed)?;
        if chain != self.chain {
            return Err(BookError::Forked);
        }
        self.chain = chain.after(number, bytes);
        self.number = number;
        self.take(record);
        Ok(())
    }

    fn take(&mut self, record: Record) {
        match record {
            Record::Issued { id, row } => {
                if !self.entries.contains_key(&id) {
                    self.insert(id, Entry { row, state: State::Issued });
                }
            }
            Record::Renewed { id, until } => {
                if let Some(entry) = self.entries.get_mut(&id)
                    && entry.state != State::Cancelled
                {
                    let row = &mut entry.row;
                    let before = row.renew_before;
                    row.renew_before = until.min(row.max_date).max(before);
                    entry.state = State::Renewed;
                    if self.ends.remove(&(before, id)) {
                        self.ends.insert((entry.row.renew_before, id));
                    }
                }
            }
            Record::Cancelled { id, owner, max_date } => {
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.state = State::Cancelled;
                } else {
                    let row = Row {
                        owner,
                        real_user: None,
                        max_date,
                        renew_before: max_date,
                        epoch: self.epoch,
                        binding: None,
                    };
                    self.insert(id, Entry { row, state: State::Cancelled });
                }
            }
            Record::EpochRaised { epoch } => self.epoch = self.epoch.max(epoch),
        }
    }

    fn insert(&mut self, id: TokenId, entry: Entry) {
        self.ends.insert((entry.row.renew_before, id));
        let len = entry.len();
        self.bytes += len;
        self.owned.entry(entry.row.owner.clone()).or_default().add(id, len);
        if let Some(real_user) = &entry.row.real_user {
            self.asked_for.entry(real_user.clone()).or_default().add(id, len);
        }
        self.entries.insert(id, entry);
    }

    /// Forgets what ended long ago. The instant is the earliest that anybody who reads the log takes for the present one:
    /// what is forgotten here is forgotten by all.
    pub fn prune(&mut self, now: Timestamp) {
        let ended = now.minus(REMEMBERED);
        while let Some((date, id)) = self.ends.first().copied()
            && date <= ended
        {
            self.ends.pop_first();
            let Some(entry) = self.entries.remove(&id) else { continue };
            let len = entry.len();
            self.bytes = self.bytes.saturating_sub(len);
            forget(&mut self.owned, &entry.row.owner, &id, len);
            if let Some(real_user) = &entry.row.real_user {
                forget(&mut self.asked_for, real_user, &id, len);
            }
        }
    }

    fn is_live(&self, entry: &Entry, now: Timestamp) -> bool {
        entry.state != State::Cancelled && entry.row.epoch >= self.epoch && now < entry.row.renew_before
    }
}

fn forget(index: &mut HashMap<Principal, Share>, of: &Principal, id: &TokenId, len: usize) {
    if let Some(share) = index.get_mut(of) {
        if share.ids.remove(id) {
            share.bytes = share.bytes.saturating_sub(len);
        }
        if share.ids.is_empty() {
            index.remove(of);
        }
    }
}

#[cfg(test)]
mod tests;
