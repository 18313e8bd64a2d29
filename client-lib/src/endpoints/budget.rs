//! What repeating may cost: a tenth of the requests, and a little for a client that asks rarely.
//!
//! Without a bound, brokers that are slow because too much is asked of them would be asked even more. The last of it
//! is kept for scouts: the one request that finds out whether a broker which has stopped answering is lost, so that
//! all others may leave it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What a request adds.
const SHARE: f64 = 0.1;
/// The most that requests can save up.
const MOST: f64 = 10.0;
/// What a client starts with, and what time alone gives back.
const FLOOR: f64 = 6.0;
/// What is kept for scouts.
const FOR_SCOUTS: f64 = 3.0;
/// How long it takes until time alone gives back one repetition.
const FLOOR_PERIOD: Duration = Duration::from_mins(1);

/// Repetitions that may still be made.
#[derive(Debug)]
pub(super) struct Budget(Mutex<Purse>);

#[derive(Debug)]
struct Purse {
    saved: f64,
    looked_at: Instant,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Purse { saved: FLOOR, looked_at: Instant::now() }))
    }

    /// A request is made.
    pub(super) fn earn(&self) {
        self.with(|saved| *saved = (*saved + SHARE).min(MOST));
    }

    /// Pays for one repetition; tells whether it may be made.
    pub(super) fn pay(&self) -> bool {
        self.with(|saved| spend(saved, FOR_SCOUTS))
    }

    /// Pays for a scout.
    pub(super) fn pay_scout(&self) -> bool {
        self.with(|saved| spend(saved, 0.0))
    }

    fn with<R>(&self, act: impl FnOnce(&mut f64) -> R) -> R {
        let mut purse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = now.saturating_duration_since(purse.looked_at).as_secs_f64();
        purse.looked_at = now;
        if purse.saved < FLOOR {
            purse.saved = (purse.saved + passed / FLOOR_PERIOD.as_secs_f64()).min(FLOOR);
        }
        act(&mut purse.saved)
    }
}

fn spend(saved: &mut f64, keep: f64) -> bool {
    let enough = *saved >= keep + 1.0;
    if enough {
        *saved -= 1.0;
    }
    enough
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(budget: &Budget) -> usize {
        (0..1_000).take_while(|_| budget.pay()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenth_of_the_requests_may_be_repeated_and_no_more_than_saved_up() {
        let budget = Budget::new();
        assert_eq!(paid(&budget), 3, "a client starts with a few");
        (0..55).for_each(|_| budget.earn());
        assert_eq!(paid(&budget), 5);
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!(paid(&budget), 7);
        assert_eq!((0..9).filter(|_| budget.pay_scout()).count(), 3, "three are kept for scouts");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_rarely_gets_a_few_back_in_time() {
        let budget = Budget::new();
        paid(&budget);
        tokio::time::advance(FLOOR_PERIOD + Duration::from_secs(1)).await;
        assert_eq!(paid(&budget), 1);
        tokio::time::advance(100 * FLOOR_PERIOD).await;
        assert_eq!(paid(&budget), 3);
    }
}
