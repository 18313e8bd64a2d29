//! Single flight, discarding, quarantine and budget, around a fake and around the emulator.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lakegate_cloud_emulator::{Endpoint, Expiry, Fault};
use lakegate_domain::{Clock, ManualClock, Timestamp};
use lakegate_sts::conformance::Scopes;
use lakegate_sts::{
    BadReply, Budget, Budgeted, Discarding, FakeMinter, MintError, Minter, Quarantine, SingleFlight, guard,
};
use tokio::time::advance;

use crate::cloud::{Cloud, bearer};

struct Fixture {
    fake: Arc<FakeMinter>,
    scopes: Scopes,
}

fn fixture() -> Fixture {
    let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-03-01T12:00:00Z").unwrap()));
    let scopes = Scopes::decided_at(clock.now());
    Fixture { fake: Arc::new(FakeMinter::new(clock)), scopes }
}

fn budget(calls_per_minute: u32) -> Arc<Budget> {
    let share = Budget::share(calls_per_minute, 100, NonZeroU32::MIN).unwrap();
    Arc::new(Budget::new(share, Duration::ZERO))
}

const REFUSED: MintError = MintError::BoundaryRefused { status: 400 };

#[tokio::test]
async fn st13_a_thousand_waiters_for_one_scope_make_one_call() {
    let Fixture { fake, scopes } = fixture();
    let flight = Arc::new(SingleFlight::new(Arc::clone(&fake) as Arc<dyn Minter>));
    fake.hold();
    let waiters: Vec<_> = (0..1000)
        .map(|_| {
            let (flight, scope) = (Arc::clone(&flight), scopes.plain.clone());
            tokio::spawn(async move { flight.mint(&scope, 1).await })
        })
        .collect();
    let other = {
        let (flight, scope) = (Arc::clone(&flight), scopes.other.clone());
        tokio::spawn(async move { flight.mint(&scope, 1).await })
    };
    while fake.calls() < 2 {
        tokio::task::yield_now().await;
    }
    // The leader leaves; nobody notices.
    waiters[0].abort();
    fake.release();
    let mut texts = std::collections::BTreeSet::new();
    for waiter in waiters.into_iter().skip(1) {
        texts.insert(bearer(&waiter.await.unwrap().unwrap()).to_owned());
    }
    assert_eq!(texts.len(), 1);
    assert!(!texts.contains(bearer(&other.await.unwrap().unwrap())), "another scope has a flight of its own");
    assert_eq!(fake.calls(), 2);
    flight.mint(&scopes.plain, 1).await.unwrap();
    assert_eq!(fake.calls(), 3, "a flight is over when it landed");
}

#[tokio::test(start_paused = true)]
async fn st02_a_refused_scope_rests_ever_longer_and_others_do_not() {
    let Fixture { fake, scopes } = fixture();
    let quarantine = Quarantine::new(Arc::clone(&fake) as Arc<dyn Minter>);
    for (refusals, rest) in [5, 10, 20, 40, 80, 160, 320, 600, 600].into_iter().enumerate() {
        fake.fail_next(REFUSED);
        assert_eq!(quarantine.mint(&scopes.plain, 1).await.err(), Some(REFUSED));
        let rest = Duration::from_secs(rest);
        let resting = Some(MintError::Quarantined { retry_after: rest });
        assert_eq!(quarantine.mint(&scopes.plain, 1).await.err(), resting, "{refusals}");
        quarantine.mint(&scopes.other, 1).await.unwrap();
        advance(rest).await;
    }
    assert_eq!(fake.calls(), 18, "a resting scope costs nothing");
    assert_eq!(quarantine.len(), 1);
    quarantine.mint(&scopes.plain, 1).await.unwrap();
    assert!(quarantine.is_empty(), "a token ends it");
}

