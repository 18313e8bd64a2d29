//! A minter without a cloud, that behaves: it passes the same suite as the real ones.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::{AccessToken, Clock, Credential, Secret};
use lakegate_policy::Scope;
use tokio::sync::watch;

use crate::gcs::expressible;
use crate::probe::Gate;
use crate::{Lives, MintError, Minter, NotExpressible};

/// Makes tokens named `fake-1`, `fake-2` and so on, expresses what GCS can express, and fails when told to.
#[derive(Debug)]
pub struct FakeMinter {
    clock: Arc<dyn Clock>,
    ends_early: EarlyEnd,
    failures: Mutex<VecDeque<MintError>>,
    calls: AtomicU64,
    open: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EarlyEnd {
    Possible,
    Impossible,
}

impl FakeMinter {
    /// A minter that can do everything.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ends_early: EarlyEnd::Possible,
            failures: Mutex::default(),
            calls: AtomicU64::new(0),
            open: watch::Sender::new(true),
        }
    }

    /// The same, but unable to end a token before an hour is over.
    #[must_use]
    pub fn without_early_end(mut self) -> Self {
        self.ends_early = EarlyEnd::Impossible;
        self
    }

    /// The next call that is not yet told otherwise fails with this.
    pub fn fail_next(&self, error: MintError) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push_back(error);
    }

    /// Calls wait until [`FakeMinter::release`].
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    /// Lets all calls go on.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// How many calls began, failed ones included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn token(&self, scope: &Scope, snapshot: u64, call: u64) -> Result<AccessToken, MintError> {
        let minted_at = self.clock.now();
        let whole = Duration::from_hours(1);
        let life = scope.terms().token_life.min(whole);
        let provider = minted_at.plus(life);
        let expires_at = scope.end().map_or(provider, |end| provider.min(end));
        if expires_at.since(minted_at) < self.lives().shortest {
            return Err(MintError::TooShort);
        }
        if !self.lives().ends_early && expires_at < minted_at.plus(whole) {
            return Err(MintError::CannotEndEarly);
        }
        let name = ["fake-", &call.to_string()].concat();
        Ok(AccessToken {
            credential: Credential::Bearer(Secret::new(name)),
            minted_at,
            expires_at,
            scope_tag: scope.tag(),
            snapshot,
        })
    }
}

#[async_trait]
impl Minter for FakeMinter {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        self.expressible(scope)?;
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        // The sender is ours, so the channel is open while we wait.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        let failure = self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match failure {
            Some(error) => Err(error),
            None => self.token(scope, snapshot, call).map(Arc::new),
        }
    }

    fn expressible(&self, scope: &Scope) -> Result<(), NotExpressible> {
        expressible(scope)
    }

    fn lives(&self) -> Lives {
        Lives {
            ends_early: self.ends_early == EarlyEnd::Possible,
            shortest: Duration::from_mins(1),
            longest: Duration::from_hours(1),
        }
    }

    fn gate(&self) -> Option<&Gate> {
        None
    }
}
