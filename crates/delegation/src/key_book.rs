//! The book of keys: what the log of keys says, and what follows from it at an instant.
//!
//! A key stands in the log before it is used, with the instant from which it signs; from then on every broker knows by
//! its own clock which key signs. So a roll needs no agreement beyond who writes the next key, and that the log decides:
//! one number, one record. A key is believed for as long as anything that it signed may live, and then leaves.
//!
//! | bytes | field of a record |
//! |---|---|
//! | `01` | version |
//! | 4 | id |
//! | 8, 8 | created, used from: milliseconds since 1970 |
//! | 32 | the key |
//!
//! Numbers are big-endian. A snapshot is the version and the records, oldest first, without theirs. Both hold secrets and
//! are written to a sealed log only.

use std::cmp::Ordering;
use std::time::Duration;

use lakegate_domain::Timestamp;
use zeroize::Zeroizing;

use crate::hadoop::Reader;
use crate::{DelegationKey, KeyError, KeyId, KeyLife, KeyRing, Malformed};

/// The version of records and snapshots.
const VERSION: u8 = 1;

/// The most keys that a snapshot holds: far more than live at once by any sensible terms.
const MAX_KEYS: usize = 4_096;

/// When keys change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollTerms {
    every: Duration,
    distribution: Duration,
    max_life: Duration,
    skew: Duration,
    least: u32,
}

impl RollTerms {
    /// A new key every so often, written so long before it signs; tokens live at most so long, and clocks differ by so
    /// much.
    ///
    /// # Errors
    /// [`KeyError::Roll`] when keys would change before they are distributed, or clocks differ by more than that.
    pub fn new(
        every: Duration,
        distribution: Duration,
        max_life: Duration,
        skew: Duration,
    ) -> Result<Self, KeyError> {
        if distribution >= every || skew >= distribution {
            return Err(KeyError::Roll);
        }
        Ok(Self { every, distribution, max_life, skew, least: 0 })
    }

    /// The same without keys of lower ids: they are over, and a key that replaces them signs at once.
    #[must_use]
    pub const fn without_below(self, least: u32) -> Self {
        Self { least, ..self }
    }
}

/// One key, as it stands in the log. The secret is overwritten on drop and never printed.
pub struct BookedKey {
    id: KeyId,
    created: Timestamp,
    use_from: Timestamp,
    secret: Zeroizing<[u8; 32]>,
}

impl BookedKey {
    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// From when on it signs.
    pub fn use_from(&self) -> Timestamp {
        self.use_from
    }

    /// The record that brings it to the others.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![VERSION]);
        self.write(&mut bytes);
        bytes
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.id.as_u32().to_be_bytes());
        bytes.extend_from_slice(&self.created.as_millis().to_be_bytes());
        bytes.extend_from_slice(&self.use_from.as_millis().to_be_bytes());
        bytes.extend_from_slice(&*self.secret);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let id = KeyId::new(u32::from_be_bytes(reader.array()?)).map_err(|_| Malformed::Range)?;
        let mut instant = || Ok(Timestamp::from_millis(i64::from_be_bytes(reader.array()?)));
        let (created, use_from) = (instant()?, instant()?);
        if use_from < created {
            return Err(Malformed::Dates);
        }
        Ok(Self { id, created, use_from, secret: Zeroizing::new(reader.array()?) })
    }
}

impl std::fmt::Debug for BookedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BookedKey")
            .field("id", &self.id)
            .field("created", &self.created)
            .field("use_from", &self.use_from)
            .finish_non_exhaustive()
    }
}

/// The keys of a log, oldest first: ids and instants of use rise.
#[derive(Debug, Default)]
pub struct KeyBook {
    keys: Vec<BookedKey>,
}

impl KeyBook {
    /// Takes what a record says.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are no record, or the key does not follow the newest; then the book is as before.
    pub fn apply(&mut self, record: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(record);
        version(&mut reader)?;
        let key = BookedKey::read(&mut reader)?;
        reader.finish()?;
        self.push(key)
    }

