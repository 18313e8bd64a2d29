//! The breaker on paused time, over a store that is down or slow on demand.

use std::sync::Arc;

use lakegate_domain::ManualClock;
use tokio::time::Instant;

use super::*;
use crate::test_tokens::{NOON, scopes};
use crate::{BreakerState, Fault, MemoryStore, conformance};

const CALL: Duration = Duration::from_millis(20);
const FOR_EVER: Timestamp = Timestamp::from_millis(i64::MAX);

fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(Arc::new(ManualClock::at(NOON))))
}

fn breaker(store: &Arc<MemoryStore>) -> Breaker {
    Breaker::new(Arc::clone(store) as Arc<dyn TokenStore>, BreakerTerms::within(CALL), 7)
}

async fn fail(breaker: &Breaker, times: u32) {
    for _ in 0..times {
        assert!(matches!(breaker.ping().await, Err(StoreError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_store_behind_a_breaker_conforms() {
    conformance::run(async || breaker(&memory())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rd08_a_slow_store_is_given_up_after_the_time_for_a_call() {
    let store = memory();
    let breaker = breaker(&store);
    store.set_fault(Fault::Slow(Duration::from_secs(5)));
    let [scope] = scopes();
    let began = Instant::now();
    assert!(matches!(breaker.get_many(&[scope.key()]).await, Err(StoreError::Unavailable(_))));
    assert!(began.elapsed() <= CALL + Duration::from_millis(1), "{:?}", began.elapsed());
    assert_eq!(breaker.health().timeouts, 1);
    assert_eq!(breaker.health().breaker, BreakerState::Closed, "one failure is none");
}

#[tokio::test(start_paused = true)]
async fn a_look_up_of_many_keys_has_the_time_of_its_round_trips() {
    let store = memory();
    let breaker = breaker(&store);
    store.set_fault(Fault::Slow(CALL.mul_f64(1.5)));
    let [scope] = scopes();
    assert!(breaker.get_many(&vec![scope.key(); KEYS_PER_TRIP]).await.is_err());
    assert!(breaker.get_many(&vec![scope.key(); KEYS_PER_TRIP + 1]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn rd08_after_failures_in_a_row_calls_fail_at_once_and_touch_nothing() {
    let store = memory();
    let breaker = breaker(&store);
    store.set_fault(Fault::Slow(Duration::from_secs(5)));
    fail(&breaker, 5).await;
    let health = breaker.health();
    assert_eq!((health.breaker, health.opened, health.timeouts), (BreakerState::Open, 1, 5));
    let [scope] = scopes();
    let began = Instant::now();
    for _ in 0..1_000 {
        assert!(breaker.put(&scope.key(), vec![1], FOR_EVER).await.is_err());
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waited");
    assert!(store.is_empty());
    assert_eq!((breaker.health().refused_calls, breaker.health().timeouts), (1_000, 5));
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_not_in_a_row_leave_the_breaker_closed() {
    let store = memory();
    let breaker = breaker(&store);
    for _ in 0..10 {
        store.set_fault(Fault::Down);
        fail(&breaker, 4).await;
        store.set_fault(Fault::None);
        breaker.ping().await.unwrap();
    }
    assert_eq!(breaker.health().opened, 0);
}

#[tokio::test(start_paused = true)]
async fn one_probe_passes_after_the_pause_and_the_others_do_not_wait_for_it() {
    let store = memory();
    let breaker = Arc::new(breaker(&store));
    store.set_fault(Fault::Down);
    fail(&breaker, 5).await;
    tokio::time::sleep(Duration::from_millis(251)).await;
    store.set_fault(Fault::Slow(CALL / 2));
    let probe = tokio::spawn({
        let breaker = Arc::clone(&breaker);
        async move { breaker.ping().await }
    });
    while breaker.health().breaker != BreakerState::Probing {
        tokio::task::yield_now().await;
    }
    fail(&breaker, 3).await;
    assert_eq!(breaker.health().refused_calls, 3);
    probe.await.unwrap().unwrap();
    assert_eq!(breaker.health().breaker, BreakerState::Closed);
    assert_eq!(breaker.health().opened, 1);
    breaker.ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_straggler_from_before_the_pause_does_not_decide_for_the_probe() {
    let (store, long) = (memory(), CALL * 20);
    let breaker = Arc::new(breaker(&store));
    let [scope] = scopes();
    let keys = vec![scope.key(); KEYS_PER_TRIP * 21];
    store.set_fault(Fault::Slow(long));
    let straggler = tokio::spawn({
        let breaker = Arc::clone(&breaker);
        async move { breaker.get_many(&keys).await }
    });
    tokio::task::yield_now().await;
    let began = Instant::now();
    store.set_fault(Fault::Down);
    fail(&breaker, 5).await;
    store.set_fault(Fault::Slow(CALL / 2));
    tokio::time::sleep_until(began + long - CALL / 4).await;
    let probe = tokio::spawn({
        let breaker = Arc::clone(&breaker);
        async move { breaker.ping().await }
    });
    straggler.await.unwrap().unwrap();
    assert!(!probe.is_finished());
    assert_eq!(breaker.health().breaker, BreakerState::Probing, "nobody passes before the probe is back");
    probe.await.unwrap().unwrap();
    assert_eq!(breaker.health().breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_to_their_longest_with_every_failed_probe_and_are_spread() {
    let store = memory();
    store.set_fault(Fault::Down);
    let mut all = Vec::new();
    for seed in 0..2 {
        let terms = BreakerTerms::within(CALL);
        let breaker = Breaker::new(Arc::clone(&store) as Arc<dyn TokenStore>, terms, seed);
        fail(&breaker, 5).await;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let (began, before) = (Instant::now(), breaker.health().refused_calls);
            // A call is either refused or the probe; it is the probe when the pause is over.
            loop {
                let refused = breaker.health().refused_calls;
                fail(&breaker, 1).await;
                if breaker.health().refused_calls == refused {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(breaker.health().refused_calls > before, "the pause is not empty");
            pauses.push(began.elapsed());
        }
        for (pause, longest) in pauses.iter().zip([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]) {
            let longest = Duration::from_millis(longest);
            assert!(*pause >= longest / 2 && *pause <= longest + Duration::from_millis(2), "{pauses:?}");
        }
        all.push(pauses);
    }
    assert_ne!(all[0], all[1], "two processes do not come back in step");
}

#[tokio::test(start_paused = true)]
async fn rd09_a_caller_who_goes_away_neither_stops_the_call_nor_hides_its_outcome() {
    let store = memory();
    let breaker = breaker(&store);
    let [scope] = scopes();
    store.set_fault(Fault::Slow(CALL / 2));
    let impatient = tokio::time::timeout(CALL / 4, breaker.put(&scope.key(), vec![1], FOR_EVER)).await;
    assert!(impatient.is_err());
    tokio::time::sleep(CALL).await;
    assert_eq!(store.len(), 1, "the call ran to its end");
    store.set_fault(Fault::Slow(CALL * 2));
    for _ in 0..5 {
        assert!(tokio::time::timeout(CALL / 4, breaker.ping()).await.is_err());
    }
    tokio::time::sleep(CALL).await;
    assert_eq!(breaker.health().breaker, BreakerState::Open, "five calls ran into their limit");
}

#[tokio::test(start_paused = true)]
async fn rd10_a_store_that_answers_no_is_not_a_store_that_does_not_answer() {
    let breaker = Breaker::new(Arc::new(Full), BreakerTerms::within(CALL), 1);
    let [scope] = scopes();
    for _ in 0..20 {
        assert!(matches!(breaker.put(&scope.key(), vec![1], FOR_EVER).await, Err(StoreError::Refused(_))));
        assert!(breaker.get_many(&[scope.key()]).await.is_ok());
    }
    assert_eq!(breaker.health().breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_is_a_failure_and_leaves_no_probe_behind() {
    let breaker = Breaker::new(Arc::new(Full), BreakerTerms::within(CALL), 1);
    let [scope] = scopes();
    for _ in 0..5 {
        assert!(matches!(breaker.remove(&[scope.key()]).await, Err(StoreError::Unavailable(_))));
    }
    assert_eq!(breaker.health().breaker, BreakerState::Open);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(breaker.remove(&[scope.key()]).await.is_err(), "the probe panics too");
    assert_eq!(breaker.health().breaker, BreakerState::Open);
    tokio::time::sleep(Duration::from_secs(1)).await;
    breaker.get_many(&[scope.key()]).await.unwrap();
    assert_eq!(breaker.health().breaker, BreakerState::Closed);
}

/// A store that takes nothing, and panics when asked to remove.
#[derive(Debug)]
struct Full;

#[async_trait]
impl TokenStore for Full {
    async fn get_many(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        Ok(vec![None; keys.len()])
    }

    async fn put(&self, _: &ScopeKey, _: Vec<u8>, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::refused("OOM command not allowed"))
    }

    async fn remove(&self, _: &[ScopeKey]) -> Result<(), StoreError> {
        panic!("a fault of ours");
    }

    async fn ping(&self) -> Result<StoreId, StoreError> {
        Ok(StoreId::new("full".to_owned()))
    }
}
