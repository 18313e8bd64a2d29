//! Leaders that leave, die or fail.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::task::yield_now;

use super::*;

type Outcome = Result<usize, &'static str>;

/// Work that counts its runs and ends when it is told to.
#[derive(Default)]
struct Work {
    runs: AtomicUsize,
    go: Notify,
}

impl Work {
    async fn run(self: Arc<Self>) -> Outcome {
        let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        self.go.notified().await;
        Ok(run)
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

#[tokio::test]
async fn st13_a_thousand_waiters_make_one_run() {
    let (flights, work) = (Arc::new(Flights::<u8, Outcome>::default()), Arc::new(Work::default()));
    let waiters: Vec<_> = (0..1000)
        .map(|_| {
            let (flights, work) = (Arc::clone(&flights), Arc::clone(&work));
            tokio::spawn(async move { flights.join(1, || Arc::clone(&work).run()).await })
        })
        .collect();
    settle().await;
    work.go.notify_one();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), Some(Ok(1)));
    }
    assert_eq!(work.runs(), 1);
    assert!(lock(&flights.running).is_empty(), "nothing is kept");
}

#[tokio::test]
async fn st13_a_leader_that_leaves_stops_nothing() {
    let (flights, work) = (Arc::new(Flights::<u8, Outcome>::default()), Arc::new(Work::default()));
    let join = || {
        let (flights, work) = (Arc::clone(&flights), Arc::clone(&work));
        tokio::spawn(async move { flights.join(1, || Arc::clone(&work).run()).await })
    };
    let leader = join();
    settle().await;
    let follower = join();
    settle().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    work.go.notify_one();
    assert_eq!(follower.await.unwrap(), Some(Ok(1)));
    assert_eq!(work.runs(), 1);
}

#[tokio::test]
async fn st13_a_leader_that_leaves_before_it_began_stops_nothing() {
    let (flights, work) = (Flights::<u8, Outcome>::default(), Arc::new(Work::default()));
    work.go.notify_one();
    drop(flights.board(1, || Arc::clone(&work).run()));
    assert_eq!(flights.join(1, || Arc::clone(&work).run()).await, Some(Ok(1)));
    assert!(lock(&flights.running).is_empty());
}

#[tokio::test]
async fn st13_after_a_panic_the_waiters_start_one_more_run() {
    let (flights, runs) = (Arc::new(Flights::<u8, Outcome>::default()), Arc::new(AtomicUsize::new(0)));
    let go = Arc::new(Notify::new());
    let waiters: Vec<_> = (0..10)
        .map(|_| {
            let (flights, runs, go) = (Arc::clone(&flights), Arc::clone(&runs), Arc::clone(&go));
            tokio::spawn(async move {
                let start = || {
                    let (runs, go) = (Arc::clone(&runs), Arc::clone(&go));
                    async move {
                        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
                        go.notified().await;
                        assert_ne!(run, 1, "the first run dies");
                        Ok(run)
                    }
                };
                flights.join(1, start).await
            })
        })
        .collect();
    settle().await;
    go.notify_one();
    settle().await;
    go.notify_one();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), Some(Ok(2)));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn work_that_always_dies_ends_in_nothing_and_leaves_nothing() {
    let flights = Flights::<u8, Outcome>::default();
    let start = || async { panic!("always") };
    assert_eq!(flights.join(1, start).await, None);
    assert!(lock(&flights.running).is_empty());
}

#[tokio::test]
async fn st13_an_error_is_told_to_those_who_waited_and_not_kept() {
    let flights = Flights::<u8, Outcome>::default();
    assert_eq!(flights.join(1, || async { Err("no") }).await, Some(Err("no")));
    assert_eq!(flights.join(1, || async { Ok(1) }).await, Some(Ok(1)));
}
