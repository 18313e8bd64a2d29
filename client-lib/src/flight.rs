//! Calls in progress: who wants the same joins, who wants something next to it waits for the first answer.
//!
//! A call runs in a task of its own, so that a caller who goes away takes nobody's answer with him.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lakegate_domain::{OperationSet, Part, Prefix, Target};
use tokio::sync::watch;

use crate::endpoints::Ask;
use crate::error::ClientError;
use crate::token::BrokeredToken;

/// What a call brought, for all who wait.
pub(crate) type Outcome = Result<Arc<BrokeredToken>, ClientError>;

/// A place from which a call's outcome can be seen.
#[derive(Debug, Clone)]
pub(crate) struct Landing(watch::Receiver<Option<Outcome>>);

impl Landing {
    /// Waits for the outcome.
    pub(crate) async fn wait(mut self) -> Outcome {
        match self.0.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(ClientError::Interrupted)),
            Err(_) => Err(ClientError::Interrupted),
        }
    }
}

/// Requests that one answer may well serve together: next to each other, for the same operations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Neighbourhood(Prefix, OperationSet);

impl Neighbourhood {
    /// The neighbourhood of a request; none for several parts or for one whose token was refused.
    pub(crate) fn of(ask: &Ask) -> Option<Self> {
        let ([part], None) = (ask.parts.as_slice(), &ask.rejected) else { return None };
        let prefix = match part.target() {
            Target::Object(object) => Prefix::containing(object),
            Target::Prefix(prefix) => prefix.clone(),
        };
        Some(Self(prefix, part.operations()))
    }
}

/// How a request meets the calls in progress.
#[derive(Debug)]
pub(crate) enum Boarding {
    /// The same was being asked for: its outcome is the request's own.
    Same(Landing),
    /// Something next to it was being asked for: its answer may do.
    Neighbour(Landing),
    /// Nothing was in progress; the call is the request's to make.
    Takeoff(Takeoff),
    /// An answer came in between.
    Landed(Arc<BrokeredToken>),
}

/// The right and duty to make a call; whoever drops it without an outcome tells the waiting so.
#[derive(Debug)]
pub(crate) struct Takeoff {
    flights: Arc<Flights>,
    pub(crate) ask: Ask,
    neighbourhood: Option<Neighbourhood>,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Takeoff {
    /// From where the outcome will be seen.
    pub(crate) fn landing(&self) -> Landing {
        Landing(self.outcome.subscribe())
    }

    /// Tells all who wait, and leaves the board by being dropped. Later requests find what was put into the tier
    /// before.
    pub(crate) fn land(self, outcome: Outcome) {
        self.outcome.send_replace(Some(outcome));
    }
}

impl Drop for Takeoff {
    fn drop(&mut self) {
        self.flights.remove(&self.ask, self.neighbourhood.as_ref());
    }
}

/// The calls in progress of one client.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<Board>);

#[derive(Debug, Default)]
struct Board {
    exact: HashMap<Ask, Landing>,
    leaders: HashMap<Neighbourhood, Landing>,
}

impl Flights {
    /// Joins a call in progress or starts one. `in_tier` is asked again under the lock: a call that ended between
    /// the caller's look-up and this one has left its token there.
    pub(crate) fn board(
        self: &Arc<Self>,
        ask: Ask,
        neighbourhood: Option<Neighbourhood>,
        in_tier: impl FnOnce() -> Option<Arc<BrokeredToken>>,
    ) -> Boarding {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(landing) = board.exact.get(&ask) {
            return Boarding::Same(landing.clone());
        }
        if let Some(landing) = neighbourhood.as_ref().and_then(|place| board.leaders.get(place)) {
            return Boarding::Neighbour(landing.clone());
        }
        if let Some(token) = in_tier() {
            return Boarding::Landed(token);
        }
        let (outcome, landing) = watch::channel(None);
        board.exact.insert(ask.clone(), Landing(landing.clone()));
        if let Some(place) = neighbourhood.clone() {
            board.leaders.insert(place, Landing(landing));
        }
        Boarding::Takeoff(Takeoff { flights: Arc::clone(self), ask, neighbourhood, outcome })
    }

    fn remove(&self, ask: &Ask, neighbourhood: Option<&Neighbourhood>) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.exact.remove(ask);
        if let Some(place) = neighbourhood {
            board.leaders.remove(place);
        }
    }
}

/// Parts in the order and number in which they are asked for: sorted, none inside another.
pub(crate) fn normalised(parts: &[Part]) -> Vec<Part> {
    let mut kept: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        if kept.iter().any(|other| other.covers(part)) {
            continue;
        }
        kept.retain(|other| !part.covers(other));
        kept.push(part.clone());
    }
    kept.sort();
    kept
}
