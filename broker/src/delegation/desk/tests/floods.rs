//! Callers who ask for more than their share of the one log.

use lakegate_delegation::DelegationRefusal;

use super::*;
use crate::delegation::KeyLogState;

/// A token under a key that everybody knows the id of, with a MAC of nobody's.
fn forged(lake: &Lake) -> String {
    let key = DelegationKey::from_bytes(KeyId::new(1).unwrap(), [8; 32]);
    let ring = KeyRing::single("lake", key).unwrap();
    let draft = Draft {
        owner: name("alice"),
        renewer: Some(name("alice")),
        real_user: None,
        id: TokenId::generate().unwrap(),
        sequence: 1,
        store_epoch: 0,
        binding: None,
    };
    issue(draft, &Terms::default(), lake.clock.now(), &ring).unwrap().token.expose().to_owned()
}

/// How often the log is read within a while by nobody but those who follow it, and how often while something goes on.
async fn reads(lake: &Lake, something: impl Future<Output = ()>) -> u64 {
    let (before, began) = (lake.log.reads(), Instant::now());
    something.await;
    let looks = began.elapsed().as_secs() + 1;
    (lake.log.reads() - before).saturating_sub(looks)
}

#[tokio::test(start_paused = true)]
async fn dt01_ten_thousand_forged_tokens_cost_a_look_a_second() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    token(&desk).await;
    let looks = reads(&lake, async {
        let calls = (0..10_000).map(|n| {
            let (desk, forged) = (Arc::clone(&desk), forged(&lake));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(n % 5_000)).await;
                desk.genuine(&forged, &mut None).await.map(drop)
            })
        });
        for call in calls.collect::<Vec<_>>() {
            let refused = call.await.unwrap();
            assert!(matches!(refused, Err(Failure::TokenNotGenuine(DelegationRefusal::Mac))), "{refused:?}");
        }
    })
    .await;
    assert!((1..=8).contains(&looks), "{looks}");
}

