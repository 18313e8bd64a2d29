//! Keys over time: who signs, who is believed, and what the log may say.

use super::*;
use crate::{DelegationRefusal, Draft, Issued, Moment, Terms, TokenId, Untouched, issue, verify};

const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const SKEW: Duration = Duration::from_secs(30);

fn terms() -> RollTerms {
    RollTerms::new(DAY, HOUR, 7 * DAY, SKEW).unwrap()
}

fn earlier(instant: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(instant.as_millis() - i64::try_from(by.as_millis()).unwrap())
}

/// A book that was rolled whenever it was due, looked at every so often, over so many days from noon.
fn rolled(days: u32) -> KeyBook {
    let mut book = KeyBook::default();
    for quarter in 0..=days * 96 {
        let now = NOON.plus(HOUR / 4 * quarter);
        if let Some(key) = book.next(now, &terms()).unwrap() {
            book.apply(&key.to_record()).unwrap();
        }
    }
    book
}

fn lives(book: &KeyBook, now: Timestamp) -> Vec<KeyLife> {
    book.lives(now, &terms()).into_iter().map(|(_, life)| life).collect()
}

fn token(ring: &KeyRing, now: Timestamp) -> Issued {
    let owner = lakegate_domain::Principal::parse("alice").unwrap();
    let draft = Draft {
        owner,
        renewer: None,
        real_user: None,
        id: TokenId::generate().unwrap(),
        sequence: 1,
        store_epoch: 0,
        binding: None,
    };
    let terms = Terms::new(7 * DAY, 7 * DAY).unwrap();
    issue(draft, &terms, now, ring).unwrap()
}

#[test]
fn the_first_key_signs_at_once_and_later_ones_after_they_were_distributed() {
    let mut book = KeyBook::default();
    let first = book.next(NOON, &terms()).unwrap().unwrap();
    assert_eq!(first.use_from(), NOON);
    book.apply(&first.to_record()).unwrap();
    assert_eq!(lives(&book, NOON), [KeyLife::Current]);
    let due = earlier(NOON.plus(DAY), HOUR);
    assert!(book.next(earlier(due, SECOND), &terms()).unwrap().is_none());
    let second = book.next(due, &terms()).unwrap().unwrap();
    assert_eq!((second.use_from(), second.id().as_u32()), (NOON.plus(DAY), first.id().as_u32() + 1));
    // However late the roll comes, the next key is distributed for as long.
    let late = NOON.plus(30 * DAY);
    assert_eq!(book.next(late, &terms()).unwrap().unwrap().use_from(), late.plus(HOUR));
}

#[test]
fn dt05_a_key_is_believed_from_its_use_to_the_end_of_what_it_signed_and_at_no_other_time() {
    let mut book = KeyBook::default();
    for at in [NOON, earlier(NOON.plus(DAY), HOUR)] {
        let key = book.next(at, &terms()).unwrap().unwrap();
        book.apply(&key.to_record()).unwrap();
    }
    let change = NOON.plus(DAY);
    let over = change.plus(7 * DAY + HOUR);
    for (now, expected) in [
        (earlier(change, HOUR), [KeyLife::Current, KeyLife::Prepared]),
        (earlier(change, SKEW + SECOND), [KeyLife::Current, KeyLife::Prepared]),
        // A broker whose clock is ahead signs with it already.
        (earlier(change, SKEW), [KeyLife::Current, KeyLife::Verifying]),
        (earlier(change, Duration::from_millis(1)), [KeyLife::Current, KeyLife::Verifying]),
        (change, [KeyLife::Verifying, KeyLife::Current]),
        (earlier(over, Duration::from_millis(1)), [KeyLife::Verifying, KeyLife::Current]),
        (over, [KeyLife::Retired, KeyLife::Current]),
    ] {
        assert_eq!(lives(&book, now), expected, "{now}");
    }
}

