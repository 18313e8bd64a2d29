//! How old something is that was taken from files.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// When the files of an item were last seen to hold what is in force, in tokio's time.
#[derive(Debug)]
pub struct Confirmed {
    started: Instant,
    /// Milliseconds from `started`.
    at: AtomicU64,
}

impl Confirmed {
    /// Something that was read just now.
    pub fn now() -> Self {
        Self { started: Instant::now(), at: AtomicU64::new(0) }
    }

    /// How long ago the files were last seen to hold what is in force. It grows while they cannot be read and while
    /// what they hold is refused.
    pub fn age(&self) -> Duration {
        let at = Duration::from_millis(self.at.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(at)
    }

    /// Notes that they did at this instant.
    pub(super) fn since(&self, instant: Instant) {
        let after = instant.saturating_duration_since(self.started).as_millis();
        self.at.fetch_max(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn age_grows_until_it_is_confirmed_again() {
        let confirmed = Confirmed::now();
        let pass = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        pass(7).await;
        assert_eq!(confirmed.age(), Duration::from_secs(7));
        let look = Instant::now();
        pass(2).await;
        confirmed.since(look);
        assert_eq!(confirmed.age(), Duration::from_secs(2), "since the look began");
        confirmed.since(look - Duration::from_secs(5));
        assert_eq!(confirmed.age(), Duration::from_secs(2), "a late word of an older look changes nothing");
    }
}
