//! How many calls of one identity may be under way: each takes a turn at the log, and there is one log for everybody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lakegate_domain::Principal;

use crate::Failure;

/// When somebody may come again who has too many: a turn takes some milliseconds.
const COME_AGAIN: Duration = Duration::from_millis(500);

/// So many for each identity.
#[derive(Debug, Clone)]
pub(super) struct Places {
    most: usize,
    taken: Arc<Mutex<HashMap<Principal, usize>>>,
}

/// A place that is taken; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    of: Principal,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// [`Failure::RateLimited`] when all of this identity's are taken.
    pub(super) fn take(&self, of: &Principal) -> Result<Place, Failure> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of.clone()).or_default();
        if *count >= self.most {
            return Err(Failure::RateLimited { retry_after: COME_AGAIN });
        }
        *count += 1;
        drop(taken);
        Ok(Place { places: self.clone(), of: of.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dt24_an_identity_has_so_many_places_and_nobody_is_remembered_who_has_none() {
        let places = Places::new(2);
        let [alice, bob] = ["alice", "bob"].map(|name| Principal::parse(name).unwrap());
        let (first, second) = (places.take(&alice).unwrap(), places.take(&alice).unwrap());
        assert!(matches!(places.take(&alice), Err(Failure::RateLimited { .. })));
        let other = places.take(&bob);
        assert!(other.is_ok(), "bob is somebody else");
        drop(first);
        let third = places.take(&alice);
        assert!(third.is_ok());
        drop((second, third, other));
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