#[tokio::test(start_paused = true)]
async fn an_outage_puts_nobody_into_quarantine() {
    let Fixture { fake, scopes } = fixture();
    let quarantine = Quarantine::new(Arc::clone(&fake) as Arc<dyn Minter>);
    for outage in [
        MintError::Unavailable { retry_after: Duration::from_secs(1) },
        MintError::Throttled { retry_after: Duration::from_secs(1) },
        MintError::SourceRefused,
        MintError::BadReply(BadReply::Malformed),
    ] {
        fake.fail_next(outage.clone());
        assert_eq!(quarantine.mint(&scopes.plain, 1).await.err(), Some(outage));
        quarantine.mint(&scopes.plain, 1).await.unwrap();
    }
}

#[tokio::test]
async fn st06_a_dying_token_is_asked_for_three_times_and_each_is_paid() {
    let Fixture { fake, scopes } = fixture();
    let short = MintError::BadReply(BadReply::ShortLived);
    // 97 % of 5 calls is 4.
    let paid = Arc::new(Budgeted::new(Arc::clone(&fake) as Arc<dyn Minter>, budget(500)));
    let minter = Discarding::new(paid);
    fake.fail_next(short.clone());
    fake.fail_next(short.clone());
    minter.mint(&scopes.plain, 1).await.unwrap();
    assert_eq!(fake.calls(), 3);
    (0..3).for_each(|_| fake.fail_next(short.clone()));
    assert_eq!(minter.mint(&scopes.plain, 1).await.err(), Some(short));
    assert_eq!(fake.calls(), 6);
    fake.fail_next(MintError::SourceRefused);
    assert_eq!(minter.mint(&scopes.plain, 1).await.err(), Some(MintError::SourceRefused));
    assert_eq!(fake.calls(), 7, "nothing else is tried again");
}

#[tokio::test(start_paused = true)]
async fn st01_after_a_429_nothing_goes_out_until_the_sts_wants_it() {
    let Fixture { fake, scopes } = fixture();
    let minter = Budgeted::new(Arc::clone(&fake) as Arc<dyn Minter>, budget(6000));
    let throttled = |seconds| MintError::Throttled { retry_after: Duration::from_secs(seconds) };
    fake.fail_next(throttled(30));
    assert_eq!(minter.mint(&scopes.plain, 1).await.err(), Some(throttled(30)));
    advance(Duration::from_secs(10)).await;
    assert_eq!(minter.mint(&scopes.other, 1).await.err(), Some(throttled(20)));
    assert_eq!(fake.calls(), 1);
    advance(Duration::from_secs(20)).await;
    minter.mint(&scopes.plain, 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_answers_at_once_and_an_inexpressible_scope_costs_nothing() {
    let Fixture { fake, scopes } = fixture();
    let minter = Budgeted::new(Arc::clone(&fake) as Arc<dyn Minter>, budget(2));
    assert!(minter.mint(&scopes.inexpressible, 1).await.is_err());
    minter.mint(&scopes.plain, 1).await.unwrap();
    let error = minter.mint(&scopes.plain, 1).await.unwrap_err();
    assert!(matches!(error, MintError::BudgetSpent { .. }), "{error:?}");
    advance(error.retry_after().unwrap()).await;
    minter.mint(&scopes.plain, 1).await.unwrap();
    assert_eq!(fake.calls(), 2);
}

#[tokio::test]
async fn the_guard_discards_pays_and_quarantines_around_a_real_exchange() {
    let cloud = Cloud::start().await;
    let minter = guard(cloud.minter(), budget(6000));
    let scopes = cloud.scopes();
    let dying = Fault::Expiry(Expiry::Seconds(5));
    cloud.emulator.faults().next_calls(Endpoint::Sts, &dying, 2);
    minter.mint(&scopes.plain, 1).await.unwrap();
    assert_eq!(cloud.calls().sts, 3);
    cloud.emulator.faults().until_cleared(Endpoint::Sts, Fault::Status { code: 403, retry_after: None });
    assert_eq!(minter.mint(&scopes.other, 1).await.err(), Some(MintError::BoundaryRefused { status: 403 }));
    for _ in 0..20 {
        let error = minter.mint(&scopes.other, 1).await.unwrap_err();
        assert!(matches!(error, MintError::Quarantined { .. }), "{error:?}");
    }
    assert_eq!(cloud.calls().sts, 4);
}
