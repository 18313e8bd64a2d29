//! A store that loses records, or keeps them in one place only: what was cancelled stays cancelled.

use lakegate_delegation::Book;

use super::*;

/// A broker's cancellation that the store lost, and another broker's record in its place: they differ from here on.
async fn torn(lake: &Lake) -> (Arc<DelegationDesk>, Arc<DelegationDesk>, String) {
    let (here, there) = (lake.broker().await, lake.broker().await);
    let token = token(&here).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let kept = lake.log.backup();
    here.cancel(&token, &name("alice"), &mut None).await.unwrap();
    lake.log.restore(kept);
    there.issue(&wish("bob")).await.unwrap();
    (here, there, token)
}

#[tokio::test(start_paused = true)]
async fn dt22_a_broker_whose_records_were_lost_takes_its_cancellations_over_to_what_the_store_has() {
    let lake = Lake::new();
    let (here, there, token) = torn(&lake).await;
    assert_eq!(refusal(&there, &token), None, "there nobody heard of it");
    tokio::time::sleep(Duration::from_secs(15)).await;
    for desk in [&here, &there, &lake.broker().await] {
        assert_eq!(refusal(desk, &token), Some("dt_cancelled"));
        assert_eq!(desk.view().troubled_by(), None);
    }
    assert_eq!((here.view().forks(), there.view().forks()), (1, 0), "and somebody can see that it was so");
    assert!(here.view().unwritten().is_empty());
    here.issue(&wish("carol")).await.unwrap();
    let newcomer = lake.broker().await;
    assert_eq!(here.view().book().to_bytes(), newcomer.view().book().to_bytes());
}

/// A broker that was cut off for long reads a snapshot, and cannot compare it with what it knew.
#[tokio::test(start_paused = true)]
async fn dt22_neither_does_a_snapshot_bring_a_lost_cancellation_back_to_life() {
    let lake = Lake { epoch: 2, ..Lake::new() };
    let desk = lake.broker().await;
    let (over, alive) = (token(&desk).await, token(&desk).await);
    desk.cancel(&over, &name("alice"), &mut None).await.unwrap();
    let mut other = Book::default();
    let (number, bytes) = other.next(&Record::EpochRaised { epoch: 1 });
    other.apply(number, &bytes).unwrap();
    assert_eq!(desk.view().replace(other, NOW), 1);
    assert_eq!(refusal(&desk, &over), Some("dt_cancelled"));
    assert_eq!((refusal(&desk, &alive), desk.view().least_epoch()), (None, 2));
    assert_eq!(desk.view().unwritten().len(), 1, "it will be written again");
}

#[tokio::test(start_paused = true)]
async fn dt22_the_epoch_goes_along_as_well() {
    let mut lake = Lake::new();
    let there = lake.broker().await;
    let token = token(&there).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let kept = lake.log.backup();
    lake.epoch = 4;
    let here = lake.broker().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let without = Lake { epoch: 0, log: Arc::clone(&lake.log), keys: lake.keys.clone(), ..Lake::new() };
    let follower = without.broker().await;
    drop((here, there));
    lake.log.restore(kept);
    let other = without.broker().await;
    other.issue(&wish("bob")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    for desk in [&follower, &other] {
        assert_eq!((refusal(desk, &token), desk.view().book().epoch()), (Some("dt_epoch"), 4));
    }
}

#[tokio::test(start_paused = true)]
async fn dt22_a_history_that_does_not_open_from_its_beginning_is_taken_over_by_nobody() {
    let lake = Lake::new();
    let (here, _there, token) = torn(&lake).await;
    lake.log.tamper(LogName::DelegationTokens, |records| drop(records.remove(&1)));
    let known = here.view().book().to_bytes();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(here.view().troubled_by().is_some(), "somebody must look");
    assert_eq!((here.view().forks(), here.view().book().to_bytes()), (0, known));
    assert_eq!(refusal(&here, &token), Some("dt_cancelled"));
}

#[tokio::test(start_paused = true)]
async fn dt16_a_cancellation_that_no_replica_has_is_no_success_and_is_written_until_one_has_it() {
    let lake = Lake::new();
    let (here, there) = (lake.broker().await, lake.broker().await);
    let token = token(&here).await;
    lake.log.leave_alone(true);
    for _ in 0..2 {
        let failed = here.cancel(&token, &name("alice"), &mut None).await;
        assert!(matches!(failed, Err(Failure::DelegationState(_))), "{failed:?}");
    }
    assert_eq!(refusal(&here, &token), Some("dt_cancelled"), "dead here all the same");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(here.view().unwritten().len(), 1, "it stands in the log, and may be lost");
    assert_eq!(refusal(&there, &token), Some("dt_cancelled"));
    lake.log.leave_alone(false);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(here.view().unwritten().is_empty());
    here.cancel(&token, &name("alice"), &mut None).await.unwrap();
    let appends = lake.log.appends();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(lake.log.appends(), appends, "and is not written any more");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_goes_writes_what_it_could_not_before() {
    let lake = Lake::new();
    let (here, there) = (lake.broker().await, lake.broker().await);
    let token = token(&here).await;
    lake.log.set_fault(Fault::Down);
    assert!(here.cancel(&token, &name("alice"), &mut None).await.is_err());
    let began = Instant::now();
    here.settle().await;
    assert!(began.elapsed() < Duration::from_secs(3), "it does not wait for ever");
    assert_eq!(here.view().unwritten().len(), 1);
    lake.log.set_fault(Fault::None);
    lake.clock.advance(Duration::from_hours(12));
    let renewed = renew(&here, &token, &name("yarn"), &mut None).await;
    assert!(matches!(renewed, Err(Failure::TokenOver(_))), "it is over here: {renewed:?}");
    here.settle().await;
    drop(here);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(refusal(&there, &token), Some("dt_cancelled"));
}
