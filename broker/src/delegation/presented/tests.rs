//! What a connection remembers of the tokens it presented.

use std::time::Duration;

use lakegate_delegation::{DelegationKey, KeyId, Terms, Untouched};
use lakegate_domain::Principal;

use super::*;
use crate::{Delegation, DelegationKeys};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn ring(byte: u8) -> KeyRing {
    KeyRing::single("lake", DelegationKey::from_bytes(KeyId::new(1).unwrap(), [byte; 32])).unwrap()
}

fn presented() -> (PresentedTokens, DelegationKeys) {
    let keys = DelegationKeys::new(ring(1));
    let delegation = Delegation {
        keys: keys.clone(),
        terms: Terms::default(),
        skew: Duration::from_secs(30),
        views: Arc::new(Untouched),
    };
    (PresentedTokens::new(Arc::new(DelegationDesk::new(delegation))), keys)
}

fn token(presented: &PresentedTokens) -> String {
    let owner = Principal::parse("alice").unwrap();
    presented.desk.issue(owner, None, NOW).unwrap().token.expose().to_owned()
}

fn refusal(presented: &PresentedTokens, token: &str, now: Timestamp) -> Option<DelegationRefusal> {
    presented.verify(token, now).err().map(|not_believed| not_believed.refusal)
}

#[test]
fn a_token_presented_again_is_not_verified_again() {
    let (presented, _) = presented();
    let token = token(&presented);
    assert!(!presented.were_believed());
    let first = presented.verify(&token, NOW).unwrap();
    let second = presented.verify(&token, NOW).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert!(presented.were_believed());
}

#[test]
fn dt08_a_remembered_token_ends_when_its_date_comes() {
    let (presented, _) = presented();
    let token = token(&presented);
    let end = NOW.plus(Duration::from_hours(24));
    presented.verify(&token, NOW).unwrap();
    assert_eq!(refusal(&presented, &token, end.minus(Duration::from_millis(1))), None);
    let late = presented.verify(&token, end).unwrap_err();
    assert_eq!(late.refusal, DelegationRefusal::NotRenewed);
    assert_eq!(late.identifier.unwrap().owner.as_str(), "alice", "whose it was is known");
}

#[test]
fn dt05_a_remembered_token_ends_with_its_key() {
    let (presented, keys) = presented();
    let token = token(&presented);
    presented.verify(&token, NOW).unwrap();
    keys.replace(ring(2));
    assert_eq!(refusal(&presented, &token, NOW), Some(DelegationRefusal::Mac));
    keys.replace(ring(1));
    assert_eq!(refusal(&presented, &token, NOW), None);
}

#[test]
fn one_token_is_never_answered_with_another() {
    let (presented, _) = presented();
    let (first, second) = (token(&presented), token(&presented));
    let id = |token: &str| presented.verify(token, NOW).unwrap().identifier().id;
    assert_ne!(id(&first), id(&second));
    assert_eq!(id(&first), id(&first));
    let mut flipped = first.clone();
    flipped.replace_range(2..3, if first.get(2..3) == Some("A") { "B" } else { "A" });
    assert!(refusal(&presented, &flipped, NOW).is_some());
    assert_eq!(refusal(&presented, &first, NOW), None);
}

#[test]
fn dt03_a_text_longer_than_any_token_is_not_even_hashed() {
    let (presented, _) = presented();
    let long = "A".repeat(1_000_000);
    assert_eq!(refusal(&presented, &long, NOW), Some(DelegationRefusal::Form(Malformed::TooLong)));
}
