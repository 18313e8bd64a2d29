//! How long an answer usually takes, to know when one is late.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many of the last answers count.
const REMEMBERED: usize = 128;
/// With fewer answers than this nothing is known yet.
const FEWEST: usize = 8;
/// An answer is not late before this: the cloud may be making a token, and asking twice would make two.
const EARLIEST: Duration = Duration::from_millis(100);
/// An answer is late after this, however slow the others were.
const LATEST: Duration = Duration::from_secs(1);
/// When an answer is late as long as nothing is known.
const UNKNOWN: Duration = Duration::from_millis(500);

/// The times that the last answers took, in microseconds, the oldest overwritten first.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    micros: Vec<u32>,
    next: usize,
}

impl Pace {
    /// Counts an answer, or an attempt that was given up after so long.
    pub(super) fn took(&self, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = times.next;
        match times.micros.get_mut(next) {
            Some(slot) => *slot = micros,
            None => times.micros.push(micros),
        }
        times.next = (next + 1) % REMEMBERED;
    }

    /// After how long an answer is late: later than 95 of 100 were.
    pub(super) fn late_after(&self) -> Duration {
        let mut micros = self.0.lock().unwrap_or_else(PoisonError::into_inner).micros.clone();
        if micros.len() < FEWEST {
            return UNKNOWN;
        }
        let at = (micros.len() * 95 / 100).min(micros.len() - 1);
        let (_, late, _) = micros.select_nth_unstable(at);
        Duration::from_micros(u64::from(*late)).clamp(EARLIEST, LATEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(millis: impl Iterator<Item = u64>) -> Duration {
        let pace = Pace::default();
        millis.for_each(|millis| pace.took(Duration::from_millis(millis)));
        pace.late_after()
    }

    #[test]
    fn what_is_late_follows_the_slowest_twentieth_within_bounds() {
        assert_eq!(after(std::iter::repeat_n(1, 7)), UNKNOWN);
        assert_eq!(after(std::iter::repeat_n(1, 8)), EARLIEST);
        assert_eq!(after(std::iter::repeat_n(60_000, 8)), LATEST);
        assert_eq!(after((0..100).map(|i| if i < 90 { 1 } else { 300 })), Duration::from_millis(300));
        assert_eq!(after((0..100).map(|i| if i < 97 { 1 } else { 300 })), EARLIEST);
    }

    #[test]
    fn old_answers_are_forgotten() {
        let slow_then_quick = std::iter::repeat_n(900, 500).chain(std::iter::repeat_n(200, REMEMBERED));
        assert_eq!(after(slow_then_quick), Duration::from_millis(200));
    }
}
