//! When each scope is looked at next: earliest deadline first, by the monotonic clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::time::Duration;

use lakegate_domain::{AccessToken, Timestamp};
use lakegate_policy::ScopeKey;
use tokio::time::Instant;

/// The part of a token's life after which it is renewed.
const RENEW_AT: f64 = 0.55;

/// How far renewals of tokens made at one time are spread, as a part of their life, to either side.
const SPREAD: f64 = 0.05;

/// Waiting scopes, the most urgent first. A scope is in it once, or out while a worker has it.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    waiting: BinaryHeap<Reverse<(Instant, ScopeKey)>>,
    known: HashSet<ScopeKey>,
}

impl Schedule {
    /// Adds scopes that are new, due now.
    pub(crate) fn add_new(&mut self, keys: Vec<ScopeKey>, now: Instant) {
        for key in keys {
            self.known.insert(key);
            self.waiting.push(Reverse((now, key)));
        }
    }

    /// Everything that is waiting or being worked on.
    pub(crate) fn known(&self) -> &HashSet<ScopeKey> {
        &self.known
    }

    /// Puts a scope back, due after a while.
    pub(crate) fn put_back(&mut self, key: ScopeKey, due: Instant) {
        self.waiting.push(Reverse((due, key)));
    }

    /// Makes everything that waits due now.
    pub(crate) fn all_due(&mut self, now: Instant) {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting = waiting.into_iter().map(|Reverse((due, key))| Reverse((due.min(now), key))).collect();
    }

    /// Forgets a scope that a worker has.
    pub(crate) fn forget(&mut self, key: ScopeKey) {
        self.known.remove(&key);
    }

    /// Takes the most urgent scope if it is due.
    ///
    /// # Errors
    /// The instant to come again, when nothing is due; none when nothing waits.
    pub(crate) fn take_due(&mut self, now: Instant) -> Result<ScopeKey, Option<Instant>> {
        match self.waiting.peek() {
            Some(Reverse((due, _))) if *due > now => Err(Some(*due)),
            Some(_) => self.waiting.pop().map(|Reverse((_, key))| key).ok_or(None),
            None => Err(None),
        }
    }
}

/// How long until a token should be renewed. `luck` is from 0 to 1 and spreads renewals.
pub(crate) fn until_renewal(token: &AccessToken, now: Timestamp, luck: f64) -> Duration {
    let part = RENEW_AT + SPREAD * (2.0 * luck - 1.0);
    let renew_at = token.minted_at.plus(token.life().mul_f64(part.clamp(0.0, 1.0)));
    renew_at.since(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakegate_domain::{Credential, ScopeTag, Secret};

    fn token(minted: i64, expires: i64) -> AccessToken {
        AccessToken {
            credential: Credential::Bearer(Secret::new("t".to_owned())),
            minted_at: Timestamp::from_seconds(minted),
            expires_at: Timestamp::from_seconds(expires),
            scope_tag: ScopeTag([0; 16]),
            snapshot: 1,
        }
    }

    #[test]
    fn gn05_renewals_are_spread_by_ten_percent_of_the_life() {
        let now = Timestamp::from_seconds(0);
        let hour = token(0, 3600);
        assert_eq!(until_renewal(&hour, now, 0.0).as_secs(), 1800);
        assert_eq!(until_renewal(&hour, now, 0.5).as_secs(), 1980);
        assert_eq!(until_renewal(&hour, now, 1.0).as_secs(), 2160);
    }

    #[test]
    fn a_token_past_its_renewal_is_due_at_once() {
        assert_eq!(until_renewal(&token(0, 3600), Timestamp::from_seconds(3000), 0.5), Duration::ZERO);
    }
}
