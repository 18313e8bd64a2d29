//! Brokers that are slow or take calls and say nothing.

use super::*;

async fn warmed(brokers: usize) -> Fleet {
    let fleet = Fleet::quick(brokers);
    for _ in 0..50 {
        fleet.ask().await.unwrap();
    }
    fleet
}

#[tokio::test(start_paused = true)]
async fn cl02_a_late_call_goes_to_another_broker_too_and_the_loser_is_taken_back() {
    let fleet = warmed(2).await;
    fleet.brokers[0].becomes(Manner::Answers(Duration::from_secs(3)));
    let before = Instant::now();
    assert_eq!(fleet.ask().await.unwrap(), 1);
    assert_eq!(
        before.elapsed(),
        Duration::from_millis(100) + QUICK,
        "late is what takes longer than nearly all"
    );
    assert_eq!(fleet.brokers[0].taken_back(), 1);
}

#[tokio::test(start_paused = true)]
async fn cl02_a_first_call_that_is_late_and_still_first_counts_and_the_second_is_taken_back() {
    let fleet = warmed(2).await;
    fleet.brokers[0].becomes(Manner::Answers(Duration::from_millis(150)));
    fleet.brokers[1].becomes(Manner::Answers(Duration::from_secs(1)));
    assert_eq!(fleet.ask().await.unwrap(), 0);
    assert_eq!(fleet.brokers[1].taken_back(), 1);
    fleet.brokers[0].becomes(Manner::Answers(QUICK));
    assert_eq!(fleet.ask().await.unwrap(), 0, "who lost in half the time is not to blame, nor is the winner");
    assert_eq!(fleet.endpoints.roster.last_error().map(|error| error.to_string()), None);
}

#[tokio::test(start_paused = true)]
async fn cl02_what_is_late_follows_what_is_usual() {
    let fleet = Fleet::of(vec![Manner::Answers(Duration::from_millis(400)); 2]);
    for _ in 0..50 {
        fleet.ask().await.unwrap();
    }
    assert_eq!(fleet.calls(), [50, 0], "brokers that are always so slow are not asked twice");
}

#[tokio::test(start_paused = true)]
async fn cl02_a_broker_that_takes_calls_and_says_nothing_fails_nobody_however_many_wait_for_it() {
    for others in [1, 2] {
        let fleet = warmed(1 + others).await;
        fleet.brokers[0].becomes(Manner::Hangs);
        let before = Instant::now();
        assert_eq!(fleet.ask_at_once(200).await, 0);
        assert!(before.elapsed() < Duration::from_millis(500), "{:?}", before.elapsed());
        let lost = fleet.brokers[0].calls();
        assert_eq!(fleet.ask_at_once(200).await, 0);
        assert!(fleet.brokers[0].calls() <= lost + 1, "it is left alone, but for one trial");
    }
}

#[tokio::test(start_paused = true)]
async fn cl02_all_but_one_may_say_nothing() {
    for lost in 1..5 {
        let fleet = warmed(lost + 1).await;
        fleet.brokers[..lost].iter().for_each(|broker| broker.becomes(Manner::Hangs));
        assert_eq!(fleet.ask_at_once(100).await, 0);
        assert_eq!(fleet.ask_at_once(100).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn cl02_a_silent_broker_is_found_again_when_it_speaks() {
    let fleet = warmed(2).await;
    fleet.brokers[0].becomes(Manner::Hangs);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_mins(5) {
        assert_eq!(fleet.ask().await.unwrap(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let trials = fleet.brokers[0].calls() - 50;
    assert!((30..=300).contains(&trials), "{trials} trials in five minutes, each of one request");
    fleet.brokers[0].becomes(Manner::Answers(QUICK));
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(fleet.ask().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn cl02_a_broker_that_failed_long_ago_is_there_when_another_one_goes_silent() {
    let fleet = warmed(2).await;
    fleet.brokers[0].becomes(Manner::Fails(refused_connection()));
    fleet.brokers[1].becomes(Manner::Fails(refused_connection()));
    assert!(fleet.ask().await.is_err());
    fleet.brokers[0].becomes(Manner::Answers(QUICK));
    fleet.brokers[1].becomes(Manner::Answers(QUICK));
    tokio::time::advance(Duration::from_mins(10)).await;
    assert_eq!(fleet.ask().await.unwrap(), 0);
    fleet.brokers[0].becomes(Manner::Hangs);
    assert_eq!(fleet.ask_at_once(100).await, 0, "nobody had a reason to ask the second one since");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_spans_all_attempts_and_ends_in_one_error() {
    for brokers in [1, 3] {
        let fleet = Fleet::of(vec![Manner::Hangs; brokers]);
        let before = Instant::now();
        assert!(matches!(fleet.ask().await, Err(ClientError::Timeout)));
        assert_eq!(before.elapsed(), TIMEOUT);
        assert_eq!(fleet.calls(), vec![1; brokers], "each was asked once");
        assert!(fleet.brokers.iter().all(|broker| broker.taken_back() == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_wants_any_more_is_taken_back_from_all_brokers() {
    let fleet = Fleet::of(vec![Manner::Hangs; 2]);
    let given_up = tokio::time::timeout(Duration::from_secs(2), fleet.ask()).await;
    assert!(given_up.is_err());
    assert_eq!(fleet.brokers.iter().map(|broker| broker.taken_back()).sum::<usize>(), 2);
}