#[test]
fn dt05_tokens_of_a_prepared_or_retired_key_are_refused_and_all_others_believed() {
    let book = rolled(12);
    let ring = |now| book.ring("lake", now, &terms(), &[]).unwrap();
    for issued_at in (0..12 * 24).map(|hour| NOON.plus(HOUR * hour)) {
        let issued = token(&ring(issued_at), issued_at);
        let check = |now: Timestamp| {
            let moment = Moment { now, skew: SKEW, views: &Untouched };
            verify(issued.token.expose(), &ring(now), &[], &moment).map(drop)
        };
        for life in (0..7 * 24).step_by(5).map(|hour| HOUR * hour) {
            assert_eq!(check(issued_at.plus(life)), Ok(()), "{issued_at} {life:?}");
        }
        assert_eq!(check(issued_at.plus(9 * DAY)), Err(DelegationRefusal::UnknownKey));
    }
    // What a thief signs with a key that is only prepared.
    let before = earlier(NOON.plus(DAY), HOUR / 2);
    let thief = book.ring("lake", NOON.plus(DAY), &terms(), &[]).unwrap();
    let forged = token(&thief, before);
    let moment = Moment { now: before, skew: SKEW, views: &Untouched };
    assert_eq!(
        verify(forged.token.expose(), &ring(before), &[], &moment).map(drop),
        Err(DelegationRefusal::UnknownKey)
    );
}

#[test]
fn a_daily_roll_keeps_as_many_keys_as_tokens_have_days_and_forgets_the_rest() {
    let book = rolled(40);
    let now = NOON.plus(40 * DAY);
    let snapshot = book.to_snapshot(now, &terms());
    let kept = KeyBook::from_snapshot(&snapshot).unwrap();
    assert!(book.len() >= 40);
    assert!((8..=10).contains(&kept.len()), "{}", kept.len());
    let alive = |book: &KeyBook| {
        let lives = book.lives(now, &terms()).into_iter();
        lives.filter(|(_, life)| *life != KeyLife::Retired).collect::<Vec<_>>()
    };
    assert_eq!(alive(&book), alive(&kept));
    let last = |book: &KeyBook| book.next(now.plus(DAY), &terms()).unwrap().unwrap().id();
    assert_eq!(last(&book), last(&kept), "ids go on");
}

#[test]
fn a_clock_behind_the_one_that_made_the_first_key_has_a_key_to_sign_with() {
    let book = rolled(0);
    assert_eq!(lives(&book, earlier(NOON, SKEW)), [KeyLife::Current]);
}

#[test]
fn dt23_two_keys_made_for_the_same_place_are_two_keys_and_the_log_takes_one() {
    let mut book = rolled(0);
    let due = NOON.plus(DAY);
    let [a, b] = [(); 2].map(|()| book.next(due, &terms()).unwrap().unwrap());
    assert_eq!(a.id(), b.id());
    assert_ne!(*a.to_record(), *b.to_record());
    book.apply(&a.to_record()).unwrap();
    assert_eq!(book.apply(&b.to_record()), Err(Malformed::Dates));
    assert_eq!(book.len(), 2);
}

#[test]
fn a_key_that_leaked_is_over_at_once_with_all_before_it_and_its_successor_signs_at_once() {
    let mut book = rolled(3);
    let now = NOON.plus(3 * DAY);
    let leaked = book.keys.last().unwrap().id().as_u32();
    let token = token(&book.ring("lake", now, &terms(), &[]).unwrap(), now);
    let without = terms().without_below(leaked + 1);
    assert!(book.ring("lake", now, &without, &[]).unwrap().is_waiting());
    let key = book.next(now, &without).unwrap().unwrap();
    assert_eq!((key.id().as_u32(), key.use_from()), (leaked + 1, now));
    book.apply(&key.to_record()).unwrap();
    assert!(book.next(now, &without).unwrap().is_none(), "one is enough");
    let ring = book.ring("lake", now, &without, &[]).unwrap();
    assert_eq!(ring.current(), Some(key.id()));
    let moment = Moment { now, skew: SKEW, views: &Untouched };
    assert_eq!(
        verify(token.token.expose(), &ring, &[], &moment).map(drop),
        Err(DelegationRefusal::UnknownKey)
    );
    let kept = KeyBook::from_snapshot(&book.to_snapshot(now, &without)).unwrap();
    assert_eq!(kept.len(), 1, "what is over leaves");
}

