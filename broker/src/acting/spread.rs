//! How many different principals one proxy acted for, or one address named, lately: who walks through all users is
//! noticed.
//!
//! Counted in windows of an hour. What is kept of a principal is a keyed hash, of a proxy or address so many that the alarm
//! is raised, of all together a bounded number. What does not fit is counted as such: an alarm that cannot ring any more
//! must not look like one that has no reason to.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lakegate_domain::Principal;
use tokio::time::Instant;

/// How long a window is.
const WINDOW: Duration = Duration::from_hours(1);

/// The most proxies or addresses that are counted.
const COUNTED: usize = 16_384;

/// The most principals that are remembered of all of them together.
const REMEMBERED: usize = 1_000_000;

/// Counts whom each of several names.
#[derive(Debug)]
pub(super) struct Spread<K> {
    alarm_above: usize,
    hashing: RandomState,
    started: Instant,
    window: Mutex<Window<K>>,
    alarms: AtomicU64,
    uncounted: AtomicU64,
}

#[derive(Debug)]
struct Window<K> {
    number: u64,
    named: HashMap<K, HashSet<u64>>,
    /// Over all of them.
    remembered: usize,
    /// The most that one of them named.
    most: usize,
}

impl<K> Window<K> {
    fn of(number: u64) -> Self {
        Self { number, named: HashMap::new(), remembered: 0, most: 0 }
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The most different principals that any of them named in this window.
    pub(crate) most: usize,
    /// How many alarms there were ever.
    pub(crate) alarms: u64,
    /// How often there was no room to count somebody.
    pub(crate) uncounted: u64,
}

/// What one connection had counted last: the same again need not be looked up.
#[derive(Debug, Default)]
pub(crate) struct Last(AtomicU64);

impl<K: Clone + Eq + Hash> Spread<K> {
    /// Raises an alarm when one of them names more than so many different principals in an hour.
    pub(super) fn new(alarm_above: usize) -> Self {
        Self {
            alarm_above,
            hashing: RandomState::new(),
            started: Instant::now(),
            window: Mutex::new(Window::of(0)),
            alarms: AtomicU64::new(0),
            uncounted: AtomicU64::new(0),
        }
    }

    /// What was counted so far.
    pub(super) fn numbers(&self) -> Counted {
        let (alarms, uncounted) = (&self.alarms, &self.uncounted);
        Counted {
            most: self.window().most,
            alarms: alarms.load(Ordering::Relaxed),
            uncounted: uncounted.load(Ordering::Relaxed),
        }
    }

    fn number(&self) -> u64 {
        self.started.elapsed().as_secs() / WINDOW.as_secs()
    }

    /// The present window; a new one when the last is over.
    fn window(&self) -> MutexGuard<'_, Window<K>> {
        let number = self.number();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.number < number {
            *window = Window::of(number);
        }
        window
    }

    /// The same as [`Self::count`] for a connection that may have named nobody else since it did last.
    pub(super) fn count_unless(&self, last: &Last, who: &K, named: &Principal) -> Option<usize> {
        let mark = self.hashing.hash_one((self.number(), named)) | 1;
        if last.0.swap(mark, Ordering::Relaxed) == mark { None } else { self.count(who, named) }
    }

    /// Counts that somebody was named; how many it is now, when that raises the alarm.
    pub(super) fn count(&self, who: &K, named: &Principal) -> Option<usize> {
        let mark = self.hashing.hash_one(named);
        let mut window = self.window();
        let Window { named, remembered, most, .. } = &mut *window;
        let seen = named.get(who).map(|seen| (seen.len(), seen.contains(&mark)));
        match seen {
            Some((_, true)) => return None,
            // The alarm has rung.
            Some((count, _)) if count > self.alarm_above => return None,
            None if named.len() >= COUNTED => {
                self.uncounted.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            _ if *remembered >= REMEMBERED => {
                self.uncounted.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            _ => {}
        }
        let seen = named.entry(who.clone()).or_default();
        seen.insert(mark);
        let now = seen.len();
        *remembered += 1;
        *most = now.max(*most);
        (now > self.alarm_above).then(|| {
            self.alarms.fetch_add(1, Ordering::Relaxed);
            now
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Principal {
        Principal::parse(text).unwrap()
    }

    fn numbers<K: Clone + Eq + Hash>(spread: &Spread<K>) -> (usize, u64, u64) {
        let Counted { most, alarms, uncounted } = spread.numbers();
        (most, alarms, uncounted)
    }

    #[tokio::test(start_paused = true)]
    async fn px11_who_walks_through_users_raises_one_alarm_in_a_window() {
        let spread = Spread::new(10);
        let walk = |count: usize| {
            let raised =
                (0..count).filter_map(|user| spread.count(&name("admin"), &name(&format!("user-{user}"))));
            let raised: Vec<usize> = raised.collect();
            (numbers(&spread), raised)
        };
        assert_eq!(walk(10), ((10, 0, 0), vec![]));
        assert_eq!(walk(10), ((10, 0, 0), vec![]), "the same ones again");
        assert_eq!(walk(5_000), ((11, 1, 0), vec![11]));
        spread.count(&name("hive"), &name("alice"));
        assert_eq!(numbers(&spread), (11, 1, 0));
        tokio::time::advance(WINDOW).await;
        assert_eq!(numbers(&spread), (0, 1, 0));
        assert_eq!(walk(5_000), ((11, 2, 0), vec![11]));
    }

    #[tokio::test(start_paused = true)]
    async fn px11_memory_is_bounded_and_what_does_not_fit_is_told() {
        let spread = Spread::new(100);
        for proxy in 0..COUNTED + 7 {
            spread.count(&proxy, &name("alice"));
        }
        assert_eq!(numbers(&spread), (1, 0, 7));
        for user in 0..5_000 {
            spread.count(&0, &name(&format!("user-{user}")));
        }
        let kept = |window: MutexGuard<'_, Window<usize>>| {
            let kept = window.named.values().map(HashSet::len).sum::<usize>();
            assert_eq!(kept, window.remembered);
            (window.named.len(), window.named[&0].len())
        };
        assert_eq!(kept(spread.window.lock().unwrap()), (COUNTED, 101));
        for proxy in 1..=REMEMBERED / 100 {
            for user in 0..120 {
                spread.count(&proxy, &name(&format!("user-{user}")));
            }
        }
        assert_eq!(spread.window.lock().unwrap().remembered, REMEMBERED);
        assert!(numbers(&spread).2 > 7);
    }

    #[tokio::test(start_paused = true)]
    async fn px11_a_connection_counts_whom_it_names_again_in_each_window() {
        let (spread, last) = (Spread::new(10), Last::default());
        for _ in 0..2 {
            assert_eq!(numbers(&spread).0, 0);
            for user in ["alice", "alice", "bob", "alice"] {
                spread.count_unless(&last, &1, &name(user));
            }
            assert_eq!(numbers(&spread).0, 2);
            tokio::time::advance(WINDOW).await;
        }
    }
}
