//! The quota of token exchanges: so many in any 60 seconds.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lakegate_domain::Timestamp;

const WINDOW: Duration = Duration::from_mins(1);

/// A sliding window of granted calls. A refused call costs nothing.
#[derive(Debug)]
pub(crate) struct Quota {
    per_minute: u32,
    granted: Mutex<VecDeque<Timestamp>>,
}

impl Quota {
    /// A quota of so many calls in any 60 seconds.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, granted: Mutex::default() }
    }

    /// Takes one call out of the window that ends now; false when it is spent.
    pub(crate) fn take(&self, now: Timestamp) -> bool {
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        while granted.front().is_some_and(|first| now.since(*first) >= WINDOW) {
            granted.pop_front();
        }
        let room = granted.len() < usize::try_from(self.per_minute).unwrap_or(usize::MAX);
        if room {
            granted.push_back(now);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides_and_refusals_are_free() {
        let quota = Quota::new(2);
        let at = Timestamp::from_seconds;
        assert!(quota.take(at(0)) && quota.take(at(30)));
        assert!(!quota.take(at(59)));
        assert!(quota.take(at(60)));
        assert!(!quota.take(at(89)));
        assert!(quota.take(at(90)));
    }
}
