//! What is known of each broker, shared by all requests of a client.
//!
//! Requests end in another order than they began. An event is therefore compared with the numbers of the requests:
//! an old request that fails says nothing about a broker that was heard since. What follows from an event for its broker
//! is [`page`]'s affair; here stands who is asked.

mod page;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::seq::SliceRandom;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use self::page::{Page, Standing};
use crate::error::ClientError;

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
        self.note(attempt, |page, event| page.answer(attempt, event));
    }

    /// The broker failed at this request, and may well answer others.
    pub(super) fn faulty(&self, attempt: &Attempt, error: &ClientError) {
        self.note(attempt, |page, event| page.fault((attempt, event), error));
    }

    /// The broker could not be reached.
    pub(super) fn unreachable(&self, attempt: &Attempt, error: &ClientError) {
        self.note(attempt, |page, event| page.fail((attempt, event), error));
    }

    /// The attempt was given up without an answer. That says something only when nobody else heard of the broker
    /// meanwhile.
    pub(super) fn silent(&self, attempt: &Attempt) {
        self.note(attempt, |page, event| page.fail((attempt, event), &ClientError::Timeout));
    }

    /// The broker wants to be left alone until an instant.
    pub(super) fn closed(&self, attempt: &Attempt, until: Instant, error: &ClientError) {
        self.note(attempt, |page, event| page.close(event, until, error));
    }

    /// The broker refused this request for a reason that may hold for others or not: they ask others first.
    pub(super) fn passed(&self, attempt: &Attempt, until: Instant) {
        self.note(attempt, |page, event| page.pass((attempt, event), until));
    }

    /// Whether the broker has failed and not been heard since the attempt began: others found out before.
    pub(super) fn is_lost(&self, attempt: &Attempt) -> bool {
        self.book().pages.get(attempt.broker).is_some_and(|page| page.is_lost(attempt))
    }

    /// Whether the attempt is the first to find out that its broker has not been heard since it began.
    pub(super) fn scouts(&self, attempt: &Attempt) -> bool {
        let mut book = self.book();
        let event = book.next();
        book.pages.get_mut(attempt.broker).is_some_and(|page| page.scout(attempt, event))
    }

    /// What a broker last failed with, for a request that came too late to try for itself.
    pub(super) fn last_error(&self) -> Option<ClientError> {
        let book = self.book();
        let last = book.pages.iter().filter_map(Page::failure).max_by_key(|(when, _)| *when);
        last.map(|(_, error)| error.clone())
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
        self.pages.get(broker).map_or(Standing::Open, |page| page.standing(now))
    }

    fn begin(&mut self, broker: usize, now: Instant) -> Attempt {
        let number = self.next();
        if let Some(page) = self.pages.get_mut(broker) {
            page.begin(number, now);
        }
        Attempt { broker, began: now, number }
    }

    fn next(&mut self) -> u64 {
        self.events += 1;
        self.events
    }
}

#[cfg(test)]
mod tests;
