//! The book against a slow one that looks through the whole log each time.

mod quotas;
mod reference;
mod renewing;

use lakegate_domain::Timestamp;

use super::*;
use crate::{Identifier, KeyId, Malformed};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
pub(crate) const DAY: Duration = Duration::from_hours(24);

pub(crate) fn name(text: &str) -> Principal {
    Principal::parse(text).unwrap()
}

pub(crate) fn id(number: u8) -> TokenId {
    TokenId::from_bytes([number; 16])
}

/// A token of alice's as it is issued now.
pub(crate) fn token(number: u8) -> Identifier {
    Identifier {
        owner: name("alice"),
        renewer: Some(name("yarn")),
        real_user: None,
        issued: NOW,
        max_date: NOW.plus(7 * DAY),
        sequence: 1,
        key: KeyId::new(1).unwrap(),
        cluster: "lake".to_owned(),
        id: id(number),
        first_renew_date: NOW.plus(DAY),
        store_epoch: 0,
    }
}

pub(crate) fn issued(token: &Identifier) -> Record {
    Record::Issued { id: token.id, row: Row::of(token, None) }
}

pub(crate) fn cancelled(token: &Identifier) -> Record {
    Record::Cancelled { id: token.id, owner: token.owner.clone(), max_date: token.max_date }
}

impl Book {
    /// Writes a record as the next one.
    pub(crate) fn write(&mut self, record: &Record) {
        let (number, bytes) = self.next(record);
        self.apply(number, &bytes).unwrap();
    }
}

#[test]
fn a_gap_a_fork_and_a_malformed_record_change_nothing() {
    let mut book = Book::default();
    book.write(&issued(&token(1)));
    let (number, bytes) = book.next(&cancelled(&token(1)));
    let before = format!("{book:?}");
    assert_eq!(book.apply(number + 1, &bytes), Err(BookError::Gap));
    assert_eq!(book.apply(number - 1, &bytes), Err(BookError::Gap));
    let mut other = Book::default();
    other.write(&issued(&token(2)));
    let (_, forked) = other.next(&cancelled(&token(2)));
    assert_eq!(
        book.apply(number, &forked),
        Err(BookError::Forked),
        "dt22: another log under the same numbers"
    );
    assert_eq!(book.apply(number, &bytes[..9]), Err(BookError::Malformed(Malformed::Short)));
    assert_eq!(format!("{book:?}"), before);
    book.apply(number, &bytes).unwrap();
    assert!(book.fate(&id(1)).cancelled);
}

#[test]
fn dt22_raising_the_epoch_ends_all_tokens_of_earlier_ones() {
    let mut book = Book::default();
    book.write(&issued(&token(1)));
    book.write(&Record::EpochRaised { epoch: 3 });
    book.write(&issued(&Identifier { store_epoch: 3, ..token(2) }));
    book.write(&Record::EpochRaised { epoch: 2 });
    assert_eq!(book.epoch(), 3, "it only rises");
    assert_eq!(book.live(NOW), 1);
    assert_eq!(book.fate(&id(9)).epoch, 3, "tokens that nobody heard of too");
}

#[test]
fn what_is_over_is_forgotten_two_hours_later_and_a_tombstone_no_sooner_than_its_token() {
    let mut book = Book::default();
    book.write(&issued(&token(1)));
    book.write(&cancelled(&token(1)));
    book.write(&cancelled(&token(2)));
    book.write(&issued(&token(3)));
    book.write(&Record::Renewed { id: id(3), until: NOW.plus(2 * DAY) });
    let (millisecond, end) = (Duration::from_millis(1), NOW.plus(DAY).plus(REMEMBERED));
    book.prune(end.minus(millisecond));
    assert!(book.fate(&id(1)).cancelled);
    book.prune(end);
    assert!(!book.fate(&id(1)).cancelled, "its date has long come");
    assert!(book.fate(&id(2)).cancelled, "nobody knows its date: its max date counts");
    book.prune(end.plus(DAY).minus(millisecond));
    assert!(book.row(&id(3)).is_some(), "it was renewed");
    book.prune(token(1).max_date.plus(REMEMBERED));
    assert!(book.is_empty() && book.owned.is_empty() && book.asked_for.is_empty() && book.ends.is_empty());
    assert_eq!((book.number(), book.bytes), (5, 0));
}

#[test]
fn the_length_of_a_snapshot_is_known_before_it_is_made() {
    let mut book = Book::default();
    for number in 0..50 {
        let owner = name(&"x".repeat(5 * usize::from(number) + 1));
        book.write(&issued(&Identifier { owner, real_user: Some(name("hive")), ..token(number) }));
    }
    let len = book.to_bytes().len();
    assert!((len..2 * len).contains(&(book.bytes + 64)), "{len} {}", book.bytes);
}

#[test]
fn a_snapshot_of_another_number_or_with_ids_out_of_order_is_refused() {
    let mut book = Book::default();
    book.write(&issued(&token(1)));
    book.write(&issued(&token(2)));
    let bytes = book.to_bytes();
    assert!(Book::from_bytes(2, &bytes).is_ok());
    assert_eq!(Book::from_bytes(3, &bytes).err(), Some(BookError::Gap));
    let swapped: Vec<u8> = bytes.iter().map(|byte| if *byte == 1 { 2 } else { *byte }).collect();
    assert!(Book::from_bytes(2, &swapped).is_err(), "two tokens under one id");
    assert!(Book::from_bytes(2, &[&bytes[..], &[0]].concat()).is_err());
    let claim = [&[1, 2][..], &[0; 16], &[0], &[0x8c, 0x7f, 0xff, 0xff, 0xff]].concat();
    assert_eq!(
        Book::from_bytes(2, &claim).err(),
        Some(BookError::Malformed(Malformed::Short)),
        "nothing is allocated by a claimed count"
    );
}

#[test]
fn dt22_who_goes_over_to_another_history_takes_along_every_cancellation_that_still_matters() {
    let (mut ours, mut theirs) = (Book::default(), Book::default());
    for number in 1..6 {
        ours.write(&issued(&token(number)));
    }
    theirs.write(&issued(&token(1)));
    theirs.write(&issued(&token(2)));
    theirs.write(&issued(&token(5)));
    for number in 1..4 {
        ours.write(&cancelled(&token(number)));
    }
    theirs.write(&cancelled(&token(2)));
    let missing = |now| {
        let mut ids: Vec<_> = ours.tombstones_missing_in(&theirs, now).into_iter().map(|it| it.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(missing(NOW), [id(1), id(3)], "not what both know, nor what nobody cancelled");
    let later = NOW.plus(DAY).plus(REMEMBERED);
    assert_eq!(missing(later.minus(Duration::from_millis(1))), [id(1), id(3)]);
    assert_eq!(
        missing(later),
        [id(1)],
        "one that they know may have been renewed there; the other one is over"
    );
    assert_eq!(missing(token(1).max_date.plus(REMEMBERED)), [], "over for good");
}
