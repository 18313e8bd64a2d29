//! What is known of each broker, shared by all requests of a client.
//!
//! Requests end in another order than they began. An event is therefore compared with the numbers of the requests:
//! an old request that fails says nothing about a broker that was heard since.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::error::ClientError;

/// For how long a broker is left alone after its first failure, at most; doubled with each further one.
const FIRST_LEAVE: Duration = Duration::from_millis(100);
/// The least time for which a broker is left alone: no chance makes a busy loop.
const LEAST_LEAVE: Duration = Duration::from_millis(25);
/// The longest time for which a broker is left alone: a request outlives it, so brokers that come back are found.
const LONGEST_LEAVE: Duration = Duration::from_secs(5);
/// How long the one request that tries a broker again keeps all others away from it.
const TRIAL: Duration = Duration::from_secs(2);
/// A broker that fails at so many requests in a row, whatever they ask, is left alone.
const FAULTS: u32 = 5;

/// The brokers in the order in which this client prefers them.
#[derive(Debug)]
pub(super) struct Roster {
    book: Mutex<Book>,
    order: Vec<usize>,
    /// A broker was left or came back.
    changed: Notify,
}

#[derive(Debug)]
struct Book {
    pages: Vec<Page>,
    /// Numbers attempts and what is heard of them.
    events: u64,
}

#[derive(Debug, Clone, Default)]
struct Page {
    /// Failures since the broker was last heard.
    strikes: u32,
    /// Requests in a row at which the broker failed.
    faults: u32,
    /// When it was last heard and last failed.
    heard: u64,
    struck: u64,
    /// When a request last set out to find whether it is lost.
    scouted: u64,
    shut: Option<Shut>,
    /// Until when requests ask others first, and since when.
    passed: Option<(Instant, u64)>,
    /// What it last failed with.
    error: Option<ClientError>,
}

/// Until when a broker is left alone.
#[derive(Debug, Clone, Copy)]
struct Shut {
    until: Instant,
    since: u64,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It failed.
    Failed,
    /// It asked for it.
    Asked,
    /// One request tries it again.
    Tried,
}

/// How a broker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    /// It was left alone long enough.
    Due,
    /// It refused others lately.
    Passed,
    /// It is left alone until then.
    Shut(Instant),
}

impl Standing {
    /// The order in which brokers help a request that is in trouble; none for those that cannot.
    fn rank(self) -> Option<u8> {
        match self {
            Self::Open => Some(0),
            Self::Due => Some(1),
            Self::Passed => Some(2),
            Self::Shut(_) => None,
        }
    }
}

/// An attempt at one broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) broker: usize,
    pub(super) began: Instant,
    number: u64,
}

impl Attempt {
    /// Whether it has been under way for longer than another.
    pub(super) fn is_older_than(&self, other: &Self) -> bool {
        self.number < other.number
    }
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// This one, now.
    Ask(Attempt),
    /// Nobody before this instant, unless something changes.
    Wait(Instant),
}

impl Roster {
    pub(super) fn of(brokers: usize) -> Self {
        let mut roster = Self::in_order(brokers);
        roster.order.shuffle(&mut rand::rng());
        roster
    }

    /// Brokers preferred in the order in which they are configured.
    pub(super) fn in_order(brokers: usize) -> Self {
        let pages = vec![Page::default(); brokers];
        let order = (0..brokers).collect();
        Self { book: Mutex::new(Book { pages, events: 0 }), order, changed: Notify::new() }
    }

    /// The broker to ask next, other than those named. One that was left alone long enough is given to one request
    /// only, until more is known. One that refused others lately is asked when there is no better one.
    pub(super) fn pick(&self, without: &[usize]) -> Pick {
        let mut book = self.book();
        let now = Instant::now();
        let standings = || self.others(without).map(|broker| (broker, book.standing(broker, now)));
        let usable = |standing: &Standing| matches!(standing, Standing::Open | Standing::Due);
        let best = standings().find(|(_, standing)| usable(standing));
        if let Some((broker, _)) =
            best.or_else(|| standings().find(|(_, standing)| *standing == Standing::Passed))
        {
            return Pick::Ask(book.begin(broker, now));
        }
        let opens = standings().filter_map(|(_, standing)| match standing {
            Standing::Shut(until) => Some(until),
            _ => None,
        });
        Pick::Wait(opens.min().unwrap_or(now))
    }

