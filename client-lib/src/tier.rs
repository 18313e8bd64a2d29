//! The client tier: tokens found by walking up from what is asked to what covers it.
//!
//! Readers never wait: they load an immutable index and probe a hash map once per ancestor, deepest first. Writers
//! copy what they change; tokens are few per job and change a few times an hour. An index key is a key without its
//! closing slash, so that the object `wh/sales` and the prefix `wh/sales/` meet in one probe, as the reach of a
//! prefix demands. What a probe finds is compared with what was asked by the domain's own matcher.

mod shelf;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use lakegate_domain::{Bucket, OperationSet, Part, Target};
use tokio::time::Instant;

use crate::freshness::{Moment, RENEWAL_SPACING};
use crate::token::BrokeredToken;
use shelf::Shelf;

/// What somebody wants a token for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// One part, borrowed in its two halves: the hot path makes no `Part`.
    One(&'a Target, OperationSet),
    /// One part or several.
    Parts(&'a [Part]),
}

impl<'a> Wanted<'a> {
    fn first(self) -> Option<&'a Target> {
        match self {
            Self::One(target, _) => Some(target),
            Self::Parts(parts) => parts.first().map(Part::target),
        }
    }

    fn is_served_by(self, token: &BrokeredToken) -> bool {
        match self {
            Self::One(target, operations) => match token.covered() {
                [part] => part.operations().is_superset(operations) && part.target().covers(target),
                _ => false,
            },
            Self::Parts(parts) => token.serves_request(parts),
        }
    }
}

/// A token in the tier.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) token: Arc<BrokeredToken>,
    epoch: Instant,
    /// Milliseconds after `epoch` from which on the next renewal may start.
    renewable_from: AtomicU64,
}

impl Slot {
    fn new(token: Arc<BrokeredToken>) -> Self {
        let epoch = token.life.received_at();
        Self { token, epoch, renewable_from: AtomicU64::new(millis(RENEWAL_SPACING)) }
    }

    /// Whether a renewal is due, and the asker is the one to start it. At most once in [`RENEWAL_SPACING`].
    pub(crate) fn claim_renewal(&self, now: Moment) -> bool {
        if !self.token.life.is_due(now) {
            return false;
        }
        let since = millis(now.monotonic.saturating_duration_since(self.epoch));
        let from = self.renewable_from.load(Ordering::Relaxed);
        let next = since.saturating_add(millis(RENEWAL_SPACING));
        since >= from
            && self.renewable_from.compare_exchange(from, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a look-up found.
#[derive(Debug)]
pub(crate) enum Found {
    /// A token that may be served.
    Live(Arc<Slot>),
    /// Only a token too near to its end; asking for the same again will serve everybody below it.
    Stale(Arc<Slot>),
    /// No token covers this.
    Nothing,
}

/// The buckets with tokens. A job has one or two, and comparing is quicker than hashing.
type Index = BTreeMap<Bucket, Arc<Shelf>>;

/// Tokens by what they cover, at most `capacity` of them.
#[derive(Debug)]
pub(crate) struct Tier {
    index: ArcSwap<Index>,
    slots: Mutex<Vec<Arc<Slot>>>,
    capacity: usize,
}

impl Tier {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { index: ArcSwap::default(), slots: Mutex::default(), capacity: capacity.max(1) }
    }

    /// Looks for a token, the deepest covering one first. The time is read only when one was found.
    pub(crate) fn find(&self, wanted: Wanted<'_>, now: impl Fn() -> Moment) -> Found {
        let mut stale = None;
        let index = self.index.load();
        match search(&index, wanted, now, &mut stale) {
            Some((slot, _)) => Found::Live(Arc::clone(slot)),
            None => stale.map_or(Found::Nothing, |slot| Found::Stale(Arc::clone(slot))),
        }
    }

    /// Looks for a token that may be served and shows it where it lies: nothing is counted up or down.
    pub(crate) fn hit<R>(
        &self,
        wanted: Wanted<'_>,
        now: impl Fn() -> Moment,
        serve: impl FnOnce(&Arc<Slot>, Moment) -> R,
    ) -> Option<R> {
        search(&self.index.load(), wanted, now, &mut None).map(|(slot, now)| serve(slot, now))
    }

    /// Puts a token in, in place of `predecessor` and of any older token that covers the same.
    pub(crate) fn put(&self, token: Arc<BrokeredToken>, predecessor: Option<&Arc<Slot>>, now: Moment) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = Index::clone(&self.index.load());
        let replaced = |slot: &Arc<Slot>| {
            predecessor.is_some_and(|old| Arc::ptr_eq(old, slot)) || slot.token.covered == token.covered
        };
        withdraw(&mut slots, &mut index, replaced);
        if slots.len() >= self.capacity {
            make_room(&mut slots, &mut index, now);
        }
        let slot = Arc::new(Slot::new(token));
        for part in slot.token.covered() {
            let tokens = index.entry(part.target().bucket().clone()).or_default();
            Arc::make_mut(tokens).add(part.target(), &slot);
        }
        slots.push(slot);
        self.index.store(Arc::new(index));
    }

    /// Takes a token out, unless it is gone already.
    pub(crate) fn remove(&self, token: &BrokeredToken) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = Index::clone(&self.index.load());
        withdraw(&mut slots, &mut index, |slot| std::ptr::eq(&raw const *slot.token, token));
        self.index.store(Arc::new(index));
    }

