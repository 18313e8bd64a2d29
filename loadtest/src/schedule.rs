//! When calls begin: evenly, at a fixed rate, fixed before the first one.

use std::time::Duration;

use crate::LoadError;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// Evenly spaced arrivals.
///
/// - the first arrival is at offset zero;
/// - the offset of an arrival depends on its number alone, never on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    per_second: u32,
    arrivals: u64,
}

impl Schedule {
    /// So many calls a second, for so long.
    ///
    /// # Errors
    /// [`LoadError::NoRate`] when the rate is zero.
    pub fn new(per_second: u32, length: Duration) -> Result<Self, LoadError> {
        if per_second == 0 {
            return Err(LoadError::NoRate);
        }
        let arrivals = length.as_nanos() * u128::from(per_second) / NANOS_PER_SECOND;
        Ok(Self { per_second, arrivals: u64::try_from(arrivals).unwrap_or(u64::MAX) })
    }

    /// Calls a second.
    pub fn per_second(&self) -> u32 {
        self.per_second
    }

    /// Calls altogether.
    pub fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// How long after the start the call of this number is meant to begin.
    pub fn offset(&self, number: u64) -> Duration {
        let nanos = u128::from(number) * NANOS_PER_SECOND / u128::from(self.per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_evenly_spaced_and_do_not_drift() {
        let schedule = Schedule::new(3, Duration::from_secs(100)).unwrap();
        assert_eq!(schedule.arrivals(), 300);
        assert_eq!(schedule.offset(0), Duration::ZERO);
        assert_eq!(schedule.offset(1), Duration::from_nanos(333_333_333));
        assert_eq!(schedule.offset(300), Duration::from_secs(100));
    }

    #[test]
    fn a_rate_of_zero_is_refused() {
        assert!(matches!(Schedule::new(0, Duration::from_secs(1)), Err(LoadError::NoRate)));
    }

    #[test]
    fn a_part_of_a_second_has_its_part_of_the_calls() {
        assert_eq!(Schedule::new(1_000, Duration::from_millis(250)).unwrap().arrivals(), 250);
        assert_eq!(Schedule::new(1, Duration::from_millis(999)).unwrap().arrivals(), 0);
    }
}