#[test]
fn keys_from_elsewhere_verify_and_never_sign() {
    let book = rolled(0);
    let old = |id: u32| DelegationKey::from_bytes(KeyId::new(id).unwrap(), [9; 32]);
    let foreign = KeyRing::single("lake", old(1 << 30)).unwrap();
    let issued = token(&foreign, NOON);
    let ring = book.ring("lake", NOON, &terms(), &[old(1 << 30)]).unwrap();
    let moment = Moment { now: NOON, skew: SKEW, views: &Untouched };
    assert!(verify(issued.token.expose(), &ring, &[], &moment).is_ok());
    assert_eq!(ring.current(), book.keys.first().map(BookedKey::id));
    let own = book.keys.first().unwrap().id().as_u32();
    assert_eq!(book.ring("lake", NOON, &terms(), &[old(own)]).err(), Some(KeyError::DuplicateId));
}

#[test]
fn a_ring_that_waits_for_its_keys_signs_nothing_and_believes_nothing() {
    let ring = KeyBook::default().ring("lake", NOON, &terms(), &[]).unwrap();
    assert!(ring.is_waiting() && ring.current().is_none() && ring.lives().next().is_none());
    let issued = token(&rolled(0).ring("lake", NOON, &terms(), &[]).unwrap(), NOON);
    let moment = Moment { now: NOON, skew: SKEW, views: &Untouched };
    assert_eq!(
        verify(issued.token.expose(), &ring, &[], &moment).map(drop),
        Err(DelegationRefusal::UnknownKey)
    );
}

#[test]
fn records_and_snapshots_have_one_encoding_and_anything_else_is_refused() {
    let book = rolled(3);
    let snapshot = book.to_snapshot(NOON.plus(3 * DAY), &terms());
    assert_eq!(*KeyBook::from_snapshot(&snapshot).unwrap().to_snapshot(NOON, &terms()), *snapshot);
    let record = book.keys.first().unwrap().to_record();
    assert_eq!(record.len(), 53);
    for length in 0..record.len() {
        assert!(KeyBook::default().apply(&record[..length]).is_err(), "{length}");
    }
    for length in (0..snapshot.len()).filter(|length| length % 52 != 1) {
        assert!(KeyBook::from_snapshot(&snapshot[..length]).is_err(), "{length}");
    }
    let changed = |at: usize, to: u8| {
        let mut bytes = record.to_vec();
        bytes[at] = to;
        KeyBook::default().apply(&bytes)
    };
    assert_eq!(changed(0, 2), Err(Malformed::Version));
    assert_eq!(changed(1, 0xff), Err(Malformed::Range));
    assert_eq!(changed(13, 0xff), Err(Malformed::Dates), "used before it was made");
    assert_eq!(KeyBook::default().apply(&[&record[..], &[0]].concat()), Err(Malformed::Trailing));
    let mut twice = snapshot.to_vec();
    twice.extend_from_slice(&snapshot[1..]);
    assert_eq!(KeyBook::from_snapshot(&twice).map(drop), Err(Malformed::Dates));
}

#[test]
fn terms_that_would_use_a_key_before_everybody_has_it_are_refused() {
    for (every, distribution, skew) in [(DAY, DAY, SKEW), (HOUR, DAY, SKEW), (DAY, SKEW, SKEW)] {
        assert_eq!(RollTerms::new(every, distribution, 7 * DAY, skew), Err(KeyError::Roll));
    }
}

#[test]
fn lg01_a_book_prints_without_its_secrets() {
    let book = rolled(0);
    let secret = format!("{:?}", book.keys.first().unwrap().secret.as_slice());
    assert!(!format!("{book:?} {book:#?}").contains(secret.trim_matches(['[', ']'])));
}
