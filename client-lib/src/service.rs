//! What all clones of a client share: tier, calls in progress, brokers and clocks.

use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, Part};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::answer::{self, Context};
use crate::endpoints::{Ask, Broker};
use crate::error::ClientError;
use crate::flight::{Boarding, Flights, Landing, Neighbourhood, Outcome, Takeoff};
use crate::freshness::Moment;
use crate::tier::{Found, Slot, Tier, Wanted};
use crate::token::{Answer, BrokeredToken, Origin, Served, TokenDigest};
use crate::watch::Watch;

/// A token that replaced a refused one and is refused itself so soon is not replaced again.
const REPLACEMENT_SPACING: Duration = Duration::from_secs(30);

/// The inside of a client.
#[derive(Debug)]
pub(crate) struct Service {
    tier: Tier,
    flights: Arc<Flights>,
    broker: Arc<dyn Broker>,
    watch: Watch,
    runtime: Handle,
}

/// Whether a request still waits for its neighbours' answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// A neighbour's answer may do.
    Patient,
    /// One did not: the request makes its own call.
    Spent,
}

impl Service {
    pub(crate) fn new(
        broker: Arc<dyn Broker>,
        clock: Arc<dyn Clock>,
        capacity: usize,
        runtime: Handle,
    ) -> Self {
        Self { tier: Tier::new(capacity), flights: Arc::default(), broker, watch: Watch::new(clock), runtime }
    }

    pub(crate) fn tier_len(&self) -> usize {
        self.tier.len()
    }

    /// A live token of the tier; starts its renewal when that is due.
    pub(crate) fn cached(self: &Arc<Self>, wanted: Wanted<'_>) -> Option<Arc<BrokeredToken>> {
        let serve = |slot: &Arc<Slot>, now| {
            if slot.claim_renewal(now) {
                self.renew(slot);
            }
            Arc::clone(&slot.token)
        };
        self.tier.hit(wanted, || self.watch.now(), serve)
    }

