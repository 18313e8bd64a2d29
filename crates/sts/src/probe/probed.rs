//! A minter whose tokens are tried out on the canary before they leave.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::AccessToken;
use lakegate_policy::Scope;

use super::{Canary, Gate, negative_probe};
use crate::{Lives, MintError, Minter, NotExpressible};

/// Probes fresh tokens when its gate wants a probe, and hands out none while the gate is closed.
///
/// Samples what is minted anyway, so a probe costs one storage call and no exchange. While the gate is closed, the
/// STS is asked only when the next probe is due.
#[derive(Debug)]
pub struct Probed {
    inner: Arc<dyn Minter>,
    canary: Canary,
    gate: Gate,
}

impl Probed {
    /// Wraps a minter; probes `every` so often.
    pub fn new(inner: Arc<dyn Minter>, canary: Canary, every: Duration) -> Self {
        Self { inner, canary, gate: Gate::new(every) }
    }
}

#[async_trait]
impl Minter for Probed {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        let is_probe = self.gate.claim();
        if !is_probe {
            self.gate.pass()?;
        }
        let token = self.inner.mint(scope, snapshot).await?;
        if is_probe {
            let finding = negative_probe(&self.canary, scope, &token).await;
            self.gate.found(finding, token.minted_at);
        }
        // Another caller's probe may have found an escape meanwhile.
        self.gate.pass()?;
        Ok(token)
    }

    fn expressible(&self, scope: &Scope) -> Result<(), NotExpressible> {
        self.inner.expressible(scope)
    }

    fn lives(&self) -> Lives {
        self.inner.lives()
    }

    fn gate(&self) -> Option<&Gate> {
        Some(&self.gate)
    }
}
