//! Fresh tokens tried out on a canary: what leaves, what stops, what begins again (ST07).

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_domain::ObjectPath;
use lakegate_sts::probe::{Canary, Confinement, ProbeWatch};
use lakegate_sts::{Budget, MintError, Minter, conformance, guard_and_probe};

use crate::cloud::Cloud;

fn probed(cloud: &Cloud, every: Duration) -> Arc<dyn Minter> {
    cloud.put(&["canary"]);
    let object = ObjectPath::parse("gs://lake/canary").unwrap();
    let canary = Canary::new(cloud.http.clone(), &cloud.url("/"), object).unwrap();
    let share = Budget::share(6_000, 100, NonZeroU32::MIN).unwrap();
    guard_and_probe(cloud.minter(), Arc::new(Budget::new(share, Duration::ZERO)), canary, every)
}

fn standing(minter: &Arc<dyn Minter>) -> Confinement {
    minter.gate().unwrap().confinement()
}

/// Waits until a probe is due; a second at most.
async fn due(minter: &Arc<dyn Minter>) {
    for _ in 0..100 {
        if minter.gate().unwrap().due_in().is_zero() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no probe came due");
}

#[tokio::test]
async fn a_probed_minter_passes_the_suite_of_all_minters() {
    let cloud = Cloud::start().await;
    let minter = probed(&cloud, Duration::from_mins(5));
    conformance::run(Arc::clone(&minter), cloud.clock()).await;
    assert_eq!(standing(&minter), Confinement::Confined);
    assert_eq!(cloud.calls().storage_read, 1, "the first token was probed and no other");
}

#[tokio::test]
async fn st07_the_first_token_that_opens_too_much_does_not_leave_and_costs_one_call() {
    let cloud = Cloud::start().await;
    let minter = probed(&cloud, Duration::from_mins(5));
    cloud.emulator.faults().until_cleared(Endpoint::Sts, Fault::BoundaryIgnored);
    let scopes = cloud.scopes();
    for scope in [&scopes.plain, &scopes.other, &scopes.plain] {
        let error = minter.mint(scope, 1).await.unwrap_err();
        assert!(matches!(error, MintError::Escaped { .. }), "{error:?}");
        assert!(error.retry_after().unwrap() <= Duration::from_secs(33), "{error:?}");
    }
    assert_eq!(standing(&minter), Confinement::Escaped);
    assert_eq!(
        (cloud.calls().sts, cloud.calls().storage_read),
        (1, 1),
        "until the next probe nothing is asked"
    );
}

#[tokio::test]
async fn st07_a_later_probe_finds_an_escape_and_a_later_one_that_it_is_over() {
    let cloud = Cloud::start().await;
    let minter = probed(&cloud, Duration::from_millis(50));
    let scopes = cloud.scopes();
    let good = minter.mint(&scopes.plain, 1).await.unwrap();
    cloud.clock.advance(Duration::from_secs(10));
    cloud.emulator.faults().until_cleared(Endpoint::Sts, Fault::BoundaryIgnored);
    due(&minter).await;
    assert!(matches!(minter.mint(&scopes.plain, 1).await, Err(MintError::Escaped { .. })));
    assert!(!minter.gate().unwrap().trusts(good.minted_at), "while it is closed nothing is trusted");
    cloud.clock.advance(Duration::from_secs(10));
    let meanwhile = cloud.clock().now();
    cloud.clock.advance(Duration::from_secs(10));
    cloud.emulator.faults().clear(Endpoint::Sts);
    due(&minter).await;
    let token = minter.mint(&scopes.plain, 1).await.unwrap();
    let gate = minter.gate().unwrap();
    assert_eq!(gate.confinement(), Confinement::Confined);
    assert!(gate.trusts(token.minted_at));
    assert!(!gate.trusts(meanwhile), "what was minted while nobody knew stays suspect");
}

#[tokio::test]
async fn a_canary_that_is_away_is_no_escape_and_no_proof() {
    let cloud = Cloud::start().await;
    let minter = probed(&cloud, Duration::from_mins(5));
    cloud.emulator.faults().until_cleared(Endpoint::Storage, Fault::Status { code: 503, retry_after: None });
    minter.mint(&cloud.scopes().plain, 1).await.unwrap();
    assert_eq!(standing(&minter), Confinement::Unclear);
}

#[tokio::test]
async fn st07_probes_are_made_even_when_nobody_mints() {
    let cloud = Cloud::start().await;
    let minter = probed(&cloud, Duration::from_millis(50));
    let scope = cloud.scopes().plain;
    let watch = ProbeWatch::start(Arc::clone(&minter), Arc::new(move || Some((scope.clone(), 1)))).unwrap();
    let mut known = minter.gate().unwrap().subscribe();
    let mut is = async |wanted| {
        let found = known.wait_for(|known| *known == wanted);
        assert!(tokio::time::timeout(Duration::from_secs(10), found).await.is_ok(), "never {wanted:?}");
    };
    is(Confinement::Confined).await;
    cloud.emulator.faults().until_cleared(Endpoint::Sts, Fault::BoundaryIgnored);
    is(Confinement::Escaped).await;
    cloud.emulator.faults().clear(Endpoint::Sts);
    is(Confinement::Confined).await;
    drop(watch);
}

#[tokio::test]
async fn a_minter_without_a_canary_is_not_watched() {
    let cloud = Cloud::start().await;
    assert!(ProbeWatch::start(cloud.minter(), Arc::new(|| None)).is_none());
}
