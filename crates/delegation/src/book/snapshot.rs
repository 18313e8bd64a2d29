//! The book as bytes: what brokers read first when they start, and what lets the log forget old records.
//!
//! Version `01`, the log's number as `VLong`, the chain (16), the epoch and the count of tokens as `VInt`, then each token
//! by ascending id: 16 bytes, `00` issued, `01` renewed or `02` cancelled, and its row as in a record.

use super::{Book, Entry, State};
use crate::hadoop::{Reader, put_vlong};
use crate::record::{Chain, Row, id};
use crate::{BookError, Malformed, TokenId};

/// The version of snapshots.
const VERSION: u8 = 1;

/// What a snapshot says, out of its book: it is put in order and written while the book goes on.
#[derive(Debug)]
pub struct BookCopy {
    number: u64,
    chain: Chain,
    epoch: u32,
    entries: Vec<(TokenId, Entry)>,
}

impl BookCopy {
    /// The number of the last record in it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The book's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + 96 * self.entries.len());
        bytes.push(VERSION);
        put_vlong(&mut bytes, i64::try_from(self.number).unwrap_or(i64::MAX));
        bytes.extend_from_slice(self.chain.as_bytes());
        put_vlong(&mut bytes, self.epoch.into());
        put_vlong(&mut bytes, i64::try_from(self.entries.len()).unwrap_or(i64::MAX));
        let mut sorted = self.entries;
        sorted.sort_unstable_by_key(|(id, _)| *id);
        for (id, entry) in sorted {
            bytes.extend_from_slice(id.as_bytes());
            bytes.push(match entry.state {
                State::Issued => 0,
                State::Renewed => 1,
                State::Cancelled => 2,
            });
            entry.row.put(&mut bytes);
        }
        bytes
    }
}

impl Book {
    /// What a snapshot says. Principals are shared and not copied, so this takes a moment only.
    pub fn copy(&self) -> BookCopy {
        let entries = self.entries.iter().map(|(id, entry)| (*id, entry.clone())).collect();
        BookCopy { number: self.number, chain: self.chain, epoch: self.epoch, entries }
    }

    /// The book's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.copy().into_bytes()
    }

    /// The book that a snapshot of this number holds.
    ///
    /// # Errors
    /// [`BookError::Gap`] for one of another number, [`BookError::Malformed`] for bytes that are none.
    pub fn from_bytes(number: u64, bytes: &[u8]) -> Result<Self, BookError> {
        let book = parse(bytes).map_err(BookError::Malformed)?;
        if book.number == number { Ok(book) } else { Err(BookError::Gap) }
    }
}

fn parse(bytes: &[u8]) -> Result<Book, Malformed> {
    let mut from = Reader::new(bytes);
    if from.byte()? != VERSION {
        return Err(Malformed::Version);
    }
    let number = u64::try_from(from.vlong()?).map_err(|_| Malformed::Range)?;
    let chain = Chain::from_bytes(from.array()?);
    let epoch = from.count()?;
    let count = from.count()?;
    let mut book = Book { number, chain, epoch, ..Book::default() };
    let mut last = None;
    for _ in 0..count {
        let id = id(&mut from)?;
        if last.replace(id).is_some_and(|last| last >= id) {
            return Err(Malformed::Range);
        }
        let state = match from.byte()? {
            0 => State::Issued,
            1 => State::Renewed,
            2 => State::Cancelled,
            _ => return Err(Malformed::Kind),
        };
        book.insert(id, Entry { row: Row::read(&mut from)?, state });
    }
    from.finish()?;
    Ok(book)
}
