//! A store that is not waited for: every call has a time limit, and after some failures in a row no call is made
//! at all until one that is let through succeeds.
//!
//! Each call runs in a task of its own. Whoever asked may go away (a client that hung up, a caller with less
//! patience) and the store sees nothing of it: only the time limit gives a call up, so every outcome is counted.
//! An answer that the store *refuses* a command (full, read-only, loading) is an answer: it came in time and does
//! not open the breaker, because reads may go on where writes do not.

mod circuit;
mod log;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::Timestamp;
use lakegate_policy::ScopeKey;

use crate::{KEYS_PER_TRIP, StoreError, StoreHealth, StoreId, TokenStore};
use circuit::Circuit;
pub use log::LogBreaker;

/// When to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerTerms {
    /// How long a round trip may take. A call for many keys has this for every [`KEYS_PER_TRIP`] of them.
    pub call: Duration,
    /// After how many failures in a row calls stop.
    pub failures: u32,
    /// How long they stop at first; half to all of it, drawn anew each time. Doubles with every failed probe.
    pub pause: Duration,
    /// The longest that they stop.
    pub longest_pause: Duration,
}

impl BreakerTerms {
    /// The terms of a store whose round trips may take so long.
    pub fn within(call: Duration) -> Self {
        Self { call, failures: 5, pause: Duration::from_millis(250), longest_pause: Duration::from_secs(5) }
    }
}

/// A [`TokenStore`] behind a breaker.
#[derive(Debug)]
pub struct Breaker {
    inner: Arc<dyn TokenStore>,
    call: Duration,
    circuit: Arc<Circuit>,
}

/// No call was made: the breaker is open.
#[derive(Debug)]
struct Opened;

/// The time limit came before the answer.
#[derive(Debug)]
struct Late;

impl Breaker {
    /// Puts a store behind a breaker; `seed` spreads the pauses of many processes.
    pub fn new(inner: Arc<dyn TokenStore>, terms: BreakerTerms, seed: u64) -> Self {
        Self { inner, call: terms.call, circuit: Arc::new(Circuit::new(terms, seed)) }
    }

    /// How long a call for so many keys may take.
    fn time_for(&self, keys: usize) -> Duration {
        let trips = u32::try_from(keys.div_ceil(KEYS_PER_TRIP)).unwrap_or(u32::MAX).max(1);
        self.call.saturating_mul(trips)
    }

    async fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        guarded(&self.circuit, limit, work).await
    }
}

/// Makes one call in a task of its own, unless the breaker is open.
async fn guarded<T: Send + 'static>(
    circuit: &Arc<Circuit>,
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let pass = Circuit::enter(circuit).ok_or_else(|| StoreError::unavailable(Opened))?;
    let call = tokio::spawn(async move {
        match tokio::time::timeout(limit, work).await {
            Ok(Err(error @ StoreError::Unavailable(_))) => {
                pass.failed();
                Err(error)
            }
            Ok(answered) => {
                pass.answered();
                answered
            }
            Err(_) => {
                pass.timed_out();
                Err(StoreError::unavailable(Late))
            }
        }
    });
    call.await.map_err(StoreError::unavailable)?
}

#[async_trait]
impl TokenStore for Breaker {
    async fn get_many(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let (inner, keys) = (Arc::clone(&self.inner), keys.to_vec());
        self.call(self.time_for(keys.len()), async move { inner.get_many(&keys).await }).await
    }

    async fn put(&self, key: &ScopeKey, value: Vec<u8>, keep_until: Timestamp) -> Result<(), StoreError> {
        let (inner, key) = (Arc::clone(&self.inner), *key);
        self.call(self.call, async move { inner.put(&key, value, keep_until).await }).await
    }

    async fn remove(&self, keys: &[ScopeKey]) -> Result<(), StoreError> {
        let (inner, keys) = (Arc::clone(&self.inner), keys.to_vec());
        self.call(self.time_for(keys.len()), async move { inner.remove(&keys).await }).await
    }

    async fn ping(&self) -> Result<StoreId, StoreError> {
        let inner = Arc::clone(&self.inner);
        self.call(self.call, async move { inner.ping().await }).await
    }

    fn health(&self) -> StoreHealth {
        self.circuit.health(self.inner.health())
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it failed several times in a row and is left alone for a while")
    }
}

impl std::error::Error for Opened {}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer within the time for a call")
    }
}

impl std::error::Error for Late {}

#[cfg(test)]
mod tests;
