//! For how long to leave a broker alone. Chance has a part in it, so that clients that lost a broker together do not come
//! back together.

use std::time::Duration;

/// For how long a broker is left alone after its first failure, at most; doubled with each further one.
const FIRST_LEAVE: Duration = Duration::from_millis(100);
/// The least time for which a broker is left alone: no chance makes a busy loop.
const LEAST_LEAVE: Duration = Duration::from_millis(25);
/// The longest time for which a broker is left alone: a request outlives it, so brokers that come back are found.
pub(super) const LONGEST_LEAVE: Duration = Duration::from_secs(5);

/// For how long to leave a broker after so many failures: any time up to a limit that doubles.
pub(super) fn leave(strikes: u32) -> Duration {
    let doublings = strikes.saturating_sub(1).min(16);
    let limit = FIRST_LEAVE.saturating_mul(1 << doublings).min(LONGEST_LEAVE);
    LEAST_LEAVE + limit.saturating_sub(LEAST_LEAVE).mul_f64(rand::random_range(0.0..1.0))
}

/// A pause of at least what was asked for and at most twice that.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.saturating_add(pause.mul_f64(rand::random_range(0.0..1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_grow_to_a_limit_and_are_never_nothing() {
        for strikes in [0, 1, 2, 5, 40, u32::MAX] {
            let longest = (0..500).map(|_| leave(strikes)).max().unwrap();
            let shortest = (0..500).map(|_| leave(strikes)).min().unwrap();
            assert!(shortest >= LEAST_LEAVE && longest <= LONGEST_LEAVE, "{strikes}");
        }
        assert!((0..500).all(|_| leave(1) <= FIRST_LEAVE));
        assert!((0..500).any(|_| leave(9) > Duration::from_secs(4)));
    }
}
