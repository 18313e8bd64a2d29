//! How old the policy in force may be.
//!
//! A source that cannot be read and a source that holds a bad document are different things. Cut off, a broker may
//! miss a right that was taken away, so everything stops in the end. A bad document was reached: what is in force
//! stays (invariant 10), with an alarm, since a typing error must not become an outage. Classes marked strict want
//! to be sure that the policy in force is what the source says, so they stop on either.

use std::time::Duration;

use lakegate_host::PolicyFeed;

use crate::BuildError;

/// The longest time for which classes marked strict are served without certainty (invariant 11).
const LONGEST_STRICT: Duration = Duration::from_secs(10);

/// How long a broker goes on that is not sure of its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StalenessBounds {
    cut_off: Duration,
    strict: Duration,
}

impl StalenessBounds {
    /// So long for everybody when the source cannot be read, and so long for strict classes whatever the reason.
    ///
    /// # Errors
    /// [`BuildError::StrictStaleness`] beyond ten seconds.
    pub fn new(cut_off: Duration, strict: Duration) -> Result<Self, BuildError> {
        if strict > LONGEST_STRICT { Err(BuildError::StrictStaleness) } else { Ok(Self { cut_off, strict }) }
    }

    /// Whether a feed is cut off for so long that nobody is served.
    pub(crate) fn is_over(&self, feed: &PolicyFeed) -> bool {
        self.ends_at(feed.cut_off_for())
    }

    /// Whether a feed is unconfirmed for so long that strict classes are not served.
    pub(crate) fn is_over_for_strict(&self, feed: &PolicyFeed) -> bool {
        self.ends_for_strict_at(feed.age())
    }

    /// Whether something that was last known so long ago is too old for anybody.
    pub(crate) fn ends_at(&self, age: Duration) -> bool {
        age > self.cut_off
    }

    /// Whether it is too old for strict classes.
    pub(crate) fn ends_for_strict_at(&self, age: Duration) -> bool {
        age > self.strict
    }
}

impl Default for StalenessBounds {
    /// Half an hour, and ten seconds.
    fn default() -> Self {
        Self { cut_off: Duration::from_mins(30), strict: LONGEST_STRICT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_means_ten_seconds_at_most() {
        let of = |strict| StalenessBounds::new(Duration::from_mins(30), Duration::from_secs(strict));
        assert_eq!(of(10).unwrap(), StalenessBounds::default());
        assert!(of(1).is_ok());
        assert!(matches!(of(11), Err(BuildError::StrictStaleness)));
    }
}
