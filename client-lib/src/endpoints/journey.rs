//! One request on its way: attempt after attempt until one is answered, the budget is spent, or time is over.

use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::pause::{jittered, leave};
use super::roster::{Attempt, Pick};
use super::verdict::Verdict;
use super::{Ask, Endpoints, Reply};
use crate::error::ClientError;

/// How often a request waits for brokers that are all left alone before it gives up.
const WAITS: usize = 3;
/// How many more attempts than brokers a request may take, whatever the budget holds.
const EXTRA_ATTEMPTS: usize = 3;

/// A request, the attempts under way, and what it learnt.
pub(super) struct Journey<'a> {
    brokers: &'a Endpoints,
    ask: &'a Ask,
    deadline: Instant,
    under_way: FuturesUnordered<BoxFuture<'a, (Attempt, Reply)>>,
    attempts: Vec<Attempt>,
    /// Brokers that were asked and need not be asked again before the others.
    asked: Vec<usize>,
    sent: usize,
    /// What the next attempt costs and when it may begin.
    next: Next,
    came_back: bool,
    failed_once: bool,
    error: Option<ClientError>,
}

/// What the next attempt costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It is the first.
    First,
    /// Nothing, at a broker not asked yet: the last one did no work for this request.
    Elsewhere,
    /// One repetition, not before this instant.
    Again(Instant),
}

impl<'a> Journey<'a> {
    pub(super) fn new(brokers: &'a Endpoints, ask: &'a Ask) -> Self {
        Self {
            brokers,
            ask,
            deadline: Instant::now() + brokers.request_timeout,
            under_way: FuturesUnordered::new(),
            attempts: Vec::new(),
            asked: Vec::new(),
            sent: 0,
            next: Next::First,
            came_back: false,
            failed_once: false,
            error: None,
        }
    }

    pub(super) async fn run(mut self) -> Reply {
        loop {
            if self.under_way.is_empty() {
                let attempt = self.next_attempt().await?;
                self.send(attempt);
            }
            let (attempt, reply) = self.first_to_end().await?;
            match reply {
                Ok(answer) => {
                    self.answered(&attempt);
                    return Ok(answer);
                }
                Err(error) => self.learn(&attempt, error)?,
            }
        }
    }

    /// Whom to ask now; waits as long as brokers have to be left alone.
    async fn next_attempt(&mut self) -> Result<Attempt, ClientError> {
        let brokers = self.brokers;
        match self.next {
            Next::First => {}
            _ if self.sent >= brokers.hosts.len() + EXTRA_ATTEMPTS => return Err(self.give_up()),
            Next::Elsewhere => {
                if self.asked.len() < brokers.hosts.len()
                    && let Pick::Ask(attempt) = brokers.roster.pick(&self.asked)
                {
                    return Ok(attempt);
                }
                // Nobody did any work, and one request at a time finds out who is back: coming back once is free.
                if std::mem::replace(&mut self.came_back, true) {
                    self.pay()?;
                }
                self.asked.clear();
            }
            Next::Again(instant) => {
                if instant >= self.deadline {
                    return Err(self.give_up());
                }
                self.pay()?;
                sleep_until(instant).await;
                if let Some(attempt) = brokers.roster.spare(&self.asked) {
                    return Ok(attempt);
                }
                self.asked.clear();
            }
        }
        self.whoever_opens().await
    }

    /// The first broker that may be asked.
    async fn whoever_opens(&mut self) -> Result<Attempt, ClientError> {
        let roster = &self.brokers.roster;
        for _ in 0..=WAITS {
            let change = roster.change();
            let until = match roster.pick(&[]) {
                Pick::Ask(attempt) => return Ok(attempt),
                Pick::Wait(until) => until,
            };
            if until >= self.deadline {
                break;
            }
            tokio::select! {
                () = change => {}
                () = sleep_until(until) => {}
            }
        }
        Err(self.give_up())
    }

    fn send(&mut self, attempt: Attempt) {
        let Some(host) = self.brokers.hosts.get(attempt.broker) else { return };
        let (ask, left) = (self.ask, self.deadline.saturating_duration_since(attempt.began));
        self.attempts.push(attempt);
        self.asked.push(attempt.broker);
        self.sent += 1;
        self.under_way.push(Box::pin(async move { (attempt, host.call(ask, left).await) }));
    }

