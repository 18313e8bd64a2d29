//! Both clocks at once, cheaply: a hit of the client tier costs less than a look at the wall clock.
//!
//! Monotonic time is read every time. Wall time is read again when 10 ms of monotonic time have passed; in between it
//! is as old as that, which matters to nobody whose margins are minutes. Nothing ticks in the background, so a
//! process that was stopped for an hour finds out on its first look.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use lakegate_domain::{Clock, Timestamp};
use tokio::time::Instant;

use crate::freshness::Moment;

/// How old a reading of wall time may be.
const WALL_GRANULARITY: Duration = Duration::from_millis(10);

/// A wall clock and the monotonic one.
#[derive(Debug)]
pub(crate) struct Watch {
    clock: Arc<dyn Clock>,
    epoch: Instant,
    /// Wall time when it was last read, in milliseconds.
    wall: AtomicI64,
    /// Microseconds after `epoch` until which that reading is good.
    good_until: AtomicU64,
}

impl Watch {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, epoch: Instant::now(), wall: AtomicI64::new(0), good_until: AtomicU64::new(0) }
    }

    /// Now, by both clocks.
    pub(crate) fn now(&self) -> Moment {
        let monotonic = Instant::now();
        let since = micros(monotonic.saturating_duration_since(self.epoch));
        if since < self.good_until.load(Ordering::Acquire) {
            return Moment { wall: Timestamp::from_millis(self.wall.load(Ordering::Relaxed)), monotonic };
        }
        let wall = self.clock.now();
        self.wall.store(wall.as_millis(), Ordering::Relaxed);
        self.good_until.store(since.saturating_add(micros(WALL_GRANULARITY)), Ordering::Release);
        Moment { wall, monotonic }
    }

    /// Now, with wall time read in any case.
    pub(crate) fn exact(&self) -> Moment {
        Moment { wall: self.clock.now(), monotonic: Instant::now() }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use lakegate_domain::ManualClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn wall_time_is_never_older_than_its_granularity() {
        let start = Timestamp::from_seconds(1_790_000_000);
        let clock = Arc::new(ManualClock::at(start));
        let watch = Watch::new(Arc::clone(&clock) as _);
        assert_eq!(watch.now().wall, start);
        clock.set(start.plus(Duration::from_hours(24)));
        assert_eq!(watch.now().wall, start, "read a moment ago");
        assert_eq!(watch.exact().wall, clock.now());
        tokio::time::advance(WALL_GRANULARITY).await;
        assert_eq!(watch.now().wall, clock.now());
        clock.set(start);
        tokio::time::advance(WALL_GRANULARITY).await;
        assert_eq!(watch.now().wall, start, "wall time may go back");
    }
}
