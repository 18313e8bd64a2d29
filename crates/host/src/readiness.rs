//! Whether a process may be sent work: named conditions, all of which must hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Check = Arc<dyn Fn() -> bool + Send + Sync>;

/// The conditions of a process. Clones share them. Without any it is not ready: it is still starting.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<String, Check>>>);

impl Readiness {
    /// No condition yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition that is asked at every look; one of the same name is replaced. The check must be quick.
    pub fn require(&self, name: &str, check: impl Fn() -> bool + Send + Sync + 'static) {
        let mut conditions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.insert(name.to_owned(), Arc::new(check));
    }

    /// Adds a condition that somebody sets; not met at first.
    pub fn condition(&self, name: &str) -> Condition {
        let state = Arc::new(AtomicBool::new(false));
        let condition = Condition(Arc::clone(&state));
        self.require(name, move || state.load(Ordering::Acquire));
        condition
    }

    /// The conditions that do not hold, by name; none when the process is ready.
    pub fn missing(&self) -> Vec<String> {
        let conditions = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if conditions.is_empty() {
            return vec!["started".to_owned()];
        }
        conditions.into_iter().filter(|(_, check)| !check()).map(|(name, _)| name).collect()
    }

    /// Whether all conditions hold.
    pub fn is_ready(&self) -> bool {
        self.missing().is_empty()
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("missing", &self.missing()).finish()
    }
}

/// A condition that somebody sets.
#[derive(Debug, Clone)]
pub struct Condition(Arc<AtomicBool>);

impl Condition {
    /// The condition holds.
    pub fn met(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// The condition does not hold.
    pub fn unmet(&self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_condition_holds_and_not_before_it_has_one() {
        let readiness = Readiness::new();
        assert_eq!(readiness.missing(), ["started"]);
        let store = readiness.condition("store");
        readiness.clone().require("policy", || true);
        assert_eq!(readiness.missing(), ["store"]);
        store.met();
        assert!(readiness.is_ready());
        store.unmet();
        readiness.require("policy", || false);
        assert_eq!(readiness.missing(), ["policy", "store"]);
    }
}