#[tokio::test(start_paused = true)]
async fn a_bound_token_of_another_broker_is_known_to_whoever_is_asked_the_moment_after() {
    let lake = Lake::new();
    let (here, there) = (lake.broker().await, lake.broker().await);
    for _ in 0..5 {
        let bound = Wish { binding: Some(Binding::of_public_key(b"key")), ..wish("alice") };
        let token = there.issue(&bound).await.unwrap().token.expose().to_owned();
        here.cancel(&token, &name("alice"), &mut None).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn dt24_what_is_decided_already_costs_a_look_a_second_or_none() {
    let lake = Lake { quotas: Quotas { per_owner: 3, ..Quotas::default() }, ..Lake::new() };
    let desk = lake.broker().await;
    let (kept, over) = (token(&desk).await, token(&desk).await);
    token(&desk).await;
    let (alice, yarn) = (name("alice"), name("yarn"));
    let looks = reads(&lake, async {
        let calls = (0..1_000).map(|n| {
            let (desk, kept, yarn) = (Arc::clone(&desk), kept.clone(), yarn.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(5 * n)).await;
                match n % 2 {
                    0 => match desk.issue(&wish("alice")).await {
                        Err(Failure::TokenQuota(_) | Failure::RateLimited { .. }) => {}
                        other => panic!("{other:?}"),
                    },
                    _ => drop(renew(&desk, &kept, &yarn, &mut None).await.unwrap()),
                }
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    })
    .await;
    assert!((1..=8).contains(&looks), "beyond the quota, and renewals that gain nothing: {looks}");
    desk.cancel(&over, &alice, &mut None).await.unwrap();
    let looks = reads(&lake, async {
        for _ in 0..100 {
            desk.cancel(&over, &alice, &mut None).await.unwrap();
            assert!(matches!(renew(&desk, &over, &yarn, &mut None).await, Err(Failure::TokenOver(_))));
        }
    })
    .await;
    assert_eq!(looks, 0, "cancelled before");
    desk.issue(&wish("alice")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dt24_what_is_known_too_badly_is_looked_for() {
    let lake = Lake { quotas: Quotas { per_owner: 1, ..Quotas::default() }, ..Lake::new() };
    let (here, there) = (lake.broker().await, lake.broker().await);
    let token = token(&here).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    lake.log.set_fault(Fault::Down);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let failed = here.issue(&wish("alice")).await;
    assert!(matches!(failed, Err(Failure::DelegationState(_))), "nobody can tell: {failed:?}");
    let failed = renew(&here, &token, &name("yarn"), &mut None).await;
    assert!(matches!(failed, Err(Failure::DelegationState(_))), "{failed:?}");
    lake.log.set_fault(Fault::None);
    there.cancel(&token, &name("alice"), &mut None).await.unwrap();
    here.issue(&wish("alice")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dt18_a_cancellation_goes_before_all_who_want_tokens() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    let token = token(&desk).await;
    lake.log.set_fault(Fault::Slow(Duration::from_millis(50)));
    let crowd: Vec<_> = (0..200)
        .map(|n| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move { desk.issue(&wish(&format!("user{n}"))).await.map(drop) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    desk.cancel(&token, &name("alice"), &mut None).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(crowd.iter().filter(|call| !call.is_finished()).count() > 100, "and they stand there still");
}

#[tokio::test(start_paused = true)]
async fn dt24_one_identity_has_so_many_calls_under_way_and_no_more() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    let token = token(&desk).await;
    lake.log.set_fault(Fault::Slow(Duration::from_millis(10)));
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move { desk.issue(&wish("alice")).await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    desk.cancel(&token, &name("alice"), &mut None).await.unwrap();
    let mut limited = 0;
    for call in crowd {
        limited += u32::from(matches!(call.await.unwrap(), Err(Failure::RateLimited { .. })));
    }
    assert_eq!(limited, 36);
    desk.issue(&wish("alice")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dt24_one_identity_has_so_many_cancellations_under_way_and_no_more() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    let mut tokens = Vec::new();
    for _ in 0..70 {
        tokens.push(token(&desk).await);
    }
    lake.log.set_fault(Fault::Slow(Duration::from_millis(10)));
    let crowd: Vec<_> = tokens
        .into_iter()
        .map(|token| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move { desk.cancel(&token, &name("alice"), &mut None).await })
        })
        .collect();
    let mut limited = 0;
    for call in crowd {
        limited += u32::from(matches!(call.await.unwrap(), Err(Failure::RateLimited { .. })));
    }
    assert_eq!(limited, 6);
}

#[tokio::test(start_paused = true)]
async fn a_broker_without_keys_refuses_no_token_for_good() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    let token = token(&desk).await;
    let (alice, yarn) = (name("alice"), name("yarn"));
    let key = DelegationKey::from_bytes(KeyId::new(2).unwrap(), [7; 32]);
    let other = KeyRing::single("lake", key).unwrap();
    lake.keys.replace(lakegate_delegation::KeyBook::default().ring("lake", NOW, &rolls(), &[]).unwrap());
    for failed in
        [desk.cancel(&token, &alice, &mut None).await, renew(&desk, &token, &yarn, &mut None).await.map(drop)]
    {
        assert!(
            matches!(failed, Err(Failure::DelegationState(DelegationStateError::NoKeys))),
            "the log of keys was not read yet: {failed:?}"
        );
    }
    lake.keys.replace(other);
    let failed = desk.cancel(&token, &alice, &mut None).await;
    assert!(
        matches!(failed, Err(Failure::TokenNotGenuine(DelegationRefusal::UnknownKey))),
        "keys of files are all there are: {failed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broker_whose_keys_may_be_of_yesterday_refuses_no_unknown_one_for_good() {
    let mut lake = Lake::new();
    let issuer = lake.broker().await;
    let token = token(&issuer).await;
    let key = DelegationKey::from_bytes(KeyId::new(2).unwrap(), [7; 32]);
    let log = Arc::new(KeyLogState::new());
    lake.keys = DelegationKeys::of_log(KeyRing::single("lake", key).unwrap(), &log);
    let desk = lake.broker().await;
    let alice = name("alice");
    let failed = desk.cancel(&token, &alice, &mut None).await;
    assert!(matches!(failed, Err(Failure::TokenNotGenuine(DelegationRefusal::UnknownKey))), "{failed:?}");
    assert_eq!(refusal(&desk, &token), Some("dt_unknown_key"));
    let looked = tokio::time::timeout(Duration::from_secs(1), lake.keys.unknown().wanted()).await;
    assert!(looked.is_ok(), "somebody is asked to look for it");
    tokio::time::sleep(Duration::from_secs(11)).await;
    let failed = desk.cancel(&token, &alice, &mut None).await;
    assert!(
        matches!(failed, Err(Failure::DelegationState(DelegationStateError::KeysTooOld))),
        "another broker may know it: {failed:?}"
    );
    assert_eq!(refusal(&desk, &token), Some("unknown"));
    log.fresh();
    let failed = desk.cancel(&token, &alice, &mut None).await;
    assert!(matches!(failed, Err(Failure::TokenNotGenuine(DelegationRefusal::UnknownKey))), "{failed:?}");
}

fn rolls() -> lakegate_delegation::RollTerms {
    let hours = Duration::from_hours;
    lakegate_delegation::RollTerms::new(hours(24), hours(1), hours(168), Duration::from_secs(30)).unwrap()
}