    /// Waits for the first attempt to end, and begins another when those under way are late.
    async fn first_to_end(&mut self) -> Result<(Attempt, Reply), ClientError> {
        let late_after = self.brokers.pace.late_after();
        let mut deadline = pin!(sleep_until(self.deadline));
        let mut late = pin!(sleep_until(Instant::now() + late_after));
        loop {
            tokio::select! {
                biased;
                Some((attempt, reply)) = self.under_way.next() => {
                    self.attempts.retain(|other| *other != attempt);
                    return Ok((attempt, reply));
                }
                () = &mut deadline => {
                    for attempt in &self.attempts {
                        self.brokers.roster.silent(attempt);
                    }
                    return Err(ClientError::Timeout);
                }
                () = &mut late => {
                    self.hedge();
                    late.as_mut().reset(Instant::now() + late_after);
                }
            }
        }
    }

    /// Asks another broker beside the late one. It costs a repetition, unless others have lost that broker already:
    /// then nobody works on this request.
    fn hedge(&mut self) {
        let Endpoints { roster, budget, .. } = self.brokers;
        if !roster.has_spare(&self.asked) {
            return;
        }
        let lost = self.attempts.iter().all(|attempt| roster.is_lost(attempt));
        let scouts = || self.attempts.last().is_some_and(|attempt| roster.scouts(attempt));
        if (lost || if scouts() { budget.pay_scout() } else { budget.pay() })
            && let Some(spare) = roster.spare(&self.asked)
        {
            debug!(lost, "broker is late, another one is asked too");
            self.send(spare);
        }
    }

    /// An attempt was answered; those that had more time and were not are given up.
    fn answered(&self, attempt: &Attempt) {
        let Endpoints { roster, pace, .. } = self.brokers;
        roster.heard(attempt);
        pace.took(attempt.began.elapsed());
        for other in self.attempts.iter().filter(|other| other.is_older_than(attempt)) {
            pace.took(other.began.elapsed());
            roster.silent(other);
        }
    }

    /// Makes of an error what there is to make; returns it when it is the answer.
    fn learn(&mut self, attempt: &Attempt, error: ClientError) -> Result<(), ClientError> {
        let roster = &self.brokers.roster;
        let now = Instant::now();
        let next = match Verdict::of(&error) {
            Verdict::Final => {
                self.answered(attempt);
                return Err(error);
            }
            Verdict::Unreachable => {
                roster.unreachable(attempt, &error);
                Next::Elsewhere
            }
            Verdict::Closed(pause) => {
                roster.closed(attempt, now + jittered(pause), &error);
                Next::Elsewhere
            }
            Verdict::Passed(pause) => {
                let until = now + jittered(pause);
                roster.passed(attempt, until);
                if roster.has_better(&self.asked) { Next::Elsewhere } else { Next::Again(until) }
            }
            Verdict::Later(pause) => {
                roster.heard(attempt);
                Next::Again(now + jittered(pause))
            }
            Verdict::Silent => {
                roster.silent(attempt);
                self.once_more(now, &error)?
            }
            Verdict::Fault => {
                roster.faulty(attempt, &error);
                self.once_more(now, &error)?
            }
        };
        debug!(%error, attempt = self.sent, "attempt failed");
        self.next = next;
        self.error = Some(error);
        Ok(())
    }

    /// What a broker failed at is asked for once more.
    fn once_more(&mut self, now: Instant, error: &ClientError) -> Result<Next, ClientError> {
        if std::mem::replace(&mut self.failed_once, true) && self.under_way.is_empty() {
            return Err(error.clone());
        }
        let others = self.brokers.roster.has_spare(&self.asked);
        Ok(Next::Again(if others { now } else { now + leave(1) }))
    }

    fn pay(&mut self) -> Result<(), ClientError> {
        if self.brokers.budget.pay() { Ok(()) } else { Err(self.give_up()) }
    }

    /// The error of a request that does not go on: its own last one, or what is known of the brokers.
    fn give_up(&mut self) -> ClientError {
        let known = || self.brokers.roster.last_error();
        self.error.take().or_else(known).unwrap_or(ClientError::Timeout)
    }
}
