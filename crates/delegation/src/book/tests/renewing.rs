//! Renewal and cancellation at their edges.

use super::*;
use crate::{DelegationRefusal, Terms};

fn terms(grace: Duration) -> RenewalTerms {
    RenewalTerms { terms: Terms::default(), grace }
}

fn book(records: &[Record]) -> Book {
    let mut book = Book::default();
    for record in records {
        book.write(record);
    }
    book
}

#[test]
fn dt10_a_renewal_ends_with_the_max_date_and_gains_something_or_is_not_written() {
    let book = book(&[issued(&token(1))]);
    let renew = |now| book.renew(&token(1), &terms(Duration::ZERO), now).unwrap();
    let soon = renew(NOW.plus(Duration::from_mins(1)));
    assert_eq!((soon.until, soon.record), (NOW.plus(DAY), None), "a minute is not worth a record");
    let now = NOW.plus(DAY / 2);
    let later = renew(now);
    assert_eq!(later.until, now.plus(DAY));
    assert_eq!(later.record, Some(Record::Renewed { id: id(1), until: now.plus(DAY) }));
    let mut book = book.clone();
    book.write(&Record::Renewed { id: id(1), until: NOW.plus(7 * DAY).minus(Duration::from_secs(1)) });
    let max = token(1).max_date;
    let last = book.renew(&token(1), &terms(Duration::ZERO), max.minus(Duration::from_secs(2))).unwrap();
    assert_eq!(last.until, max, "at max - 2 s");
    assert!(last.record.is_some(), "the last second is worth one");
    let over = book.renew(&token(1), &terms(LONGEST_GRACE), max);
    assert_eq!(over, Err(DelegationRefusal::Expired), "equal is expired, and no grace goes beyond");
}

#[test]
fn dt10_no_date_wraps_around() {
    let end = Timestamp::from_millis(i64::MAX);
    let token = Identifier { max_date: end, first_renew_date: end, ..token(1) };
    let book = book(&[issued(&token)]);
    let now = Timestamp::from_millis(i64::MAX - 1);
    assert_eq!(book.renew(&token, &terms(Duration::MAX), now), Err(DelegationRefusal::Expired));
}

#[test]
fn dt11_a_renewal_after_the_date_is_refused_unless_a_grace_is_set() {
    let book = book(&[issued(&token(1))]);
    let date = token(1).first_renew_date;
    let renew = |now, grace| book.renew(&token(1), &terms(grace), now);
    let millisecond = Duration::from_millis(1);
    assert!(renew(date.minus(millisecond), Duration::ZERO).is_ok());
    assert_eq!(renew(date, Duration::ZERO), Err(DelegationRefusal::NotRenewed));
    let hour = Duration::from_hours(1);
    let late = renew(date, hour).unwrap();
    assert!(late.in_grace && late.record.is_some());
    assert_eq!(late.until, date.plus(DAY));
    assert!(renew(date.plus(hour).minus(millisecond), hour).unwrap().in_grace);
    assert_eq!(renew(date.plus(hour), hour), Err(DelegationRefusal::NotRenewed), "the grace is bounded");
    assert_eq!(renew(date.plus(hour), 7 * DAY), Err(DelegationRefusal::NotRenewed), "whatever is configured");
    assert!(!renew(date.minus(hour), hour).unwrap().in_grace);
}

#[test]
fn dt17_a_renewal_makes_no_token() {
    let mut book = book(&[]);
    let unknown = book.renew(&token(1), &terms(DAY), NOW);
    assert_eq!(unknown, Err(DelegationRefusal::Unknown));
    book.write(&Record::Renewed { id: id(1), until: NOW.plus(DAY) });
    assert!(book.is_empty(), "not even when somebody wrote one");
}

#[test]
fn dt22_an_earlier_epoch_is_not_renewed() {
    let book = book(&[issued(&token(1)), Record::EpochRaised { epoch: 1 }]);
    assert_eq!(book.renew(&token(1), &terms(DAY), NOW), Err(DelegationRefusal::Epoch));
}

#[test]
fn what_is_over_needs_no_cancellation_and_what_nobody_heard_of_gets_one() {
    let book = book(&[issued(&token(1))]);
    let max = token(1).max_date;
    let cancel = |number, now| book.cancel(&Tombstone::from(&token(number)), now);
    assert_eq!(cancel(1, NOW), Some(cancelled(&token(1))));
    let millisecond = Duration::from_millis(1);
    assert!(cancel(1, max.minus(millisecond)).is_some(), "a lapsed one may be in grace");
    let others = max.plus(REMEMBERED);
    assert!(cancel(1, others.minus(millisecond)).is_some(), "others' clocks may be behind");
    assert_eq!(cancel(1, others), None);
    assert_eq!(cancel(2, NOW), Some(cancelled(&token(2))));
}
