//! How many different principals one proxy acted for lately: who walks through all users is noticed.
//!
//! Counted in windows of an hour. What is kept of a principal is a keyed hash, of a proxy so many that the alarm is
//! raised, of all proxies a bounded number.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lakegate_domain::Principal;
use tokio::time::Instant;

/// How long a window is.
const WINDOW: Duration = Duration::from_hours(1);

/// The most proxies that are counted.
const PROXIES: usize = 1_024;

/// Counts for whom each proxy acts.
#[derive(Debug)]
pub(super) struct Spread {
    alarm_above: usize,
    hashing: RandomState,
    window: Mutex<Window>,
    alarms: AtomicU64,
}

#[derive(Debug)]
struct Window {
    begun: Instant,
    proxies: HashMap<Principal, HashSet<u64>>,
    /// The most that one proxy acted for.
    most: usize,
}

impl Spread {
    /// Raises an alarm when a proxy acts for more than so many different principals in an hour.
    pub(super) fn new(alarm_above: usize) -> Self {
        let window = Window { begun: Instant::now(), proxies: HashMap::new(), most: 0 };
        Self {
            alarm_above,
            hashing: RandomState::new(),
            window: Mutex::new(window),
            alarms: AtomicU64::new(0),
        }
    }

    /// The most different principals that any proxy acted for in this window, and how many alarms there were ever.
    pub(super) fn numbers(&self) -> (usize, u64) {
        (self.window().most, self.alarms.load(Ordering::Relaxed))
    }

    /// The present window; a new one when the last is over.
    fn window(&self) -> MutexGuard<'_, Window> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begun.elapsed() >= WINDOW {
            *window = Window { begun: Instant::now(), proxies: HashMap::new(), most: 0 };
        }
        window
    }

    /// Counts one call.
    pub(super) fn count(&self, real: &Principal, effective: &Principal) {
        let mut window = self.window();
        if !window.proxies.contains_key(real) && window.proxies.len() >= PROXIES {
            return;
        }
        let seen = window.proxies.entry(real.clone()).or_default();
        if seen.len() > self.alarm_above || !seen.insert(self.hashing.hash_one(effective)) {
            return;
        }
        let now = seen.len();
        window.most = window.most.max(now);
        if now > self.alarm_above {
            self.alarms.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(proxy = %real, principals = now, "a proxy acts for unusually many principals");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Principal {
        Principal::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn px11_who_walks_through_users_raises_one_alarm_in_a_window() {
        let spread = Spread::new(10);
        let walk = |count: usize| {
            (0..count).for_each(|user| spread.count(&name("admin"), &name(&format!("user-{user}"))));
            spread.numbers()
        };
        assert_eq!(walk(10), (10, 0));
        assert_eq!(walk(10), (10, 0), "the same ones again");
        assert_eq!(walk(5_000), (11, 1));
        spread.count(&name("hive"), &name("alice"));
        assert_eq!(spread.numbers(), (11, 1));
        tokio::time::advance(WINDOW).await;
        assert_eq!(spread.numbers(), (0, 1));
        assert_eq!(walk(5_000), (11, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn px11_memory_is_bounded_by_proxies_and_by_users() {
        let spread = Spread::new(10);
        for proxy in 0..5_000 {
            spread.count(&name(&format!("proxy-{proxy}")), &name("alice"));
        }
        for user in 0..5_000 {
            spread.count(&name("proxy-0"), &name(&format!("user-{user}")));
        }
        let window = spread.window.lock().unwrap();
        assert_eq!(window.proxies.len(), PROXIES);
        assert_eq!(window.proxies[&name("proxy-0")].len(), 11);
    }
}
