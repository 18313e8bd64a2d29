//! When a token may still be served and when to ask for its successor (design, section 6).
//!
//! Two clocks are kept, because each lies in its own way: wall time jumps, monotonic time stands still while a
//! machine sleeps. What is left of a token is the lesser of what both say.

use std::time::Duration;

use lakegate_domain::Timestamp;
use tokio::time::Instant;

/// Background renewals of one token are at least this far apart.
pub(crate) const RENEWAL_SPACING: Duration = Duration::from_secs(30);

/// The same instant by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) wall: Timestamp,
    pub(crate) monotonic: Instant,
}

/// The life of a token as seen from its receipt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    received: Moment,
    expires_at: Timestamp,
    whole: Duration,
    floor: Duration,
    renew_below: Duration,
}

impl Life {
    /// The life of a token received now. The broker's floor `h` is reckoned from the life left at receipt:
    /// `max(5 min, life / 6)`, at most `life / 3`. The client serves above `h / 2` and renews below `0.8 h`, or
    /// earlier when the broker said so.
    pub(crate) fn new(received: Moment, expires_at: Timestamp, refresh_after: Option<Timestamp>) -> Self {
        let whole = expires_at.since(received.wall);
        let hand_out_floor = Duration::from_mins(5).max(whole / 6).min(whole / 3);
        let asked_for = refresh_after.map_or(Duration::ZERO, |instant| expires_at.since(instant));
        let renew_below = asked_for.max(hand_out_floor * 4 / 5);
        Self { received, expires_at, whole, floor: hand_out_floor / 2, renew_below }
    }

    /// What is left, by the more pessimistic clock.
    pub(crate) fn remaining(&self, now: Moment) -> Duration {
        let by_wall = self.expires_at.since(now.wall);
        let elapsed = now.monotonic.saturating_duration_since(self.received.monotonic);
        by_wall.min(self.whole.saturating_sub(elapsed))
    }

    /// Whether the token may be served.
    pub(crate) fn serves(&self, now: Moment) -> bool {
        self.remaining(now) > self.floor
    }

    /// Whether it is time to ask for a successor.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.remaining(now) < self.renew_below
    }

    /// When the token arrived, by the monotonic clock.
    pub(crate) fn received_at(&self) -> Instant {
        self.received.monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn start() -> Moment {
        Moment { wall: Timestamp::from_seconds(1_790_000_000), monotonic: Instant::now() }
    }

    fn later(start: Moment, by: Duration) -> Moment {
        Moment { wall: start.wall.plus(by), monotonic: start.monotonic + by }
    }

    #[test]
    fn hour_token_is_renewed_below_eight_minutes_and_served_above_five() {
        let start = start();
        let life = Life::new(start, start.wall.plus(60 * MINUTE), None);
        assert!(!life.is_due(later(start, 52 * MINUTE)));
        assert!(life.is_due(later(start, 52 * MINUTE + Duration::from_secs(1))));
        assert!(life.serves(later(start, Duration::from_secs(55 * 60 - 1))));
        assert!(!life.serves(later(start, 55 * MINUTE)));
    }

    #[test]
    fn broker_may_ask_for_an_earlier_renewal_but_not_for_one_after_the_end() {
        let start = start();
        let end = start.wall.plus(60 * MINUTE);
        let early = Life::new(start, end, Some(start.wall.plus(20 * MINUTE)));
        assert!(early.is_due(later(start, 21 * MINUTE)));
        let absurd = Life::new(start, end, Some(end.plus(MINUTE)));
        assert!(absurd.is_due(later(start, 53 * MINUTE)));
    }

    #[test]
    fn cl07_a_wall_clock_set_back_a_day_does_not_lengthen_a_life() {
        let start = start();
        let life = Life::new(start, start.wall.plus(60 * MINUTE), None);
        let now = Moment {
            wall: start.wall.minus(Duration::from_hours(24)),
            monotonic: start.monotonic + 56 * MINUTE,
        };
        assert!(!life.serves(now));
        assert_eq!(life.remaining(now), 4 * MINUTE);
    }

    #[test]
    fn cl07_a_machine_that_slept_a_day_does_not_serve_its_old_token() {
        let start = start();
        let life = Life::new(start, start.wall.plus(60 * MINUTE), None);
        let woken = Moment { wall: start.wall.plus(Duration::from_hours(24)), monotonic: start.monotonic };
        assert!(!life.serves(woken));
        assert_eq!(life.remaining(woken), Duration::ZERO);
    }

    #[test]
    fn cl03_a_token_that_ended_before_it_arrived_is_never_served() {
        let start = start();
        assert!(!Life::new(start, start.wall.minus(MINUTE), None).serves(start));
        assert!(!Life::new(start, start.wall, None).serves(start));
    }
}
