//! What is killed under load, and that no call on a warmed scope is lost by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lakegate_domain::{Operation, OperationSet};
use tokio::task::JoinSet;

use crate::processes::{Jobs, Lake};

/// Jobs that run at once.
const AT_ONCE: usize = 4;

/// Calls that are answered before the blow, and again after it.
const CALLS: usize = 60;

/// Places below warmed scopes of alice.
const PLACES: [&str; 3] = [
    "gs://lake-sample/warehouse/sales/us/2026-11-01/part-0.csv",
    "gs://lake-sample/warehouse/exports/README.txt",
    "gs://lake-sample/scratch/analysts/notes.txt",
];

/// Jobs that each start with an empty client tier, ask once and end, one after the other.
struct Load {
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    running: JoinSet<Result<(), String>>,
}

impl Load {
    fn of(jobs: &Jobs) -> Self {
        let (answered, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut running = JoinSet::new();
        for first in 0..AT_ONCE {
            let (jobs, answered, stop) = (jobs.clone(), Arc::clone(&answered), Arc::clone(&stop));
            running.spawn(async move {
                for place in PLACES.iter().cycle().skip(first) {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let token = jobs.client().token_for(*place, OperationSet::of(&[Operation::Read])).await;
                    token.map_err(|error| format!("{place}: {error} ({error:?})"))?;
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            });
        }
        Self { answered, stop, running }
    }

    /// Waits for so many more answers; a job that lost its call ends the test.
    async fn go_on(&mut self, lake: &Lake) {
        let wanted = self.answered.load(Ordering::SeqCst) + CALLS;
        let (answered, running) = (Arc::clone(&self.answered), &mut self.running);
        let enough = lake.until("more answers", || answered.load(Ordering::SeqCst) >= wanted);
        tokio::select! {
            () = enough => {}
            lost = running.join_next() => panic!("a call was lost: {lost:?}\n{}", lake.logs()),
        }
    }

    async fn end(self, lake: &Lake) {
        self.stop.store(true, Ordering::SeqCst);
        for outcome in self.running.join_all().await {
            assert_eq!(outcome, Ok(()), "{}", lake.logs());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_redis_loses_no_call_on_warmed_scopes() {
    let mut lake = Lake::start().await;
    let mut load = Load::of(&lake.jobs("alice"));
    load.go_on(&lake).await;
    lake.kill_redis();
    load.go_on(&lake).await;
    load.end(&lake).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_a_broker_loses_no_call_on_warmed_scopes() {
    let mut lake = Lake::start().await;
    let mut load = Load::of(&lake.jobs("alice"));
    load.go_on(&lake).await;
    lake.kill_broker(1);
    load.go_on(&lake).await;
    load.end(&lake).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_token_service_and_then_redis_loses_no_call_on_warmed_scopes() {
    let mut lake = Lake::start().await;
    let mut load = Load::of(&lake.jobs("alice"));
    load.go_on(&lake).await;
    lake.cloud.shutdown().await;
    load.go_on(&lake).await;
    lake.kill_redis();
    load.go_on(&lake).await;
    load.end(&lake).await;
}
