//! The budget of STS calls: a static share that holds over every window of 60 s (invariant 7).
//!
//! A bucket of `burst` calls that refills one call per `interval` lets at most `burst + floor(60 s / interval)`
//! calls through in any 60 s, wherever the window begins. [`Share`] picks the two so that this is at most 97 % of
//! the share. A process that died may have spent its share just before; so a new one waits one window (`settle`)
//! before it spends. Slowing down after a 429 makes the interval longer, never shorter, and so keeps the bound.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::AccessToken;
use lakegate_policy::Scope;
use tokio::time::Instant;

use crate::probe::Gate;
use crate::{ConfigError, Lives, MintError, Minter, NotExpressible};

/// The window over which providers count, and over which the budget holds.
const WINDOW: Duration = Duration::from_mins(1);

/// The longest wait that a provider may ask for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The pace at which the share is spent when nothing is wrong; a 429 halves it, down to 1.
const FULL_PACE: u32 = 64;

/// By how much the pace rises after each quiet stretch.
const PACE_STEP: u32 = 4;

/// A quiet stretch.
const STEP_EVERY: Duration = Duration::from_secs(10);

/// Calls that were in flight together are told together to slow down: within this time that is one wish.
const ONE_WISH: Duration = Duration::from_secs(1);

/// The calls that one process may make in any 60 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    calls: u32,
    burst: u32,
    interval: Duration,
}

impl Share {
    /// The most calls in any window of 60 s: 97 % of the share.
    pub fn calls_per_window(self) -> u32 {
        self.calls
    }
}

/// What is left to spend. One per source credential and process; several minters may hold it.
#[derive(Debug)]
pub struct Budget {
    share: Share,
    opens_at: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the bucket would be full again (the theoretical arrival time of GCRA).
    full_at: Instant,
    /// Nothing is spent before: the provider asked for a pause.
    paused_until: Instant,
    /// How fast it goes, of [`FULL_PACE`].
    pace: u32,
    /// When the pace was last halved.
    slowed_at: Instant,
    /// When the pace last rose, or may begin to.
    stepped_at: Instant,
}

impl Budget {
    /// The share of one process: `percent` of `calls_per_minute`, divided by the processes it is split over.
    ///
    /// # Errors
    /// [`ConfigError::ShareTooSmall`] when not one call a minute is left.
    pub fn share(calls_per_minute: u32, percent: u32, over: NonZeroU32) -> Result<Share, ConfigError> {
        let whole = u64::from(calls_per_minute) * u64::from(percent.min(100)) * 97;
        let calls = u32::try_from(whole / (100 * 100 * u64::from(over.get()))).unwrap_or(u32::MAX);
        if calls == 0 {
            return Err(ConfigError::ShareTooSmall);
        }
        let burst = (calls / 4).max(1);
        // One nanosecond more than the quotient, so that not one call more fits into the window.
        let interval = WINDOW / (calls - burst + 1) + Duration::from_nanos(1);
        Ok(Share { calls, burst, interval })
    }

    /// A budget that spends nothing before `settle` is over: 60 s in a process that may have had a
    /// predecessor with the same share, zero in one that cannot have had any.
    pub fn new(share: Share, settle: Duration) -> Self {
        let now = Instant::now();
        let opens_at = now + settle;
        let state = State {
            full_at: opens_at,
            paused_until: opens_at,
            pace: FULL_PACE,
            slowed_at: now,
            stepped_at: now,
        };
        Self { share, opens_at, state: Mutex::new(state) }
    }

    /// Pays for one call. Never waits.
    ///
    /// # Errors
    /// [`MintError::BudgetSpent`], or [`MintError::Throttled`] during a pause that the provider asked for.
    pub fn spend(&self) -> Result<(), MintError> {
        let now = Instant::now();
        if now < self.opens_at {
            return Err(MintError::BudgetSpent { retry_after: self.opens_at - now });
        }
        let mut state = self.state();
        if now < state.paused_until {
            return Err(MintError::Throttled { retry_after: state.paused_until - now });
        }
        state.speed_up(now);
        let slack = self.share.interval * (self.share.burst - 1);
        let ahead = state.full_at.saturating_duration_since(now);
        if ahead > slack {
            return Err(MintError::BudgetSpent { retry_after: ahead.saturating_sub(slack) });
        }
        state.full_at = state.full_at.max(now) + self.share.interval * FULL_PACE / state.pace;
        Ok(())
    }

    /// The provider asked for fewer calls: nothing goes out for `retry_after` (60 s at most), and then the pace is
    /// half of what it was. Every ten quiet seconds it rises by a sixteenth of the share's own.
    pub fn throttled(&self, retry_after: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        state.paused_until = state.paused_until.max(now + retry_after.min(LONGEST_PAUSE));
        if state.pace == FULL_PACE || now >= state.slowed_at + ONE_WISH {
            state.pace = (state.pace / 2).max(1);
            state.slowed_at = now;
            state.stepped_at = state.paused_until;
        }
        tracing::warn!(pace = state.pace, "token service asks for fewer calls");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One step up for each quiet stretch since the last change.
    fn speed_up(&mut self, now: Instant) {
        while self.pace < FULL_PACE && now.saturating_duration_since(self.stepped_at) >= STEP_EVERY {
            self.pace = (self.pace + PACE_STEP).min(FULL_PACE);
            self.stepped_at += STEP_EVERY;
        }
    }
}

/// Pays for every call of the minter inside, and listens when the STS asks for fewer.
///
/// What needs no call is refused before it costs one: a scope that cannot be expressed.
#[derive(Debug)]
pub struct Budgeted {
    inner: Arc<dyn Minter>,
    budget: Arc<Budget>,
}

impl Budgeted {
    /// Wraps a minter.
    pub fn new(inner: Arc<dyn Minter>, budget: Arc<Budget>) -> Self {
        Self { inner, budget }
    }
}

#[async_trait]
impl Minter for Budgeted {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        self.inner.expressible(scope)?;
        self.budget.spend()?;
        let outcome = self.inner.mint(scope, snapshot).await;
        if let Err(MintError::Throttled { retry_after }) = &outcome {
            self.budget.throttled(*retry_after);
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
}

#[cfg(test)]
mod tests;
