//! Clocks that run ahead: what is over by one of them alone is not forgotten.

use super::*;

const AHEAD: Duration = Duration::from_hours(8);

/// A lake whose store has a clock, a broker by it, one whose clock is ahead, and what lets time pass for all of them.
async fn lake() -> (Lake, Arc<DelegationDesk>, Arc<DelegationDesk>, impl Fn(Duration)) {
    let lake = Lake::new();
    lake.log.set_time(NOW);
    let ahead = Arc::new(ManualClock::at(NOW.plus(AHEAD)));
    let (right, hasty) = (lake.broker().await, lake.stranger_by(&ahead));
    hasty.view().loaded().await;
    let (clock, store) = (Arc::clone(&lake.clock), Arc::clone(&lake.log));
    let pass = move |span| {
        clock.advance(span);
        ahead.advance(span);
        store.set_time(clock.now());
    };
    (lake, right, hasty, pass)
}

#[tokio::test(start_paused = true)]
async fn dt23_a_clock_that_runs_ahead_forgets_no_cancellation_and_tells_nobody_to() {
    let (lake, right, hasty, pass) = lake().await;
    let token = token(&right).await;
    right.cancel(&token, &name("alice"), &mut None).await.unwrap();
    // Five hours left: by the hasty clock it has been over for three.
    pass(Duration::from_hours(19));
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert!(hasty.view().ahead() >= AHEAD, "it knows that it is");
    assert_eq!(right.view().ahead(), Duration::ZERO);
    assert_eq!(hasty.view().book().len(), 1, "remembered all the same");
    while hasty.view().book().number() < 256 {
        hasty.issue(&wish("bob")).await.unwrap();
    }
    let snapshot = async || lake.log.snapshot(LogName::DelegationTokens).await.unwrap();
    while snapshot().await.is_none() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(refusal(&lake.broker().await, &token), Some("dt_cancelled"), "to whoever starts from it");
}

#[tokio::test(start_paused = true)]
async fn dt23_it_reports_no_cancellation_that_it_did_not_write() {
    let (_lake, right, hasty, pass) = lake().await;
    let token = token(&right).await;
    for _ in 0..6 {
        pass(Duration::from_hours(23));
        renew(&right, &token, &name("yarn"), &mut None).await.unwrap();
    }
    pass(Duration::from_hours(22));
    renew(&right, &token, &name("yarn"), &mut None).await.unwrap();
    // Five hours left to the max date: by the hasty clock it is over for good, and for longer than clocks differ.
    pass(Duration::from_hours(3));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(refusal(&right, &token), None);
    hasty.cancel(&token, &name("alice"), &mut None).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(refusal(&right, &token), Some("dt_cancelled"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_forgotten_while_the_stores_time_is_not_known() {
    let (lake, right, _hasty, pass) = lake().await;
    token(&right).await;
    pass(Duration::from_hours(30));
    lake.log.lose_clock(true);
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(right.view().book().len(), 1);
    lake.log.lose_clock(false);
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(right.view().book().len(), 0, "its date has long come by every clock");
}
