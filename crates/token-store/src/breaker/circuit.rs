//! The breaker's state: who may pass, and what became of those who did.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;
use tracing::{info, warn};

use super::BreakerTerms;
use crate::{BreakerState, StoreHealth};

/// The state, shared by all calls.
#[derive(Debug)]
pub(super) struct Circuit {
    terms: BreakerTerms,
    state: Mutex<State>,
    opened: AtomicU64,
    refused: AtomicU64,
    timeouts: AtomicU64,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The next pause, before it is shortened by luck.
    pause: Duration,
    luck: StdRng,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// Leave to make one call. Dropped without a word, it counts as a failure: the call's task ended badly.
#[derive(Debug)]
pub(super) struct Pass {
    circuit: Arc<Circuit>,
    /// Whether the breaker's state hangs on this call.
    is_probe: bool,
    is_used: bool,
}

impl Circuit {
    pub(super) fn new(terms: BreakerTerms, seed: u64) -> Self {
        let luck = StdRng::seed_from_u64(seed);
        Self {
            terms,
            state: Mutex::new(State { phase: Phase::Closed { failures: 0 }, pause: terms.pause, luck }),
            opened: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
        }
    }

    /// Lets a call pass, or not.
    pub(super) fn enter(this: &Arc<Self>) -> Option<Pass> {
        let mut state = this.lock();
        let is_probe = match state.phase {
            Phase::Closed { .. } => false,
            Phase::Open { until } if until <= Instant::now() => {
                state.phase = Phase::Probing;
                true
            }
            Phase::Open { .. } | Phase::Probing => {
                this.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        };
        Some(Pass { circuit: Arc::clone(this), is_probe, is_used: false })
    }

    /// The store's own health with the breaker's.
    pub(super) fn health(&self, store: StoreHealth) -> StoreHealth {
        let breaker = match self.lock().phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::Probing => BreakerState::Probing,
        };
        StoreHealth {
            breaker,
            opened: self.opened.load(Ordering::Relaxed),
            refused_calls: self.refused.load(Ordering::Relaxed),
            timeouts: self.timeouts.load(Ordering::Relaxed),
            ..store
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, is_probe: bool) {
        let mut state = self.lock();
        match state.phase {
            Phase::Closed { failures: 0 } => {}
            Phase::Closed { .. } => state.phase = Phase::Closed { failures: 0 },
            Phase::Probing if is_probe => {
                state.phase = Phase::Closed { failures: 0 };
                state.pause = self.terms.pause;
                info!("the token store answers again");
            }
            // A straggler from before says nothing of now.
            Phase::Open { .. } | Phase::Probing => {}
        }
    }

    fn failed(&self, is_probe: bool) {
        let mut state = self.lock();
        match state.phase {
            Phase::Closed { failures } if failures + 1 < self.terms.failures => {
                state.phase = Phase::Closed { failures: failures + 1 };
            }
            Phase::Closed { .. } => {
                self.open(&mut state);
                self.opened.fetch_add(1, Ordering::Relaxed);
                warn!("the token store does not answer; calls to it stop for a while");
            }
            Phase::Probing if is_probe => self.open(&mut state),
            Phase::Open { .. } | Phase::Probing => {}
        }
    }

    fn open(&self, state: &mut State) {
        let pause = state.pause.mul_f64(state.luck.random_range(0.5..=1.0));
        state.phase = Phase::Open { until: Instant::now() + pause };
        state.pause = (state.pause * 2).min(self.terms.longest_pause);
    }
}

impl Pass {
    /// The store answered in time, with whatever.
    pub(super) fn answered(mut self) {
        self.is_used = true;
        self.circuit.answered(self.is_probe);
    }

    /// The call failed without an answer.
    pub(super) fn failed(self) {
        drop(self);
    }

    /// The time limit came first.
    pub(super) fn timed_out(self) {
        self.circuit.timeouts.fetch_add(1, Ordering::Relaxed);
        self.failed();
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.is_used {
            self.circuit.failed(self.is_probe);
        }
    }
}
