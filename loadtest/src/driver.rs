//! Starts every call when it is due and times it from when it was due.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::{LoadError, Schedule};

/// What a call that panicked or was aborted counts as.
const BROKEN: &str = "call did not finish";

/// The longest time that is told apart, one hour in nanoseconds; a longer one counts as this.
const LONGEST: u64 = 3_600_000_000_000;

/// How the driver waits for the next arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// By the runtime's timer: starts up to about a millisecond late, and leaves the core to others.
    Timer,
    /// By yielding until the time has come: starts on time, and keeps a core busy.
    Yielding,
}

/// What was seen. Times are in nanoseconds; failed calls are counted and not timed.
#[derive(Debug)]
pub struct Measurement {
    /// From the intended start to the answer: what a user would have waited.
    pub latency: Histogram<u64>,
    /// From the actual start to the answer: what the call itself took.
    pub service: Histogram<u64>,
    /// Failed calls by kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// From the first intended start to the last answer.
    pub elapsed: Duration,
}

struct Sample {
    latency: Duration,
    service: Duration,
    outcome: Result<(), &'static str>,
}

/// Runs a schedule against an async function, which is given the number of the call.
///
/// Calls are never held back: when answers are slow, calls pile up, as they would in front of a real service.
///
/// # Errors
/// [`LoadError::Histogram`] when memory for the histograms cannot be laid out.
pub async fn drive<F, Call>(schedule: Schedule, pacing: Pacing, call: F) -> Result<Measurement, LoadError>
where
    F: Fn(u64) -> Call,
    Call: Future<Output = Result<(), &'static str>> + Send + 'static,
{
    let mut seen = Measurement::new()?;
    let mut running = JoinSet::new();
    let start = Instant::now();
    for number in 0..schedule.arrivals() {
        let intended = start + schedule.offset(number);
        wait(intended, pacing).await;
        running.spawn(timed(intended, call(number)));
        while let Some(finished) = running.try_join_next() {
            seen.record(finished);
        }
    }
    while let Some(finished) = running.join_next().await {
        seen.record(finished);
    }
    seen.elapsed = start.elapsed();
    Ok(seen)
}

async fn wait(until: Instant, pacing: Pacing) {
    match pacing {
        Pacing::Timer if Instant::now() < until => sleep_until(until).await,
        Pacing::Timer => {}
        Pacing::Yielding => {
            while Instant::now() < until {
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn timed(intended: Instant, call: impl Future<Output = Result<(), &'static str>>) -> Sample {
    let started = Instant::now();
    let outcome = call.await;
    Sample { latency: intended.elapsed(), service: started.elapsed(), outcome }
}

impl Measurement {
    fn new() -> Result<Self, LoadError> {
        Ok(Self {
            latency: Histogram::new_with_max(LONGEST, 3)?,
            service: Histogram::new_with_max(LONGEST, 3)?,
            failures: BTreeMap::new(),
            elapsed: Duration::ZERO,
        })
    }

    fn record(&mut self, finished: Result<Sample, JoinError>) {
        let (sample, outcome) = match finished {
            Ok(sample) => (Some((sample.latency, sample.service)), sample.outcome),
            Err(_) => (None, Err(BROKEN)),
        };
        match (sample, outcome) {
            (Some((latency, service)), Ok(())) => {
                self.latency.saturating_record(nanos(latency));
                self.service.saturating_record(nanos(service));
            }
            (_, Err(kind)) => *self.failures.entry(kind).or_insert(0) += 1,
            (None, Ok(())) => {}
        }
    }

    /// Failed calls of all kinds.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Mutex;
    use tokio::time::sleep;

    use super::*;

    fn schedule(per_second: u32, seconds: u64) -> Schedule {
        Schedule::new(per_second, Duration::from_secs(seconds)).unwrap()
    }

    fn millis(nanos: u64) -> u64 {
        (nanos + 500_000) / 1_000_000
    }

    #[tokio::test(start_paused = true)]
    async fn every_call_is_made_at_its_time() {
        let seen = drive(schedule(100, 10), Pacing::Timer, |_| async {
            sleep(Duration::from_millis(7)).await;
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!((seen.latency.len(), seen.failed()), (1_000, 0));
        assert_eq!(millis(seen.latency.value_at_quantile(0.5)), 7);
        assert_eq!(seen.elapsed.as_millis() / 10, 999, "{:?}", seen.elapsed);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_answers_do_not_hold_back_arrivals() {
        let seen = drive(schedule(1_000, 1), Pacing::Timer, |_| async {
            sleep(Duration::from_secs(5)).await;
            Ok(())
        })
        .await
        .unwrap();
        assert!(seen.elapsed < Duration::from_millis(6_100), "{:?}", seen.elapsed);
        assert_eq!(seen.latency.len(), 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_charged_to_every_call_that_waited_for_it() {
        // One call at a time; call 0 holds the place for a second while 100 more arrive behind it.
        let place = Arc::new(Mutex::new(()));
        let seen = drive(schedule(100, 2), Pacing::Timer, move |number| {
            let place = Arc::clone(&place);
            async move {
                let _held = place.lock().await;
                if number == 0 {
                    sleep(Duration::from_secs(1)).await;
                }
                Ok(())
            }
        })
        .await
        .unwrap();
        let waited = seen.latency.count_between(100_000_000, LONGEST);
        assert!((89..=92).contains(&waited), "{waited} calls waited for 100 ms or more");
        assert_eq!(millis(seen.latency.max()) / 10, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_was_late_counts_from_when_it_was_due() {
        // Call 0 takes the whole process away for a second: nothing else can start meanwhile.
        let seen = drive(schedule(100, 2), Pacing::Timer, |number| async move {
            if number == 0 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            Ok(())
        })
        .await
        .unwrap();
        let late = seen.latency.count_between(100_000_000, LONGEST);
        assert!((89..=92).contains(&late), "{late} calls were 100 ms late or more");
        assert_eq!(seen.service.count_between(100_000_000, LONGEST), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_by_kind_and_not_timed() {
        let seen = drive(schedule(10, 1), Pacing::Timer, |number| async move {
            match number {
                0 => panic!("a call may break"),
                1..=3 => Err("denied"),
                _ => Ok(()),
            }
        })
        .await
        .unwrap();
        assert_eq!(seen.failures, BTreeMap::from([("denied", 3), (BROKEN, 1)]));
        assert_eq!((seen.latency.len(), seen.failed()), (6, 4));
    }

    #[tokio::test]
    async fn yielding_keeps_time_without_the_timer() {
        let seen = drive(schedule(1_000, 1), Pacing::Yielding, |_| async { Ok(()) }).await.unwrap();
        assert_eq!(seen.latency.len(), 1_000);
        assert!(seen.elapsed >= Duration::from_millis(999), "{:?}", seen.elapsed);
    }
}
