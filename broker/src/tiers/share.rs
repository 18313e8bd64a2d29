//! Each principal's share of the miss reserve, spent by scopes that nobody shares.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use lakegate_domain::Principal;

/// Above so many remembered principals, those with a full share are forgotten.
const REMEMBERED: usize = 10_000;

/// How many narrowed scopes a principal may have minted.
pub struct NarrowedShare {
    limiter: DefaultKeyedRateLimiter<Principal>,
}

impl std::fmt::Debug for NarrowedShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NarrowedShare").field("remembered", &self.limiter.len()).finish()
    }
}

impl NarrowedShare {
    /// A share of so many mintings a minute for each principal.
    pub fn per_minute(mintings: NonZeroU32) -> Self {
        Self { limiter: RateLimiter::keyed(Quota::per_minute(mintings)) }
    }

    /// Spends one minting of a principal's share.
    ///
    /// # Errors
    /// How long to wait when the share is spent.
    pub fn spend(&self, principal: &Principal) -> Result<(), Duration> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(principal).map_err(|spent| spent.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_principal_cannot_spend_anothers_share() {
        let share = NarrowedShare::per_minute(NonZeroU32::new(2).unwrap());
        let (alice, bob) = (Principal::parse("alice").unwrap(), Principal::parse("bob").unwrap());
        assert!(share.spend(&alice).is_ok());
        assert!(share.spend(&alice).is_ok());
        assert!(share.spend(&alice).unwrap_err() > Duration::ZERO);
        assert!(share.spend(&bob).is_ok());
    }
}
