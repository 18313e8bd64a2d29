//! DT24: nobody fills the log.

use super::*;
use crate::QuotaExceeded;

fn quotas() -> Quotas {
    Quotas { per_owner: 3, per_real_user: 2, total: 100 }
}

fn of(number: u8, owner: &str, real_user: Option<&str>) -> Identifier {
    Identifier { owner: name(owner), real_user: real_user.map(name), ..token(number) }
}

#[test]
fn dt24_the_owners_live_tokens_are_counted() {
    let mut book = Book::default();
    let may = |book: &Book, now| book.may_issue(&name("alice"), None, &quotas(), now);
    for number in 0..3 {
        assert_eq!(may(&book, NOW), Ok(()));
        book.write(&issued(&of(number, "alice", None)));
    }
    assert_eq!(may(&book, NOW), Err(QuotaExceeded::Owner));
    assert_eq!(book.may_issue(&name("bob"), None, &quotas(), NOW), Ok(()));
    assert_eq!(may(&book, NOW.plus(DAY)), Ok(()), "none of them was renewed");
    book.write(&Record::Renewed { id: id(1), until: NOW.plus(2 * DAY) });
    book.write(&cancelled(&token(0)));
    assert_eq!(may(&book, NOW), Ok(()), "a cancelled one is free again");
}

#[test]
fn dt24_so_are_those_that_a_proxy_got_for_whomever() {
    let mut book = Book::default();
    let hive = name("hive");
    for (number, owner) in ["alice", "bob"].into_iter().enumerate() {
        assert_eq!(book.may_issue(&name(owner), Some(&hive), &quotas(), NOW), Ok(()));
        book.write(&issued(&of(u8::try_from(number).unwrap(), owner, Some("hive"))));
    }
    assert_eq!(book.may_issue(&name("carol"), Some(&hive), &quotas(), NOW), Err(QuotaExceeded::RealUser));
    assert_eq!(book.may_issue(&name("carol"), None, &quotas(), NOW), Ok(()));
}

#[test]
fn dt24_issuing_and_cancelling_in_turns_fills_the_log_no_more_than_so_far() {
    let mut book = Book::default();
    let mut count = 0;
    while book.may_issue(&name("alice"), None, &quotas(), NOW).is_ok() {
        book.write(&issued(&token(count)));
        book.write(&cancelled(&token(count)));
        count += 1;
    }
    assert_eq!(count, 48, "16 dead ones for each that may live");
    assert_eq!(book.may_issue(&name("bob"), None, &quotas(), NOW), Ok(()));
    let total = Quotas { total: 48, ..quotas() };
    assert_eq!(book.may_issue(&name("bob"), None, &total, NOW), Err(QuotaExceeded::Total));
    assert_eq!(
        book.may_issue(&name("bob"), None, &Quotas { per_owner: 0, ..quotas() }, NOW),
        Err(QuotaExceeded::Owner)
    );
}