    /// A broker other than those named for a request that is in trouble: nothing bad is known of it, or it is the best
    /// there is.
    pub(super) fn spare(&self, without: &[usize]) -> Option<Attempt> {
        let mut book = self.book();
        let now = Instant::now();
        let standings = self.others(without).map(|broker| (broker, book.standing(broker, now)));
        let usable = standings.filter_map(|(broker, standing)| standing.rank().map(|rank| (rank, broker)));
        let (_, broker) = usable.min_by_key(|(rank, _)| *rank)?;
        Some(book.begin(broker, now))
    }

    /// Whether [`Roster::spare`] would find one.
    pub(super) fn has_spare(&self, without: &[usize]) -> bool {
        let (book, now) = (self.book(), Instant::now());
        self.others(without).any(|broker| book.standing(broker, now).rank().is_some())
    }

    /// Whether a broker other than those named may be asked that has not refused others lately.
    pub(super) fn has_better(&self, without: &[usize]) -> bool {
        let (book, now) = (self.book(), Instant::now());
        self.others(without)
            .any(|broker| matches!(book.standing(broker, now), Standing::Open | Standing::Due))
    }

    fn others(&self, without: &[usize]) -> impl Iterator<Item = usize> {
        self.order.iter().copied().filter(move |broker| !without.contains(broker))
    }

    /// The broker answered, be it with a refusal.
    pub(super) fn heard(&self, attempt: &Attempt) {
        self.note(attempt, |page, event| {
            page.faults = 0;
            page.hear(attempt, event)
        });
    }

    /// The broker failed at this request, and may well answer others.
    pub(super) fn faulty(&self, attempt: &Attempt, error: &ClientError) {
        self.note(attempt, |page, event| {
            page.faults += 1;
            page.error = Some(error.clone());
            if page.faults >= FAULTS { page.strike(attempt, event) } else { page.hear(attempt, event) }
        });
    }

    /// The broker could not be reached.
    pub(super) fn unreachable(&self, attempt: &Attempt, error: &ClientError) {
        self.note(attempt, |page, event| {
            page.error = Some(error.clone());
            page.strike(attempt, event)
        });
    }

    /// The attempt was given up without an answer. That says something only when nobody else heard of the broker
    /// meanwhile.
    pub(super) fn silent(&self, attempt: &Attempt) {
        self.note(attempt, |page, event| {
            page.error = Some(ClientError::Timeout);
            page.strike(attempt, event)
        });
    }

    /// The broker wants to be left alone until an instant.
    pub(super) fn closed(&self, attempt: &Attempt, until: Instant, error: &ClientError) {
        self.note(attempt, |page, event| {
            page.heard = event;
            page.error = Some(error.clone());
            let until = page.asked_until().map_or(until, |asked| asked.max(until));
            page.shut = Some(Shut { until, since: event, why: Why::Asked });
            true
        });
    }

    /// The broker refused this request for a reason that may hold for others or not: they ask others first.
    pub(super) fn passed(&self, attempt: &Attempt, until: Instant) {
        self.note(attempt, |page, event| {
            let opened = page.hear(attempt, event);
            page.passed = Some((until, event));
            opened
        });
    }

    /// Whether the broker has failed and not been heard since the attempt began: others found out before.
    pub(super) fn is_lost(&self, attempt: &Attempt) -> bool {
        let book = self.book();
        book.pages.get(attempt.broker).is_some_and(|page| page.strikes > 0 && page.heard < attempt.number)
    }

