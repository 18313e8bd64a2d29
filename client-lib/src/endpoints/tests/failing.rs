//! Brokers that are not there, refuse, or fail.

use lakegate_proto::reason;

use super::*;

#[tokio::test(start_paused = true)]
async fn one_broker_is_used_until_it_fails_and_then_the_next_without_a_pause() {
    for error in [refused_connection(), handshake()] {
        let fleet = Fleet::quick(3);
        for _ in 0..50 {
            assert_eq!(fleet.ask().await.unwrap(), 0);
        }
        fleet.brokers[0].becomes(Manner::Fails(error));
        let before = Instant::now();
        assert_eq!(fleet.ask().await.unwrap(), 1);
        assert_eq!(before.elapsed(), QUICK);
        assert_eq!(fleet.ask().await.unwrap(), 1, "and it is left alone");
        assert_eq!(fleet.calls(), [51, 2, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn cl02_a_broken_broker_is_tried_again_ever_more_rarely_and_by_one_request_at_a_time() {
    let fleet =
        Fleet::of(vec![Manner::Fails(refused_connection()), Manner::Answers(QUICK), Manner::Answers(QUICK)]);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_mins(1) {
        assert_eq!(fleet.ask_at_once(20).await, 0);
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    let tried = fleet.brokers[0].call_times();
    let first: Vec<_> = tried.iter().take_while(|at| **at == tried[0]).collect();
    assert_eq!(first.len(), 20, "all that began before anything was known");
    let trials = tried.len() - first.len();
    assert!((12..=60).contains(&trials), "{trials} trials in a minute");
    let mut pauses: Vec<_> = tried[first.len()..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_millis(25)), "{pauses:?}");
    pauses.sort_unstable();
    assert!(*pauses.last().unwrap() > Duration::from_secs(1), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn cl02_a_broker_that_comes_back_is_used_again() {
    let fleet = Fleet::of(vec![Manner::Fails(refused_connection()), Manner::Answers(QUICK)]);
    assert_eq!(fleet.ask().await.unwrap(), 1);
    fleet.brokers[0].becomes(Manner::Answers(QUICK));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(fleet.ask().await.unwrap(), 0);
    assert_eq!(fleet.ask().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn cl02_hundreds_at_once_survive_the_loss_of_all_brokers_but_one() {
    let fleet = Fleet::quick(3);
    assert_eq!(fleet.ask_at_once(300).await, 0);
    fleet.brokers[0].becomes(Manner::Fails(refused_connection()));
    fleet.brokers[1].becomes(Manner::Fails(handshake()));
    assert_eq!(fleet.ask_at_once(300).await, 0);
}

#[tokio::test(start_paused = true)]
async fn cl02_hundreds_at_once_survive_a_moment_without_the_only_broker() {
    let fleet = Fleet::quick(1);
    assert_eq!(fleet.ask_at_once(300).await, 0);
    fleet.brokers[0].becomes(Manner::Fails(refused_connection()));
    let returning = Arc::clone(&fleet.brokers[0]);
    let (failed, ()) = tokio::join!(fleet.ask_at_once(300), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        returning.becomes(Manner::Answers(QUICK));
    });
    assert_eq!(failed, 0);
    assert_eq!(fleet.brokers[0].calls(), 3 * 300, "each came back once");
}

#[tokio::test(start_paused = true)]
async fn cl01_with_all_brokers_gone_a_request_ends_soon_with_one_typed_error() {
    let fleet = Fleet::of(vec![Manner::Fails(refused_connection()); 3]);
    let before = Instant::now();
    assert!(matches!(fleet.ask().await, Err(ClientError::Connect(_))));
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    let tried: usize = fleet.calls().iter().sum();
    assert!((3..=6).contains(&tried), "{tried}");
}

#[tokio::test(start_paused = true)]
async fn cl01_requests_without_end_make_no_busy_loop_of_brokers_that_are_gone() {
    let fleet = Fleet::of(vec![Manner::Fails(refused_connection()); 3]);
    let begin = Instant::now();
    let mut requests = 0;
    while begin.elapsed() < Duration::from_mins(1) {
        assert!(matches!(fleet.ask().await, Err(ClientError::Connect(_))));
        requests += 1;
    }
    let tried: usize = fleet.calls().iter().sum();
    assert!(tried <= 150, "{tried} attempts of {requests} requests in a minute at three brokers");
    assert!(
        requests <= 150,
        "{requests} requests: errors that cost no time would make the caller's loop busy"
    );
}

#[tokio::test(start_paused = true)]
async fn cl01_brokers_that_all_come_back_are_found_by_a_waiting_request() {
    let fleet = Fleet::of(vec![Manner::Fails(refused_connection()); 2]);
    for _ in 0..20 {
        assert!(fleet.ask().await.is_err());
    }
    fleet.brokers[1].becomes(Manner::Answers(QUICK));
    fleet.brokers[0].becomes(Manner::Answers(QUICK));
    assert_eq!(fleet.ask_at_once(50).await, 0);
}

#[tokio::test(start_paused = true)]
async fn cl02_a_broker_that_serves_nobody_is_left_at_once_and_not_asked_sooner_than_it_says() {
    for reason in [reason::POLICY_UNAVAILABLE, reason::AUDIT_UNAVAILABLE, reason::DRAINING] {
        let fleet = Fleet::quick(2);
        let pause = Duration::from_secs(7);
        fleet.brokers[0].becomes(Manner::Fails(unavailable(reason, pause)));
        let before = Instant::now();
        assert_eq!(fleet.ask_at_once(100).await, 0);
        assert_eq!(before.elapsed(), QUICK);
        fleet.brokers[0].becomes(Manner::Answers(QUICK));
        while before.elapsed() < 3 * pause {
            assert!(fleet.ask().await.is_ok());
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        let times = fleet.brokers[0].call_times();
        assert!(times[..100].iter().all(|at| *at == before), "{reason}");
        assert!(times[100] - before >= pause, "{reason}: asked again after {:?}", times[100] - before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_too_old_for_one_request_does_not_take_the_brokers_from_the_others() {
    let pause = Duration::from_secs(1);
    let fleet = Fleet::of(vec![Manner::Fails(unavailable(reason::POLICY_UNAVAILABLE, pause)); 3]);
    let strict = fleet.ask().await.unwrap_err();
    assert_eq!(strict.retry_after(), Some(pause));
    for broker in &fleet.brokers {
        let times = broker.call_times();
        assert!(
            times.windows(2).all(|pair| pair[1] - pair[0] >= pause),
            "the request itself waits: {times:?}"
        );
        broker.becomes(Manner::Answers(QUICK));
    }
    let before = Instant::now();
    assert_eq!(fleet.ask_at_once(50).await, 0);
    assert_eq!(before.elapsed(), QUICK, "requests of other classes do not wait");
}

#[tokio::test(start_paused = true)]
async fn cl02_when_all_brokers_want_to_be_left_alone_a_request_waits_or_says_until_when() {
    let pause = Duration::from_secs(2);
    let fleet = Fleet::of(vec![Manner::Fails(unavailable(reason::DRAINING, pause)); 2]);
    let before = Instant::now();
    let error = fleet.ask().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(pause));
    for broker in &fleet.brokers {
        let times = broker.call_times();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= pause), "{times:?}");
    }
    assert!(before.elapsed() <= TIMEOUT);
    let long = Fleet::of(vec![Manner::Fails(unavailable(reason::DRAINING, HOUR)); 2]);
    let before = Instant::now();
    assert_eq!(long.ask().await.unwrap_err().retry_after(), Some(HOUR));
    assert_eq!(long.ask().await.unwrap_err().retry_after(), Some(HOUR), "nobody is asked for that");
    assert_eq!((before.elapsed(), long.calls()), (Duration::ZERO, vec![1, 1]));
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_token_service_is_waited_out_and_is_no_fault_of_the_broker() {
    let fleet = Fleet::quick(2);
    let pause = Duration::from_secs(1);
    fleet.brokers[0].becomes(Manner::Fails(unavailable(reason::TOKEN_SERVICE_UNAVAILABLE, pause)));
    let before = Instant::now();
    assert_eq!(fleet.ask().await.unwrap(), 1);
    assert!(before.elapsed() >= pause && before.elapsed() <= 2 * pause + QUICK);
    fleet.brokers[0].becomes(Manner::Answers(QUICK));
    assert_eq!(fleet.ask().await.unwrap(), 0, "it may have the next token in memory");
}

#[tokio::test(start_paused = true)]
async fn what_a_broker_failed_at_is_asked_once_more_elsewhere_and_then_told() {
    let fault = || Manner::Fails(ClientError::BrokerFault(refusal(reason::INTERNAL)));
    for manner in [fault(), Manner::Fails(ClientError::Timeout)] {
        let fleet = Fleet::of(vec![manner.clone(), Manner::Answers(QUICK), Manner::Answers(QUICK)]);
        assert_eq!(fleet.ask().await.unwrap(), 1);
        let fleet = Fleet::of(vec![manner; 3]);
        assert!(fleet.ask().await.is_err());
        assert_eq!(fleet.calls(), [1, 1, 0]);
    }
    let alone = Fleet::of(vec![fault()]);
    assert!(matches!(alone.ask().await, Err(ClientError::BrokerFault(_))));
    assert_eq!(alone.calls(), [2]);
}

#[tokio::test(start_paused = true)]
async fn one_request_that_breaks_brokers_does_not_take_them_from_others_but_a_broken_broker_is_left() {
    let fleet = Fleet::quick(2);
    let fault = Manner::Fails(ClientError::BrokerFault(refusal(reason::INTERNAL)));
    fleet.brokers[0].becomes(fault.clone());
    for _ in 0..2 {
        assert_eq!(fleet.ask().await.unwrap(), 1);
    }
    fleet.brokers[0].becomes(Manner::Answers(QUICK));
    assert_eq!(fleet.ask().await.unwrap(), 0, "two faults are no reason to leave it");
    fleet.brokers[0].becomes(fault);
    for _ in 0..200 {
        let _paid_or_not = fleet.ask().await;
    }
    let lost = fleet.brokers[0].calls();
    assert!(lost < 40, "{lost} of 200 requests went to a broker that fails at everything");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_an_answer_and_no_other_broker_is_asked_for_a_better_one() {
    let exhausted = |reason| (refusal(reason), Some(Duration::from_millis(1)));
    let (fragmented, retry_after) = exhausted(reason::SCOPE_FRAGMENTED);
    let (limited, _) = exhausted(reason::RATE_LIMITED);
    for error in [
        ClientError::Denied(refusal(reason::PERMISSION_DENIED)),
        ClientError::Unauthenticated(refusal(reason::UNAUTHENTICATED)),
        ClientError::InvalidRequest(refusal(reason::INVALID_PATH)),
        ClientError::NotSeparable(refusal(reason::OPERATIONS_NOT_SEPARABLE)),
        ClientError::Exhausted { refusal: fragmented, retry_after },
        ClientError::RateLimited { refusal: limited, retry_after },
    ] {
        let fleet = Fleet::of(vec![Manner::Fails(error), Manner::Answers(QUICK)]);
        assert!(fleet.ask().await.is_err());
        assert_eq!(fleet.calls(), [1, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn cl01_repetitions_stay_below_a_tenth_of_the_requests() {
    let fault = Manner::Fails(ClientError::BrokerFault(refusal(reason::INTERNAL)));
    let down = Manner::Fails(unavailable(reason::TOKEN_SERVICE_UNAVAILABLE, Duration::from_millis(1)));
    for manner in [fault, down, Manner::Answers(Duration::from_secs(3))] {
        let fleet = Fleet::of(vec![manner.clone(); 3]);
        for _ in 0..10 {
            fleet.ask_at_once(100).await;
        }
        let attempts: usize = fleet.calls().iter().sum();
        assert!(attempts <= 1_000 + 100 + 7, "{attempts} attempts for 1000 requests: {manner:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cl01_coming_back_to_a_broker_is_free_once_and_then_paid_for() {
    let fleet = Fleet::of(vec![Manner::Fails(refused_connection())]);
    while fleet.endpoints.budget.pay() {}
    assert!(matches!(fleet.ask().await, Err(ClientError::Connect(_))));
    assert_eq!(fleet.calls(), [2], "nothing was left to pay with");
}

#[tokio::test(start_paused = true)]
async fn cl01_a_broker_that_let_a_request_run_out_of_time_is_tried_by_one_at_a_time() {
    let fleet = Fleet::of(vec![Manner::Hangs]);
    assert!(matches!(fleet.ask().await, Err(ClientError::Timeout)));
    assert_eq!(fleet.calls(), [1]);
    assert_eq!(fleet.ask_at_once(50).await, 50);
    assert!(fleet.brokers[0].calls() < 15, "{} calls", fleet.brokers[0].calls());
}
