//! Many callers for one scope make one call.

use std::sync::Arc;

use async_trait::async_trait;
use lakegate_domain::AccessToken;
use lakegate_policy::{Scope, ScopeKey};

use crate::flight::Flights;
use crate::probe::Gate;
use crate::{Lives, MintError, Minter, NotExpressible};

/// Joins callers that want a token for the same scope at the same time.
///
/// The call runs in its own task, so a caller that goes away stops it for nobody. What a call answers, a token or
/// an error, goes to those who waited for it; the next caller makes a new one.
#[derive(Debug)]
pub struct SingleFlight {
    inner: Arc<dyn Minter>,
    flights: Flights<ScopeKey, Result<Arc<AccessToken>, MintError>>,
}

impl SingleFlight {
    /// Wraps a minter.
    pub fn new(inner: Arc<dyn Minter>) -> Self {
        Self { inner, flights: Flights::default() }
    }
}

#[async_trait]
impl Minter for SingleFlight {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        let start = || {
            let (inner, scope) = (Arc::clone(&self.inner), scope.clone());
            async move { inner.mint(&scope, snapshot).await }
        };
        self.flights.join(scope.key(), start).await.unwrap_or_else(|| Err(MintError::unavailable()))
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
        self.inner.quarantined()
    }
}