    /// Whether the attempt is the first to find out that its broker has not been heard since it began.
    pub(super) fn scouts(&self, attempt: &Attempt) -> bool {
        let mut book = self.book();
        let event = book.next();
        let silent = |page: &&mut Page| page.heard < attempt.number && page.scouted < attempt.number;
        book.pages.get_mut(attempt.broker).filter(silent).map(|page| page.scouted = event).is_some()
    }

    /// What a broker last failed with, for a request that came too late to try for itself.
    pub(super) fn last_error(&self) -> Option<ClientError> {
        let book = self.book();
        let failed = book.pages.iter().filter(|page| page.shut.is_some() && page.error.is_some());
        failed.max_by_key(|page| page.struck.max(page.heard)).and_then(|page| page.error.clone())
    }

    /// Ends when a broker is left or comes back after this was called.
    pub(super) fn change(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn note(&self, attempt: &Attempt, act: impl FnOnce(&mut Page, u64) -> bool) {
        let changed = {
            let mut book = self.book();
            let event = book.next();
            book.pages.get_mut(attempt.broker).is_some_and(|page| act(page, event))
        };
        if changed {
            self.changed.notify_waiters();
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn standing(&self, broker: usize, now: Instant) -> Standing {
        match self.pages.get(broker) {
            Some(Page { shut: Some(shut), .. }) if shut.until > now => Standing::Shut(shut.until),
            Some(Page { shut: Some(_), .. }) => Standing::Due,
            Some(Page { passed: Some((until, _)), .. }) if *until > now => Standing::Passed,
            Some(_) | None => Standing::Open,
        }
    }

    /// Begins an attempt. At a broker that was left alone it is a trial, which keeps all others away.
    fn begin(&mut self, broker: usize, now: Instant) -> Attempt {
        let number = self.next();
        if let Some(page) = self.pages.get_mut(broker)
            && page.shut.is_some()
        {
            page.shut = Some(Shut { until: now + TRIAL, since: number, why: Why::Tried });
        }
        Attempt { broker, began: now, number }
    }

    fn next(&mut self) -> u64 {
        self.events += 1;
        self.events
    }
}

impl Page {
    /// Opens the page of a broker that was heard, unless it asked to be left alone after this attempt began. Tells
    /// whether it was shut.
    fn hear(&mut self, attempt: &Attempt, event: u64) -> bool {
        self.heard = event;
        self.strikes = 0;
        let stays = |shut: &Shut| shut.why == Why::Asked && shut.since > attempt.number;
        self.passed = self.passed.filter(|(_, since)| *since > attempt.number);
        let was_shut = self.shut.is_some();
        self.shut = self.shut.filter(stays);
        was_shut && self.shut.is_none()
    }

    /// Shuts the page of a broker that failed, once for all attempts that were under way. Tells whether it did.
    fn strike(&mut self, attempt: &Attempt, event: u64) -> bool {
        if self.heard > attempt.number || self.struck > attempt.number {
            return false;
        }
        self.strikes = self.strikes.saturating_add(1);
        self.struck = event;
        let until = Instant::now() + leave(self.strikes);
        if self.asked_until().is_none_or(|asked| asked < until) {
            self.shut = Some(Shut { until, since: event, why: Why::Failed });
        }
        true
    }

    /// Until when the broker itself asked to be left alone.
    fn asked_until(&self) -> Option<Instant> {
        self.shut.filter(|shut| shut.why == Why::Asked).map(|shut| shut.until)
    }
}

/// For how long to leave a broker after so many failures: any time up to a limit that doubles, so that clients that
/// lost it together do not come back together.
pub(super) fn leave(strikes: u32) -> Duration {
    let doublings = strikes.saturating_sub(1).min(16);
    let limit = FIRST_LEAVE.saturating_mul(1 << doublings).min(LONGEST_LEAVE);
    LEAST_LEAVE + limit.saturating_sub(LEAST_LEAVE).mul_f64(rand::random_range(0.0..1.0))
}

/// A pause of at least what was asked for and at most twice that.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.saturating_add(pause.mul_f64(rand::random_range(0.0..1.0)))
}

#[cfg(test)]
mod tests;
