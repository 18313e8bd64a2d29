//! One suite for every minter and every wrapper.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, ManualClock, Timestamp};
use lakegate_sts::gcs::GcsMinter;
use lakegate_sts::{
    Budget, Budgeted, Discarding, FakeMinter, Minter, Quarantine, SingleFlight, conformance, guard,
};

use crate::cloud::Cloud;

fn budget() -> Arc<Budget> {
    let share = Budget::share(6000, 20, NonZeroU32::MIN).unwrap();
    Arc::new(Budget::new(share, Duration::ZERO))
}

fn manual_clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(Timestamp::parse("2026-03-01T12:00:00Z").unwrap()))
}

#[tokio::test]
async fn the_gcs_minter_conforms_with_impersonation() {
    let cloud = Cloud::start().await;
    conformance::run(cloud.minter(), cloud.clock()).await;
}

#[tokio::test]
async fn the_gcs_minter_conforms_with_a_key_file() {
    let cloud = Cloud::start().await;
    let minter = GcsMinter::new(cloud.config(cloud.key_file_source())).unwrap();
    assert!(!minter.lives().ends_early);
    conformance::run(Arc::new(minter), cloud.clock()).await;
}

#[tokio::test]
async fn the_whole_guard_conforms_around_the_gcs_minter() {
    let cloud = Cloud::start().await;
    conformance::run(guard(cloud.minter(), budget()), cloud.clock()).await;
}

#[tokio::test]
async fn the_fake_conforms() {
    let clock = manual_clock();
    conformance::run(Arc::new(FakeMinter::new(Arc::clone(&clock))), Arc::clone(&clock)).await;
    let without = FakeMinter::new(Arc::clone(&clock)).without_early_end();
    conformance::run(Arc::new(without), clock).await;
}

#[tokio::test]
async fn every_wrapper_conforms() {
    let clock = manual_clock();
    let fake = || Arc::new(FakeMinter::new(Arc::clone(&clock))) as Arc<dyn Minter>;
    let wrapped: [Arc<dyn Minter>; 4] = [
        Arc::new(SingleFlight::new(fake())),
        Arc::new(Discarding::new(fake())),
        Arc::new(Quarantine::new(fake())),
        Arc::new(Budgeted::new(fake(), budget())),
    ];
    for minter in wrapped {
        conformance::run(minter, Arc::clone(&clock)).await;
    }
}
