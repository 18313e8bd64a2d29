//! What probes found, for whoever hands out tokens.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lakegate_domain::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Finding;
use crate::MintError;

/// The longest wait for the next probe when the last one was not answered well.
const LONGEST_DOUBT: Duration = Duration::from_secs(30);

/// How long one caller has the right to probe before another may.
const CLAIM: Duration = Duration::from_secs(10);

/// By how much the wait between probes is spread, as a part of it, to either side.
const SPREAD: f64 = 0.1;

/// What is known of a storage's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// No probe was made yet.
    Unproven,
    /// The last probe was refused by the storage, as it must be.
    Confined,
    /// The last probe found out nothing.
    Unclear,
    /// A token opened more than its scope, and no probe has found one confined since. Nothing is handed out.
    Escaped,
}

/// Whether tokens of a storage may be handed out: closed from a probe that finds an escape to the next one that
/// finds a token confined.
///
/// A token made while nobody knew stays suspect after that: one minted since the last good probe before the escape
/// and before the one that ended it is not trusted, wherever it is kept.
pub struct Gate {
    every: Duration,
    escaped: AtomicBool,
    /// Whether there ever was an escape; until then trust costs one read.
    has_suspects: AtomicBool,
    confinement: watch::Sender<Confinement>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next_at: Instant,
    /// When the token of the last good probe was minted.
    good_until: Timestamp,
    /// Tokens minted in this span are suspect: from its first instant, to before its last.
    suspects: Option<(Timestamp, Timestamp)>,
    luck: StdRng,
}

impl Gate {
    /// An open gate that wants a probe at once, and then one `every` so often, give or take a tenth.
    pub fn new(every: Duration) -> Self {
        let state = State {
            next_at: Instant::now(),
            good_until: Timestamp::from_millis(i64::MIN),
            suspects: None,
            luck: StdRng::from_os_rng(),
        };
        Self {
            every,
            escaped: AtomicBool::new(false),
            has_suspects: AtomicBool::new(false),
            confinement: watch::Sender::new(Confinement::Unproven),
            state: Mutex::new(state),
        }
    }

    /// What is known.
    pub fn confinement(&self) -> Confinement {
        *self.confinement.borrow()
    }

    /// What is known, and each change of it.
    pub fn subscribe(&self) -> watch::Receiver<Confinement> {
        self.confinement.subscribe()
    }

    /// Lets pass unless a token escaped. One atomic read.
    ///
    /// # Errors
    /// [`MintError::Escaped`], with the time of the next probe.
    pub fn pass(&self) -> Result<(), MintError> {
        if self.escaped.load(Ordering::Acquire) {
            let retry_after = self.due_in().max(Duration::from_secs(1));
            return Err(MintError::Escaped { retry_after });
        }
        Ok(())
    }

    /// Whether a token minted at this instant may be handed out: the gate is open and the token not suspect.
    pub fn trusts(&self, minted_at: Timestamp) -> bool {
        if self.escaped.load(Ordering::Acquire) {
            return false;
        }
        if !self.has_suspects.load(Ordering::Acquire) {
            return true;
        }
        self.state().suspects.is_none_or(|(from, until)| minted_at < from || minted_at >= until)
    }

    /// How long until a probe is wanted; zero when one is.
    pub fn due_in(&self) -> Duration {
        self.state().next_at.saturating_duration_since(Instant::now())
    }

    /// Whether a token minted now is to be probed before it leaves. Until the first finding each one is; after it
    /// one caller at a time is asked to.
    pub(super) fn claim(&self) -> bool {
        if self.confinement() == Confinement::Unproven {
            return true;
        }
        let now = Instant::now();
        let mut state = self.state();
        let is_due = now >= state.next_at;
        if is_due {
            state.next_at = now + CLAIM;
        }
        is_due
    }

    /// Learns what a probe with a token minted at `minted_at` found.
    pub(super) fn found(&self, finding: Finding, minted_at: Timestamp) {
        let mut state = self.state();
        let was = self.confinement();
        let is = match (finding, was) {
            (Finding::Confined, _) => Confinement::Confined,
            (Finding::Escaped, _) | (Finding::Unclear, Confinement::Escaped) => Confinement::Escaped,
            (Finding::Unclear, _) => Confinement::Unclear,
        };
        match (was, is) {
            (Confinement::Escaped, Confinement::Confined) => {
                let from = state.suspects.map_or(state.good_until, |(from, _)| from);
                state.suspects = Some((from, minted_at));
                tracing::error!(
                    "tokens are confined to their scopes again; those minted meanwhile are not used"
                );
            }
            (_, Confinement::Escaped) => {
                let from = state.suspects.map_or(state.good_until, |(from, _)| from.min(state.good_until));
                state.suspects = Some((from, Timestamp::from_millis(i64::MAX)));
                self.has_suspects.store(true, Ordering::Release);
            }
            _ => {}
        }
        if is == Confinement::Confined {
            state.good_until = minted_at;
        }
        let wait = if is == Confinement::Confined { self.every } else { self.every.min(LONGEST_DOUBT) };
        let spread = 1.0 + SPREAD * state.luck.random_range(-1.0..=1.0);
        state.next_at = Instant::now() + wait.mul_f64(spread);
        self.escaped.store(is == Confinement::Escaped, Ordering::Release);
        self.confinement.send_replace(is);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("confinement", &self.confinement()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn st07_tokens_made_while_nobody_knew_stay_suspect_after_the_escape_is_over() {
        let gate = Gate::new(Duration::from_mins(5));
        assert!(gate.trusts(at(0)) && gate.pass().is_ok(), "unproven goes on");
        gate.found(Finding::Confined, at(100));
        gate.found(Finding::Escaped, at(400));
        for token in [0, 50, 150, 400, 500] {
            assert!(!gate.trusts(at(token)), "{token}");
        }
        assert!(matches!(gate.pass(), Err(MintError::Escaped { .. })));
        gate.found(Finding::Unclear, at(430));
        assert_eq!(gate.confinement(), Confinement::Escaped, "only a good probe ends it");
        gate.found(Finding::Confined, at(460));
        assert!(gate.pass().is_ok());
        for (token, trusted) in [(99, true), (100, false), (400, false), (459, false), (460, true)] {
            assert_eq!(gate.trusts(at(token)), trusted, "{token}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_escape_does_not_make_the_suspects_of_the_first_trusted() {
        let gate = Gate::new(Duration::from_mins(5));
        for (finding, minted) in [
            (Finding::Confined, 100),
            (Finding::Escaped, 200),
            (Finding::Confined, 300),
            (Finding::Escaped, 400),
            (Finding::Confined, 500),
        ] {
            gate.found(finding, at(minted));
        }
        assert!(!gate.trusts(at(250)) && !gate.trusts(at(450)));
        assert!(gate.trusts(at(50)) && gate.trusts(at(500)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_probe_is_repeated_after_five_minutes_and_a_bad_one_sooner() {
        let gate = Gate::new(Duration::from_mins(5));
        assert!(gate.claim() && gate.claim(), "before the first finding every token is probed");
        gate.found(Finding::Confined, at(1));
        assert!(!gate.claim());
        let wait = gate.due_in();
        assert!((Duration::from_secs(270)..=Duration::from_secs(330)).contains(&wait), "{wait:?}");
        tokio::time::advance(wait).await;
        assert!(gate.claim() && !gate.claim(), "one caller probes");
        gate.found(Finding::Unclear, at(2));
        assert!(gate.due_in() <= Duration::from_secs(33));
        assert_eq!(gate.confinement(), Confinement::Unclear);
        assert!(gate.pass().is_ok(), "no answer stops nobody");
    }
}
