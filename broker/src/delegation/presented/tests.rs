//! What a connection remembers of the tokens it presented.

use std::time::Duration;

use lakegate_delegation::{DelegationKey, KeyId, Quotas, RenewalTerms, Terms};
use lakegate_domain::{ManualClock, Principal};
use lakegate_token_store::record_log::MemoryLog;
use lakegate_token_store::{LogName, SealedLog, SealingKey, SealingKeys};

use super::*;
use crate::delegation::Wish;
use crate::{Delegation, DelegationKeys, StalenessBounds};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn ring(byte: u8) -> KeyRing {
    KeyRing::single("lake", DelegationKey::from_bytes(KeyId::new(1).unwrap(), [byte; 32])).unwrap()
}

async fn presented() -> (PresentedTokens, DelegationKeys) {
    let keys = DelegationKeys::new(ring(1));
    let sealing = SealingKeys::single(SealingKey::generate().unwrap());
    let log = SealedLog::new(Arc::new(MemoryLog::new()), LogName::DelegationTokens, sealing, "lake");
    let delegation = Delegation {
        keys: keys.clone(),
        terms: RenewalTerms { terms: Terms::default(), grace: Duration::ZERO },
        skew: Duration::from_secs(30),
        log: Arc::new(log.unwrap()),
        follow_every: Duration::from_secs(1),
        staleness: StalenessBounds::default(),
        quotas: Quotas::default(),
        epoch: 0,
    };
    let desk = Arc::new(DelegationDesk::new(delegation, Arc::new(ManualClock::at(NOW))));
    desk.view().loaded().await;
    (PresentedTokens::new(desk, Arc::default()), keys)
}

async fn token(presented: &PresentedTokens) -> String {
    let owner = Principal::parse("alice").unwrap();
    let wish = Wish { owner, renewer: None, real_user: None, binding: None };
    presented.desk.issue(&wish).await.unwrap().token.expose().to_owned()
}

fn refusal(presented: &PresentedTokens, token: &str, now: Timestamp) -> Option<DelegationRefusal> {
    match presented.verified(token, now) {
        Err(NotBelieved::Refused { refusal, .. }) => Some(refusal),
        Err(NotBelieved::Unknown(state)) => panic!("{state}"),
        Ok(_) => None,
    }
}

#[tokio::test]
async fn a_token_presented_again_is_not_verified_again() {
    let (presented, _) = presented().await;
    let token = token(&presented).await;
    assert!(!presented.were_believed());
    let first = presented.verified(&token, NOW).unwrap();
    let second = presented.verified(&token, NOW).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert!(presented.were_believed());
}

#[tokio::test]
async fn dt08_a_remembered_token_ends_when_its_date_comes() {
    let (presented, _) = presented().await;
    let token = token(&presented).await;
    let end = NOW.plus(Duration::from_hours(24));
    presented.verified(&token, NOW).unwrap();
    assert_eq!(refusal(&presented, &token, end.minus(Duration::from_millis(1))), None);
    let NotBelieved::Refused { refusal, identifier } = presented.verified(&token, end).unwrap_err() else {
        panic!("nobody can tell");
    };
    assert_eq!(refusal, DelegationRefusal::NotRenewed);
    assert_eq!(identifier.unwrap().owner.as_str(), "alice", "whose it was is known");
}

#[tokio::test]
async fn dt05_a_remembered_token_ends_with_its_key() {
    let (presented, keys) = presented().await;
    let token = token(&presented).await;
    presented.verified(&token, NOW).unwrap();
    keys.replace(ring(2));
    assert_eq!(refusal(&presented, &token, NOW), Some(DelegationRefusal::Mac));
    keys.replace(ring(1));
    assert_eq!(refusal(&presented, &token, NOW), None);
}

#[tokio::test]
async fn one_token_is_never_answered_with_another() {
    let (presented, _) = presented().await;
    let (first, second) = (token(&presented).await, token(&presented).await);
    let id = |token: &str| presented.verified(token, NOW).unwrap().identifier().id;
    assert_ne!(id(&first), id(&second));
    assert_eq!(id(&first), id(&first));
    let mut flipped = first.clone();
    flipped.replace_range(2..3, if first.get(2..3) == Some("A") { "B" } else { "A" });
    assert!(refusal(&presented, &flipped, NOW).is_some());
    assert_eq!(refusal(&presented, &first, NOW), None);
}

#[tokio::test]
async fn dt03_a_text_longer_than_any_token_is_not_even_hashed() {
    let (presented, _) = presented().await;
    let long = "A".repeat(1_000_000);
    assert_eq!(refusal(&presented, &long, NOW), Some(DelegationRefusal::Form(Malformed::TooLong)));
}

#[tokio::test]
async fn dt18_a_remembered_token_ends_when_it_is_cancelled_before_the_log_has_it() {
    let (presented, _) = presented().await;
    let token = token(&presented).await;
    let first = presented.verified(&token, NOW).unwrap();
    presented.desk.view().bury(lakegate_delegation::Tombstone::from(first.identifier()));
    assert_eq!(refusal(&presented, &token, NOW), Some(DelegationRefusal::Cancelled));
    let alice = Principal::parse("alice").unwrap();
    presented.desk.cancel(&token, &alice, &mut None).await.unwrap();
    assert!(presented.desk.view().unwritten().is_empty(), "now the log has it");
    assert_eq!(refusal(&presented, &token, NOW), Some(DelegationRefusal::Cancelled));
}
