//! Token buckets by key, in bounded memory: requests by address and by identity, mintings by principal.
//!
//! A bucket that is full again tells nothing that a new one would not, so it is forgotten. What is remembered is
//! whoever spent something lately.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Above so many remembered keys, those with a full bucket are forgotten.
const REMEMBERED: usize = 10_000;

/// After so many checks it is seen whether there are too many keys; so no flood of checks is a flood of sweeps.
const CHECKS: u32 = 4_096;

/// A bucket for each key, all of one size.
pub(crate) struct Buckets<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    checks: AtomicU32,
    size: NonZeroU32,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Buckets of this size, refilled at this pace.
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
            size: quota.burst_size(),
        }
    }

    /// Takes one out of a key's bucket.
    ///
    /// # Errors
    /// How long to wait until there is one.
    pub(crate) fn spend(&self, key: &K) -> Result<(), Duration> {
        self.spend_many(key, NonZeroU32::MIN)
    }

    /// Takes so many out of a key's bucket, or all that a full one holds when that is less.
    ///
    /// # Errors
    /// How long to wait until there are so many.
    pub(crate) fn spend_many(&self, key: &K, count: NonZeroU32) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS == CHECKS - 1 && self.len() > REMEMBERED {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        match self.limiter.check_key_n(key, count.min(self.size)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(spent)) => Err(spent.wait_time_from(self.clock.now())),
            // A full bucket holds as many as are asked for.
            Err(_) => Err(Duration::ZERO),
        }
    }

    /// How many keys are remembered.
    pub(crate) fn len(&self) -> usize {
        self.limiter.len()
    }
}

impl<K: Hash + Eq + Clone> std::fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buckets").field("remembered", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_hour(count: u32) -> Quota {
        Quota::per_hour(NonZeroU32::new(count).unwrap())
    }

    #[test]
    fn a_spent_bucket_says_when_to_come_back_and_concerns_nobody_else() {
        let buckets = Buckets::new(per_hour(2));
        assert_eq!((buckets.spend(&1), buckets.spend(&1)), (Ok(()), Ok(())));
        assert!(buckets.spend(&1).unwrap_err() > Duration::from_secs(1));
        assert_eq!(buckets.spend(&2), Ok(()));
    }

    #[test]
    fn many_at_once_are_taken_whole_or_not_at_all() {
        let buckets = Buckets::new(per_hour(10));
        let many = |count| NonZeroU32::new(count).unwrap();
        assert_eq!(buckets.spend_many(&1, many(6)), Ok(()));
        assert!(buckets.spend_many(&1, many(5)).is_err());
        assert_eq!(buckets.spend_many(&1, many(4)), Ok(()));
        assert_eq!(buckets.spend_many(&2, many(1_000)), Ok(()), "a full bucket is enough for the largest");
        assert!(buckets.spend(&2).is_err());
    }

    #[test]
    fn lg05_gh14_a_million_random_names_are_not_remembered() {
        let buckets = Buckets::new(Quota::per_second(NonZeroU32::new(1_000_000).unwrap()));
        for name in 0..1_000_000_u64 {
            assert!(buckets.spend(&name).is_ok());
        }
        assert!(buckets.len() < 50_000, "{}", buckets.len());
    }
}
