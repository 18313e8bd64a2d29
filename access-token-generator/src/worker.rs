//! One scope's turn: read, and mint only when what is there is not fresh.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, StorageId};
use lakegate_policy::Scope;
use lakegate_sts::probe::Gate;
use lakegate_sts::{MintError, Minter, Party};
use lakegate_token_store::SealedTokens;

use crate::Metrics;
use crate::schedule::until_renewal;

/// How long to leave the store alone after it failed; nothing is minted that could not be kept.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// How long to leave a scope alone that cannot have a token.
const REFUSED_PAUSE: Duration = Duration::from_mins(10);

/// By how much a provider's clock may be ahead when a token's life is held against its class.
const LIFE_SKEW: Duration = Duration::from_mins(1);

/// The shortest time between two looks at one scope.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// Works on scopes, one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) tokens: Arc<SealedTokens>,
    pub(crate) minters: Arc<HashMap<StorageId, Arc<dyn Minter>>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
}

/// What became of a scope's turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    /// Whether the shared tier holds a token that needs no renewal now.
    pub(crate) is_fresh: bool,
    pub(crate) again_in: Duration,
}

impl Worker {
    /// Gives a scope a fresh token unless it has one.
    pub(crate) async fn renew(&self, scope: &Scope, snapshot: u64, luck: f64) -> Finished {
        let turn = |is_fresh, again_in: Duration| Finished { is_fresh, again_in: again_in.max(LEAST_PAUSE) };
        let gate = self.minters.get(scope.storage()).and_then(|minter| minter.gate());
        if let Some(Err(error)) = gate.map(Gate::pass) {
            return turn(false, self.failed(scope, &error));
        }
        match self.tokens.get(scope).await {
            Ok(Some(token)) => {
                let now = self.clock.now();
                let wait = until_renewal(&token, now, luck);
                // A class whose life was shortened gets new tokens at once.
                let fits = token.remaining(now) <= scope.terms().token_life + LIFE_SKEW;
                let is_trusted = gate.is_none_or(|gate| gate.trusts(token.minted_at));
                if fits && is_trusted && !wait.is_zero() {
                    self.metrics.skipped.inc();
                    return turn(true, wait);
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "shared tier does not answer; nothing is minted");
                return turn(false, STORE_PAUSE);
            }
        }
        match self.mint(scope, snapshot, luck).await {
            Ok(again_in) => turn(true, again_in),
            Err(again_in) => turn(false, again_in),
        }
    }

    /// Mints and keeps. Either way tells when to come again.
    async fn mint(&self, scope: &Scope, snapshot: u64, luck: f64) -> Result<Duration, Duration> {
        let minter = self.minters.get(scope.storage()).ok_or(REFUSED_PAUSE)?;
        let token = minter.mint(scope, snapshot).await.map_err(|error| self.failed(scope, &error))?;
        self.metrics.minted.inc();
        self.tokens.put(scope, &token).await.map_err(|error| {
            tracing::warn!(%error, "shared tier did not take a token");
            STORE_PAUSE
        })?;
        Ok(until_renewal(&token, self.clock.now(), luck))
    }

    fn failed(&self, scope: &Scope, error: &MintError) -> Duration {
        let party = match error.party() {
            Party::Scope => "scope",
            Party::Budget => "budget",
            Party::Source => "source",
            Party::Sts => "sts",
        };
        self.metrics.failures.with_label_values(&[party]).inc();
        if error.party() == Party::Budget {
            tracing::debug!("budget is spent for now");
        } else if matches!(error, MintError::Escaped { .. }) {
            tracing::debug!(storage = %scope.storage(), "storage is closed: its tokens open too much");
        } else {
            tracing::warn!(storage = %scope.storage(), key = %scope.key(), %error, "scope was not renewed");
        }
        error.retry_after().unwrap_or(REFUSED_PAUSE)
    }
}
