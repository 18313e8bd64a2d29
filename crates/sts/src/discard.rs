//! Tokens that arrive dead or dying are thrown away.

use std::sync::Arc;

use async_trait::async_trait;
use lakegate_domain::AccessToken;
use lakegate_policy::Scope;

use crate::probe::Gate;
use crate::{BadReply, Lives, MintError, Minter, NotExpressible};

/// How often a token is asked for before the answer is an error.
const TRIES: usize = 3;

/// Asks again, three times in all, when the token that came has less than the shortest life.
///
/// It stands outside of [`crate::Budgeted`], so every try is paid. The last error says what arrived:
/// [`BadReply::ShortLived`].
#[derive(Debug)]
pub struct Discarding {
    inner: Arc<dyn Minter>,
}

impl Discarding {
    /// Wraps a minter.
    pub fn new(inner: Arc<dyn Minter>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Minter for Discarding {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        const SHORT_LIVED: MintError = MintError::BadReply(BadReply::ShortLived);
        for _ in 1..TRIES {
            match self.inner.mint(scope, snapshot).await {
                Err(SHORT_LIVED) => tracing::warn!("token arrived with too little life and was discarded"),
                outcome => return outcome,
            }
        }
        self.inner.mint(scope, snapshot).await
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