    /// Takes out every token that covers all of these parts, and tells how many went. A token that covers only some
    /// of several parts stays: nothing says which part was meant.
    pub(crate) fn remove_covering(&self, parts: &[Part]) -> usize {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let before = slots.len();
        if slots.iter().any(|slot| slot.token.covers_all(parts)) {
            let mut index = Index::clone(&self.index.load());
            withdraw(&mut slots, &mut index, |slot| slot.token.covers_all(parts));
            self.index.store(Arc::new(index));
        }
        before - slots.len()
    }

    /// How many tokens are held.
    pub(crate) fn len(&self) -> usize {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The deepest live token for what is wanted; `stale` gets the deepest that is not live any more.
fn search<'a>(
    index: &'a Index,
    wanted: Wanted<'a>,
    now: impl Fn() -> Moment,
    stale: &mut Option<&'a Arc<Slot>>,
) -> Option<(&'a Arc<Slot>, Moment)> {
    let target = wanted.first()?;
    let tokens = index.get(target.bucket())?;
    tokens.candidates(target).filter(|slot| wanted.is_served_by(&slot.token)).find_map(|slot| {
        let now = now();
        let live = slot.token.is_live(now);
        if !live {
            stale.get_or_insert(slot);
        }
        live.then_some((slot, now))
    })
}

/// Takes out all slots of which `leaves` is true.
fn withdraw(slots: &mut Vec<Arc<Slot>>, index: &mut Index, leaves: impl Fn(&Arc<Slot>) -> bool) {
    slots.retain(|slot| {
        let leaving = leaves(slot);
        if leaving {
            for part in slot.token.covered() {
                if let Some(tokens) = index.get_mut(part.target().bucket()) {
                    Arc::make_mut(tokens).remove(part.target(), slot);
                }
            }
        }
        !leaving
    });
    index.retain(|_, shelf| !shelf.is_empty());
}

/// Makes room by a sixteenth: what has ended goes first, then what ends soonest.
fn make_room(slots: &mut Vec<Arc<Slot>>, index: &mut Index, now: Moment) {
    let mut by_end: Vec<(Duration, *const Slot)> =
        slots.iter().map(|slot| (slot.token.life.remaining(now), Arc::as_ptr(slot))).collect();
    by_end.sort_unstable_by_key(|(remaining, _)| *remaining);
    let leaving: std::collections::HashSet<*const Slot> =
        by_end.into_iter().take(slots.len() / 16 + 1).map(|(_, slot)| slot).collect();
    withdraw(slots, index, |slot| leaving.contains(&Arc::as_ptr(slot)));
}

#[cfg(test)]
mod tests;