    /// What a snapshot says.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are none.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        version(&mut reader)?;
        let mut book = Self::default();
        while reader.finish().is_err() {
            if book.keys.len() == MAX_KEYS {
                return Err(Malformed::TooLong);
            }
            book.push(BookedKey::read(&mut reader)?)?;
        }
        Ok(book)
    }

    /// All keys that may still be of use: those that are over leave.
    pub fn to_snapshot(&self, now: Timestamp, terms: &RollTerms) -> Zeroizing<Vec<u8>> {
        // Made at its full size at once: a vector that grows leaves secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + self.keys.len() * 52));
        bytes.push(VERSION);
        for (key, life) in self.keys.iter().zip(self.each_life(now, terms)) {
            if life != KeyLife::Retired {
                key.write(&mut bytes);
            }
        }
        bytes
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it holds none: nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Where each key stands at an instant.
    pub fn lives(&self, now: Timestamp, terms: &RollTerms) -> Vec<(KeyId, KeyLife)> {
        self.keys.iter().map(BookedKey::id).zip(self.each_life(now, terms)).collect()
    }

    /// The ring of an instant; `also` are keys from elsewhere that only verify. A book without keys makes a ring that
    /// signs and believes nothing.
    ///
    /// # Errors
    /// [`KeyError::DuplicateId`] when a key from elsewhere has the id of one in the book, or [`KeyError::Cluster`].
    pub fn ring(
        &self,
        cluster: &str,
        now: Timestamp,
        terms: &RollTerms,
        also: &[DelegationKey],
    ) -> Result<KeyRing, KeyError> {
        let lives = self.each_life(now, terms);
        if !lives.contains(&KeyLife::Current) {
            return KeyRing::waiting(cluster);
        }
        let own = self.keys.iter().zip(lives);
        let own = own.map(|(key, life)| (DelegationKey::from_bytes(key.id, *key.secret), life));
        let also =
            also.iter().map(|key| (DelegationKey::from_bytes(key.id(), *key.secret()), KeyLife::Verifying));
        KeyRing::new(cluster, own.chain(also).collect::<Vec<_>>())
    }

    /// The key to write now, if it is time; a fresh one at every call. Whoever does not get it into the log forgets it.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] without randomness, or [`KeyError::Id`] when no ids are left.
    pub fn next(&self, now: Timestamp, terms: &RollTerms) -> Result<Option<BookedKey>, KeyError> {
        let ready = now.plus(terms.distribution);
        let (id, use_from) = match self.keys.last() {
            // Nobody waits for the first key to be distributed: there is no other.
            None => (first_id(terms.least)?, now),
            Some(newest) if newest.id.as_u32() < terms.least => {
                (KeyId::new(terms.least)?, now.max(newest.use_from))
            }
            Some(newest) => {
                let due = newest.use_from.plus(terms.every);
                if ready < due {
                    return Ok(None);
                }
                (KeyId::new(newest.id.as_u32().saturating_add(1))?, ready.max(due))
            }
        };
        let key = DelegationKey::generate(id)?;
        Ok(Some(BookedKey { id, created: now, use_from, secret: Zeroizing::new(*key.secret()) }))
    }

    fn push(&mut self, key: BookedKey) -> Result<(), Malformed> {
        if self.keys.last().is_some_and(|newest| key.id <= newest.id || key.use_from < newest.use_from) {
            return Err(Malformed::Dates);
        }
        self.keys.push(key);
        Ok(())
    }

    fn each_life(&self, now: Timestamp, terms: &RollTerms) -> Vec<KeyLife> {
        let counts = |key: &BookedKey| key.id.as_u32() >= terms.least;
        // The first key of all signs at once, also where a clock is behind the one of its maker.
        let first = self.keys.iter().position(counts).unwrap_or(self.keys.len());
        let begun = self.keys.iter().rposition(|key| key.use_from <= now).unwrap_or(0).max(first);
        let successors = self.keys.iter().skip(1).map(|key| Some(key.use_from)).chain([None]);
        // Whoever is cut off may sign with a key a little longer than everybody else.
        let over = terms.max_life.saturating_add(terms.distribution);
        let life = |(at, (key, successor)): (usize, (&BookedKey, Option<Timestamp>))| match at.cmp(&begun) {
            _ if !counts(key) => KeyLife::Retired,
            Ordering::Equal => KeyLife::Current,
            Ordering::Less if successor.is_some_and(|end| end.plus(over) <= now) => KeyLife::Retired,
            Ordering::Less => KeyLife::Verifying,
            // A broker whose clock is ahead signs with it already.
            Ordering::Greater if key.use_from <= now.plus(terms.skew) => KeyLife::Verifying,
            Ordering::Greater => KeyLife::Prepared,
        };
        self.keys.iter().zip(successors).enumerate().map(life).collect()
    }
}

fn version(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    if reader.byte()? == VERSION { Ok(()) } else { Err(Malformed::Version) }
}

/// Where ids begin: a log that begins anew after a loss does not give ids again that tokens still name.
fn first_id(least: u32) -> Result<KeyId, KeyError> {
    let mut bytes = [0; 4];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError::Crypto)?;
    KeyId::new((u32::from_be_bytes(bytes) >> 2 | 1).max(least))
}

#[cfg(test)]
mod tests;
