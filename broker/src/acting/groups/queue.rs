//! Who waits for a look-up: a bounded number, and of those a share for each caller that asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lakegate_domain::Principal;

/// The most look-ups that wait.
pub(super) const PLACES: usize = 256;

/// The most that wait because of one caller: a proxy that names thousands of people keeps nobody else out.
pub(super) const SHARE: usize = 32;

/// The look-ups that wait, by who asked for them.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<HashMap<Principal, usize>>);

/// A place among those that wait; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    queue: Arc<Queue>,
    asker: Principal,
}

impl Queue {
    /// A place for one more look-up that this caller asks for; none when all are taken, or all of its own.
    pub(super) fn place(self: &Arc<Self>, asker: &Principal) -> Option<Place> {
        let mut waiting = self.waiting();
        let own = waiting.get(asker).copied().unwrap_or_default();
        if own >= SHARE || waiting.values().sum::<usize>() >= PLACES {
            return None;
        }
        waiting.insert(asker.clone(), own + 1);
        Some(Place { queue: Arc::clone(self), asker: asker.clone() })
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Principal, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting();
        match waiting.get_mut(&self.asker) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(waiting.remove(&self.asker)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_and_come_back() {
        let queue = Arc::new(Queue::default());
        let name = |number: usize| Principal::parse(&format!("proxy-{number}")).unwrap();
        let of_one: Vec<_> = std::iter::from_fn(|| queue.place(&name(0))).collect();
        assert_eq!(of_one.len(), SHARE);
        let of_others: Vec<_> = (1..=PLACES).filter_map(|number| queue.place(&name(number))).collect();
        assert_eq!(of_others.len(), PLACES - SHARE);
        drop(of_one);
        assert!(queue.place(&name(0)).is_some());
        drop(of_others);
        assert!(queue.waiting().is_empty(), "nothing is remembered of those who left");
    }
}
