//! What a fresh token says.

use super::*;
use crate::{DelegationKey, KeyId, describe};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_123);

fn ring() -> KeyRing {
    KeyRing::single("lake", DelegationKey::from_bytes(KeyId::new(3).unwrap(), [9; 32])).unwrap()
}

fn draft() -> Draft {
    Draft {
        owner: Principal::parse("alice").unwrap(),
        renewer: Some(Principal::parse("yarn").unwrap()),
        real_user: None,
        id: TokenId::from_bytes([1; 16]),
        sequence: 7,
        store_epoch: 2,
        binding: None,
    }
}

#[test]
fn a_token_lives_a_day_and_may_be_renewed_for_seven() {
    let issued = issue(draft(), &Terms::default(), NOW, &ring()).unwrap();
    let identifier = &issued.identifier;
    assert_eq!(identifier.issued, NOW);
    assert_eq!(identifier.first_renew_date, NOW.plus(Duration::from_hours(24)));
    assert_eq!(identifier.max_date, NOW.plus(Duration::from_hours(168)));
    let described = describe(issued.token.expose()).unwrap();
    assert_eq!(&described.identifier, identifier);
    assert_eq!(described.service, "");
    assert!(issued.token.expose().len() < 400, "a header has room for it");
}

#[test]
fn dt10_terms_of_nothing_or_beyond_the_calendar_are_refused() {
    let terms = |interval, life| Terms::new(interval, life).err();
    let (second, day) = (Duration::from_secs(1), Duration::from_hours(24));
    assert_eq!(terms(second, day), None);
    assert_eq!(terms(day, day), None);
    assert_eq!(terms(Duration::ZERO, day), Some(IssueError::Terms));
    assert_eq!(terms(Duration::from_micros(999), day), Some(IssueError::Terms), "rounds to nothing");
    assert_eq!(terms(day, second), Some(IssueError::Terms));
    assert_eq!(terms(second, Duration::MAX), Some(IssueError::Terms));
}

#[test]
fn dt10_a_date_that_would_wrap_around_is_an_error() {
    let terms = Terms::default();
    let made = |now| issue(draft(), &terms, Timestamp::from_millis(now), &ring()).err();
    assert_eq!(made(i64::MAX), Some(IssueError::Clock));
    assert_eq!(made(i64::MAX - 7 * 86_400_000 + 1), Some(IssueError::Clock));
    assert_eq!(made(i64::MAX - 7 * 86_400_000), None);
    assert_eq!(made(-1), Some(IssueError::Clock));
}

#[test]
fn dt10_a_renewal_in_the_last_second_ends_at_the_max_date() {
    let terms = Terms::default();
    let max = NOW.plus(Duration::from_hours(168));
    let at = |before: u64| terms.renew_date(max.minus(Duration::from_millis(before)), max).unwrap();
    assert_eq!(at(1_000), max);
    assert_eq!(at(1), max);
    assert_eq!(at(86_400_000), max);
    assert_eq!(at(86_400_001), max.minus(Duration::from_millis(1)));
    assert!(terms.renew_date(Timestamp::from_millis(i64::MAX), max).is_err());
}

#[test]
fn a_number_that_the_wire_cannot_hold_is_refused() {
    let beyond = Draft { sequence: 1 << 31, ..draft() };
    assert_eq!(issue(beyond, &Terms::default(), NOW, &ring()).err(), Some(IssueError::Number));
    let beyond = Draft { store_epoch: 1 << 31, ..draft() };
    assert_eq!(issue(beyond, &Terms::default(), NOW, &ring()).err(), Some(IssueError::Number));
}

#[test]
fn lg01_a_fresh_token_prints_without_itself() {
    let issued = issue(draft(), &Terms::default(), NOW, &ring()).unwrap();
    assert!(!format!("{issued:?}").contains(issued.token.expose()));
}
