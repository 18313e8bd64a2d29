//! A source whose shared token is renewed while it is young.
//!
//! A downscoped token ends when its source token does, so an old source token would make short-lived ones.
//!
//! A machine that slept has aged, and its monotonic clock does not know: the wall clock has a say too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::Clock;

use super::{Source, SourceToken, WantedLife};
use crate::MintError;
use crate::flight::Flights;

/// Shares one token until it has `max_age`; many callers make one renewal.
///
/// When a renewal fails because the service behind does not answer, the token goes on being used while at least
/// half of its life is left. A token that was refused, or a credential that was, is not used again.
#[derive(Debug)]
pub struct CachedSource {
    inner: Arc<dyn Source>,
    max_age: Duration,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Arc<SourceToken>>>,
    flights: Flights<(), Result<Arc<SourceToken>, MintError>>,
}

impl CachedSource {
    /// Wraps a source.
    pub fn new(inner: Arc<dyn Source>, max_age: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { inner, max_age, clock, kept: Mutex::default(), flights: Flights::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<SourceToken>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token that is kept, unless the wall clock says that it has ended.
    fn alive(&self) -> Option<Arc<SourceToken>> {
        self.kept().clone().filter(|token| self.clock.now() < token.ends_by())
    }

    async fn shared(&self) -> Result<Arc<SourceToken>, MintError> {
        let kept = self.alive();
        if let Some(token) = kept.filter(|token| token.age() < self.max_age && token.is_fresh_enough()) {
            return Ok(token);
        }
        let start = || {
            let inner = Arc::clone(&self.inner);
            async move { inner.token(WantedLife::Longest).await }
        };
        let renewed =
            self.flights.join((), start).await.unwrap_or_else(|| Err(MintError::source_unavailable()));
        match renewed {
            Ok(token) => {
                *self.kept() = Some(Arc::clone(&token));
                Ok(token)
            }
            Err(error @ MintError::SourceUnavailable { .. }) => {
                let old = self.alive().filter(|token| token.is_fresh_enough());
                if old.is_some() {
                    tracing::warn!("source token could not be renewed; the last one is used");
                }
                old.ok_or(error)
            }
            Err(error) => {
                *self.kept() = None;
                Err(error)
            }
        }
    }
}

#[async_trait]
impl Source for CachedSource {
    async fn token(&self, life: WantedLife) -> Result<Arc<SourceToken>, MintError> {
        match life {
            WantedLife::Longest => self.shared().await,
            WantedLife::AtMost(_) => self.inner.token(life).await,
        }
    }

    fn ends_early(&self) -> bool {
        self.inner.ends_early()
    }

    fn longest_life(&self) -> Duration {
        self.inner.longest_life()
    }

    fn forget(&self, token: &SourceToken) {
        let mut kept = self.kept();
        if kept.as_ref().is_some_and(|kept| std::ptr::eq(&raw const **kept, token)) {
            *kept = None;
        }
        drop(kept);
        self.inner.forget(token);
    }
}

#[cfg(test)]
mod tests;
