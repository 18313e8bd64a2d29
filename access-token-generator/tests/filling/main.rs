//! The generator over hours of paused time: fills once, renews in time, survives crashes and outages.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lake;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lake::{Lake, document};
use lakegate_domain::{Clock, Timestamp};
use lakegate_generator::Generator;
use lakegate_sts::{Budget, Budgeted, MintError, Minter, Quarantine};
use lakegate_token_store::Fault;
use prometheus::{Registry, TextEncoder};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn every_plain_scope_is_filled_once() {
    let lake = Lake::with_tables(20);
    let progress = lake.generator().filled().await;
    assert_eq!(progress.scopes, 40, "read and write of each table");
    assert_eq!((progress.fresh, lake.minter.calls()), (40, 40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_never_shows_a_snapshot_beside_the_counts_of_the_one_before() {
    let lake = Lake::with_tables(20);
    for _ in 0..200 {
        let generator = Arc::new(lake.generator());
        let watched = Arc::clone(&generator);
        // A thread that looks all the time sees what a waiter sees who wakes at the wrong moment.
        let first = tokio::task::spawn_blocking(move || {
            loop {
                let progress = watched.progress();
                if progress.snapshot.is_some() {
                    return progress;
                }
                std::hint::spin_loop();
            }
        });
        assert_eq!(first.await.unwrap().scopes, 40);
        assert_eq!(generator.filled().await.fresh, 40);
    }
}

#[tokio::test(start_paused = true)]
async fn rp21_nothing_is_minted_for_the_brokers_own_buckets() {
    let lake = Lake::with_tables(20);
    let progress = lake.generator_beside("gs://lake-fill").filled().await;
    assert_eq!((progress.scopes, lake.minter.calls()), (0, 0));
    assert_eq!(lake.generator_beside("gs://lake-other").filled().await.scopes, 40);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_at_about_half_of_their_life_and_never_run_out() {
    let lake = Lake::with_tables(20);
    let generator = lake.generator();
    generator.filled().await;
    for minute in 0..600 {
        tokio::time::sleep(MINUTE).await;
        for left in lake.lives_left().await {
            assert!(left >= Duration::from_mins(20), "{left:?} left in minute {minute}");
        }
    }
    // Ten hours: a renewal every 30 to 36 minutes makes 16 to 20 per scope, and the first fill.
    let per_scope = lake.minter.calls() / 40;
    assert!((16..=20).contains(&per_scope), "{per_scope} mintings per scope in ten hours");
}

#[tokio::test(start_paused = true)]
async fn rd10_a_store_that_lost_everything_is_filled_again_without_waiting_for_renewals() {
    let lake = Lake::with_tables(20);
    let generator = lake.generator();
    generator.filled().await;
    tokio::time::sleep(MINUTE).await;
    assert_eq!(lake.minter.calls(), 40);
    lake.store.lose_everything();
    tokio::time::sleep(MINUTE).await;
    assert_eq!(lake.minter.calls(), 80);
    assert!(lake.lives_left().await.iter().all(|left| *left > 50 * MINUTE));
    // One that was away and comes back with its data costs look-ups, not mintings.
    lake.store.set_fault(Fault::Down);
    tokio::time::sleep(MINUTE).await;
    lake.store.set_fault(Fault::None);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(lake.minter.calls(), 80);
}

#[tokio::test(start_paused = true)]
async fn gn02_a_restarted_generator_mints_nothing_that_is_fresh() {
    let lake = Lake::with_tables(20);
    let first = lake.generator();
    first.filled().await;
    drop(first);
    let second = lake.generator();
    assert_eq!(second.filled().await.fresh, 40);
    assert_eq!(lake.minter.calls(), 40);
}

/// Nothing locks a scope, so nothing can be left locked. Two that do the same work cost calls, and nobody an answer.
#[tokio::test(start_paused = true)]
async fn rd13_two_generators_at_once_and_one_that_stops_in_the_middle_are_harmless() {
    let lake = Lake::with_tables(20);
    let (one, other) = (lake.generator(), lake.generator());
    assert_eq!((one.filled().await.fresh, other.filled().await.fresh), (40, 40));
    assert!(lake.minter.calls() <= 80, "{} mintings of 40 scopes", lake.minter.calls());
    for minute in 0..300 {
        if minute == 100 {
            drop(lake.generator());
        }
        tokio::time::sleep(MINUTE).await;
        for left in lake.lives_left().await {
            assert!(left >= Duration::from_mins(20), "{left:?} left in minute {minute}");
        }
    }
    // Whoever comes second finds a fresh token and mints nothing.
    let per_scope = lake.minter.calls() / 40;
    assert!(per_scope <= 12, "{per_scope} mintings per scope in five hours");
}

#[tokio::test(start_paused = true)]
async fn gn05_renewals_of_tokens_minted_together_do_not_fall_together() {
    let lake = Lake::with_tables(100);
    let generator = lake.generator();
    generator.filled().await;
    let mut busiest = 0;
    for _ in 0..60 {
        let before = lake.minter.calls();
        tokio::time::sleep(MINUTE).await;
        busiest = busiest.max(lake.minter.calls() - before);
    }
    assert!(busiest < 80, "{busiest} of 200 renewals in one minute");
}

#[tokio::test(start_paused = true)]
async fn gn07_a_scope_that_is_refused_does_not_hold_up_the_others() {
    let lake = Lake::with_tables(5);
    lake.minter.fail_next(MintError::BoundaryRefused { status: 400 });
    let generator = lake.generator();
    tokio::time::sleep(MINUTE).await;
    assert_eq!(generator.progress().fresh, 9);
    tokio::time::sleep(Duration::from_mins(11)).await;
    assert_eq!(generator.progress().fresh, 10, "the refused scope was tried again");
}

#[tokio::test(start_paused = true)]
async fn gn07_scopes_that_rest_because_they_were_refused_are_counted() {
    let lake = Lake::with_tables(5);
    let registry = Registry::new();
    let resting = |count: u32| {
        let told = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let wanted = format!("lakegate_generator_quarantined_scopes {count}\n");
        assert!(told.contains(&wanted), "{wanted}{told}");
    };
    lake.minter.fail_next(MintError::BoundaryRefused { status: 400 });
    lake.minter.fail_next(MintError::BoundaryRefused { status: 403 });
    let quarantine = Quarantine::new(Arc::clone(&lake.minter) as Arc<dyn Minter>);
    let generator = lake.generator_counted(Arc::new(quarantine), &registry);
    tokio::time::sleep(Duration::from_secs(2)).await;
    resting(2);
    assert_eq!(generator.filled().await.fresh, 10);
    resting(0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_minted_while_the_store_is_gone() {
    let lake = Lake::with_tables(5);
    lake.store.set_fault(Fault::Down);
    let generator = lake.generator();
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(lake.minter.calls(), 0);
    lake.store.set_fault(Fault::None);
    assert_eq!(generator.filled().await.fresh, 10);
}

#[tokio::test(start_paused = true)]
async fn ps18_a_moved_dataset_is_filled_at_its_new_prefix_and_no_longer_at_the_old() {
    let lake = Lake::with_tables(1);
    let generator = lake.generator();
    generator.filled().await;
    let before = lake.minter.calls();
    lake.replace(&document(2, &["moved".to_owned()]));
    tokio::time::sleep(MINUTE).await;
    let progress = generator.progress();
    assert_eq!((progress.scopes, progress.fresh, progress.snapshot), (2, 2, Some(2)));
    assert_eq!(lake.minter.calls(), before + 2);
    tokio::time::sleep(Duration::from_mins(40)).await;
    assert_eq!(lake.minter.calls(), before + 4, "only the new scopes are renewed");
}

#[tokio::test(start_paused = true)]
async fn pre_fill_stays_within_its_share_in_every_window() {
    let lake = Lake::with_tables(100);
    let share = Budget::share(100, 80, NonZeroU32::MIN).unwrap();
    let budget = Arc::new(Budget::new(share, Duration::ZERO));
    let paid: Arc<dyn Minter> = Arc::new(Budgeted::new(Arc::clone(&lake.minter) as Arc<dyn Minter>, budget));
    let generator = lake.generator_with(paid);
    let mut seconds: Vec<u64> = Vec::new();
    while generator.progress().fresh < 200 {
        let before = lake.minter.calls();
        tokio::time::sleep(Duration::from_secs(1)).await;
        seconds.push(lake.minter.calls() - before);
        assert!(seconds.len() < 600, "the fill does not come to an end");
    }
    let busiest = seconds.windows(60).map(|window| window.iter().sum::<u64>()).max().unwrap();
    assert!(busiest <= 80, "{busiest} calls in a window of 60 s");
}

#[tokio::test(start_paused = true)]
async fn gn08_a_clock_that_jumps_causes_neither_a_storm_nor_a_stall() {
    let lake = Lake::with_tables(10);
    let generator: Generator = lake.generator();
    generator.filled().await;
    lake.clock.jump(-3600);
    tokio::time::sleep(Duration::from_mins(40)).await;
    assert!(lake.minter.calls() <= 60, "{} calls", lake.minter.calls());
    assert!(lake.clock.now() > Timestamp::from_seconds(0));
    assert_eq!(generator.progress().fresh, 20);
}
