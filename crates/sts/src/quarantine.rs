//! A scope that the STS keeps refusing is asked for ever more rarely.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::AccessToken;
use lakegate_policy::{Scope, ScopeKey};
use tokio::time::Instant;

use crate::probe::Gate;
use crate::{Lives, MintError, Minter, NotExpressible};

/// How long a scope rests after its first refusal; doubles with each further one.
const FIRST_REST: Duration = Duration::from_secs(5);

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_mins(10);

/// A scope that was not refused for so long after its rest starts anew.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(20);

/// How many scopes are remembered. When more are refused at once, those that rest longest ago are dropped.
const MOST_SCOPES: usize = 16_384;

/// Keeps scopes that were refused with [`MintError::BoundaryRefused`] away from the STS for a while. Other scopes
/// are not concerned, and a token that does come ends the quarantine.
#[derive(Debug)]
pub struct Quarantine {
    inner: Arc<dyn Minter>,
    resting: Mutex<HashMap<ScopeKey, Rest>>,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    refusals: u32,
    until: Instant,
}

impl Quarantine {
    /// Wraps a minter.
    pub fn new(inner: Arc<dyn Minter>) -> Self {
        Self { inner, resting: Mutex::default() }
    }

    /// How many scopes are remembered as refused; for the gauge behind the alarm.
    pub fn len(&self) -> usize {
        self.resting().len()
    }

    /// Whether no scope is remembered as refused.
    pub fn is_empty(&self) -> bool {
        self.resting().is_empty()
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<ScopeKey, Rest>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, key: ScopeKey) -> Result<(), MintError> {
        let until = self.resting().get(&key).map(|rest| rest.until);
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(retry_after) if !retry_after.is_zero() => Err(MintError::Quarantined { retry_after }),
            _ => Ok(()),
        }
    }

    fn refused(&self, key: ScopeKey) {
        let now = Instant::now();
        let mut resting = self.resting();
        make_room(&mut resting, now);
        let rest = resting.entry(key).or_insert(Rest { refusals: 0, until: now });
        let doublings = rest.refusals.min(16);
        rest.refusals = rest.refusals.saturating_add(1);
        rest.until = now + FIRST_REST.saturating_mul(1 << doublings).min(LONGEST_REST);
        tracing::error!(scope = %key, refusals = rest.refusals, "token service refuses the boundary of a scope");
    }
}

fn make_room(resting: &mut HashMap<ScopeKey, Rest>, now: Instant) {
    if resting.len() < MOST_SCOPES {
        return;
    }
    resting.retain(|_, rest| now.saturating_duration_since(rest.until) < FORGOTTEN_AFTER);
    if resting.len() >= MOST_SCOPES {
        let oldest = resting.iter().min_by_key(|(_, rest)| rest.until).map(|(key, _)| *key);
        oldest.and_then(|key| resting.remove(&key));
    }
}

#[async_trait]
impl Minter for Quarantine {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        let key = scope.key();
        self.admit(key)?;
        let outcome = self.inner.mint(scope, snapshot).await;
        match &outcome {
            Ok(_) => drop(self.resting().remove(&key)),
            Err(MintError::BoundaryRefused { .. }) => self.refused(key),
            Err(_) => {}
        }
        outcome
    }

    fn expressible(&self, scope: &Scope) -> Result<(), NotExpressible> {
        self.inner.expressible(scope)
    }

    fn lives(&self) -> Lives {
        self.inner.lives()
    }

    fn gate(&self) -> Option<&Gate> {
        self.inner.gate()
    }

    fn quarantined(&self) -> usize {
        self.len()
    }
}
