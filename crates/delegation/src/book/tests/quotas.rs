//! DT24: nobody fills the log.

use super::*;
use crate::QuotaExceeded;
use crate::book::changes::OWNERS_PART;

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
    assert_eq!(count, 12, "an eighth of what is remembered of all");
    assert_eq!(book.may_issue(&name("bob"), None, &quotas(), NOW), Ok(()));
    let plenty = Quotas { total: 100_000, ..quotas() };
    while book.may_issue(&name("alice"), None, &plenty, NOW).is_ok() {
        book.write(&issued(&token(count)));
        book.write(&cancelled(&token(count)));
        count += 1;
    }
    assert_eq!(count, 48, "16 dead ones for each that may live");
    let total = Quotas { total: 48, ..quotas() };
    assert_eq!(book.may_issue(&name("bob"), None, &total, NOW), Err(QuotaExceeded::Total));
    assert_eq!(
        book.may_issue(&name("bob"), None, &Quotas { per_owner: 0, ..quotas() }, NOW),
        Err(QuotaExceeded::Owner)
    );
}

#[test]
fn dt24_one_proxy_and_its_many_users_leave_room_for_everybody_else() {
    let mut book = Book::default();
    let (hive, quotas) = (name("hive"), Quotas { per_owner: 10, per_real_user: 20, total: 100 });
    let mut count = 0;
    for owner in ["a", "b", "c", "d", "e", "f", "g"] {
        while book.may_issue(&name(owner), Some(&hive), &quotas, NOW).is_ok() {
            book.write(&issued(&of(count, owner, Some("hive"))));
            book.write(&cancelled(&of(count, owner, Some("hive"))));
            count += 1;
        }
    }
    assert_eq!(count, 25, "a quarter of what is remembered of all");
    assert_eq!(book.may_issue(&name("g"), None, &quotas, NOW), Ok(()), "its users have room by themselves");
    assert_eq!(book.may_issue(&name("bob"), Some(&name("oozie")), &quotas, NOW), Ok(()));
    book.prune(NOW.plus(DAY).plus(REMEMBERED));
    assert_eq!(book.may_issue(&name("a"), Some(&hive), &quotas, NOW), Ok(()), "a day later so has it");
    let roomy = Quotas { per_owner: 10, per_real_user: 40, total: 100 };
    let may = |book: &Book| book.may_issue(&name("z"), Some(&hive), &roomy, NOW);
    for number in 0..40 {
        assert_eq!(may(&book), Ok(()), "whom a quota lets have more that live has room for them");
        book.write(&issued(&of(number, &format!("u{number}"), Some("hive"))));
    }
    assert_eq!(may(&book), Err(QuotaExceeded::RealUser));
}

#[test]
fn dt24_long_names_do_not_fill_the_snapshot_for_everybody() {
    let mut book = Book::default();
    let (long, quotas) = ("x".repeat(256), Quotas { per_owner: 100_000, ..Quotas::default() });
    let mut count = 0_u32;
    while book.may_issue(&name(&long), None, &quotas, NOW).is_ok() {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&count.to_be_bytes());
        let id = TokenId::from_bytes(bytes);
        book.write(&issued(&Identifier { id, ..of(0, &long, None) }));
        count += 1;
    }
    assert!(book.bytes < MOST_BYTES / OWNERS_PART + 1_000, "{}", book.bytes);
    assert_eq!(book.may_issue(&name("bob"), None, &quotas, NOW), Ok(()));
}