    /// A token for normalised parts, from whatever call brings it first.
    pub(crate) async fn fetch(self: &Arc<Self>, parts: Vec<Part>) -> Result<Answer, ClientError> {
        let ask = Ask { parts, rejected: None };
        let mut patience = Patience::Patient;
        let mut renewed = false;
        loop {
            match self.tier.find(Wanted::Parts(&ask.parts), || self.now()) {
                Found::Live(slot) => return Ok(fresh(Arc::clone(&slot.token))),
                // Everybody below a token that ran out asks for that token's successor, together.
                Found::Stale(slot) if !renewed => {
                    renewed = true;
                    self.await_renewal(&slot).await?;
                    continue;
                }
                Found::Stale(_) | Found::Nothing => {}
            }
            match self.board(ask.clone(), patience) {
                Boarding::Landed(token) => return Ok(fresh(token)),
                Boarding::Same(landing) => return landing.wait().await.map(fresh),
                Boarding::Takeoff(takeoff) => return self.launch(takeoff, None).wait().await.map(fresh),
                Boarding::Neighbour(landing) => {
                    patience = Patience::Spent;
                    if let Err(error) = landing.wait().await
                        && error.concerns_everybody()
                    {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Replaces a token that the storage refused.
    pub(crate) async fn replace_rejected(self: &Arc<Self>, token: &BrokeredToken) -> Outcome {
        let digest = token.digest();
        let wanted = Wanted::Parts(&token.covered);
        if let Found::Live(slot) = self.tier.find(wanted, || self.now())
            && slot.token.digest() != digest
        {
            return Ok(Arc::clone(&slot.token));
        }
        let age = Instant::now().saturating_duration_since(token.life.received_at());
        if token.origin == Origin::Rejection && age < REPLACEMENT_SPACING {
            return Err(ClientError::RefusedByStorage);
        }
        self.tier.remove(token);
        self.past_the_tier(Ask { parts: token.covered.clone(), rejected: Some(digest) }).await
    }

    /// The brokers' decision of now on normalised parts, whatever the tier holds.
    pub(crate) async fn decide_anew(self: &Arc<Self>, parts: Vec<Part>) -> Outcome {
        self.past_the_tier(Ask { parts, rejected: None }).await
    }

    async fn past_the_tier(self: &Arc<Self>, ask: Ask) -> Outcome {
        match self.flights.board(ask, None, || None) {
            Boarding::Landed(token) => Ok(token),
            Boarding::Same(landing) | Boarding::Neighbour(landing) => landing.wait().await,
            Boarding::Takeoff(takeoff) => self.launch(takeoff, None).wait().await,
        }
    }

    fn board(self: &Arc<Self>, ask: Ask, patience: Patience) -> Boarding {
        let neighbourhood = Neighbourhood::of(&ask).filter(|_| patience == Patience::Patient);
        let parts = ask.parts.clone();
        self.flights.board(ask, neighbourhood, || {
            match self.tier.find(Wanted::Parts(&parts), || self.now()) {
                Found::Live(slot) => Some(Arc::clone(&slot.token)),
                Found::Stale(_) | Found::Nothing => None,
            }
        })
    }

    /// Starts a renewal that nobody waits for.
    fn renew(self: &Arc<Self>, slot: &Arc<Slot>) {
        let ask = Ask { parts: slot.token.covered.clone(), rejected: None };
        if let Boarding::Takeoff(takeoff) = self.flights.board(ask, None, || None) {
            let _nobody_waits = self.launch(takeoff, Some(Arc::clone(slot)));
        }
    }

    /// Asks for the successor of a token that ran out, or joins whoever does. An error about the token's own
    /// parts is none for those who want less: they ask for themselves.
    async fn await_renewal(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<(), ClientError> {
        let ask = Ask { parts: slot.token.covered.clone(), rejected: None };
        let landing = match self.flights.board(ask, None, || None) {
            Boarding::Landed(_) => return Ok(()),
            Boarding::Same(landing) | Boarding::Neighbour(landing) => landing,
            Boarding::Takeoff(takeoff) => self.launch(takeoff, Some(Arc::clone(slot))),
        };
        match landing.wait().await {
            Err(error) if error.concerns_everybody() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Makes a call in a task of its own.
    fn launch(self: &Arc<Self>, takeoff: Takeoff, predecessor: Option<Arc<Slot>>) -> Landing {
        let landing = takeoff.landing();
        let service = Arc::clone(self);
        self.runtime.spawn(async move {
            let outcome = service.ask(&takeoff.ask).await;
            service.settle(&takeoff.ask.parts, &outcome, predecessor.as_ref());
            takeoff.land(outcome);
        });
        landing
    }

    /// Puts an outcome into the tier. A denial ends at once the use of every token that covers what was denied.
    fn settle(&self, asked: &[Part], outcome: &Outcome, predecessor: Option<&Arc<Slot>>) {
        match (outcome, predecessor) {
            (Ok(token), _) => self.tier.put(Arc::clone(token), predecessor, self.now()),
            (Err(error @ ClientError::Denied(_)), _) => {
                let dropped = self.tier.remove_covering(asked);
                debug!(%error, dropped, "denied");
            }
            (Err(error), Some(_)) => warn!(%error, "renewal failed, token kept until its floor"),
            (Err(error), None) => debug!(%error, "no token"),
        }
    }

    /// Asks the brokers, and once more when the token had ended before it arrived.
    async fn ask(&self, ask: &Ask) -> Outcome {
        let token = self.ask_once(ask).await?;
        if token.is_live(self.now()) {
            return accepted(token, ask.rejected.as_ref());
        }
        let again = Ask { parts: ask.parts.clone(), rejected: Some(token.digest()) };
        let token = self.ask_once(&again).await?;
        if token.is_live(self.now()) {
            accepted(token, ask.rejected.as_ref())
        } else {
            Err(ClientError::ExpiredOnArrival)
        }
    }

    async fn ask_once(&self, ask: &Ask) -> Result<BrokeredToken, ClientError> {
        let wire = self.broker.ask(ask).await?;
        let origin = if ask.rejected.is_some() { Origin::Rejection } else { Origin::Request };
        Ok(answer::read(wire, Context { asked: &ask.parts, received: self.now(), origin })?)
    }

    fn now(&self) -> Moment {
        self.watch.exact()
    }
}

/// A token that may go out: not the one that the storage refused.
fn accepted(token: BrokeredToken, rejected: Option<&TokenDigest>) -> Outcome {
    if rejected.is_some_and(|digest| *digest == token.digest()) {
        return Err(ClientError::RefusedByStorage);
    }
    Ok(Arc::new(token))
}

fn fresh(token: Arc<BrokeredToken>) -> Answer {
    Answer { token, served: Served::Fresh }
}

#[cfg(test)]
mod tests;
