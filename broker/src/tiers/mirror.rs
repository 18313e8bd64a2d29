//! The mirror: a slot in memory for every plain scope of the snapshot in force.
//!
//! Plain scopes are what nearly everybody shares, so their tokens must not depend on who asked last. A slot is made
//! when a snapshot knows the scope and goes when none does; it is filled from the shared tier in the background, by
//! pipelined reads, and read again when its token comes to the age at which generators renew. A request only ever
//! looks at a slot; it waits for nothing here.

mod follow;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use foldhash::fast::RandomState;
pub(crate) use follow::Mirroring;
use lakegate_domain::AccessToken;
use lakegate_policy::{Scope, ScopeKey};
use tokio::sync::watch;

/// One plain scope and the token last seen for it.
#[derive(Debug)]
pub(super) struct Slot {
    scope: Scope,
    token: ArcSwapOption<AccessToken>,
}

/// The slots of one snapshot. Keys are hashes already, so the cheapest hash of them serves.
type Slots = HashMap<ScopeKey, Arc<Slot>, RandomState>;

/// All slots. Reading takes no lock.
#[derive(Debug, Default)]
pub struct Mirror {
    slots: ArcSwap<Slots>,
    loaded: watch::Sender<bool>,
    /// How often a token stood under the key of another scope, here or in the bounded cache. Never, or memory lies.
    mismatches: AtomicU64,
}

impl Mirror {
    /// The token last seen for a plain scope, whatever its state; none for other scopes.
    pub(super) fn token(&self, key: &ScopeKey) -> Option<Arc<AccessToken>> {
        self.slots.load().get(key)?.token.load_full()
    }

    /// Keeps a token over whatever the slot held. Tells whether the scope has a slot.
    pub(super) fn put(&self, key: &ScopeKey, token: &Arc<AccessToken>) -> bool {
        let slots = self.slots.load();
        let Some(slot) = slots.get(key) else { return false };
        slot.token.store(Some(Arc::clone(token)));
        true
    }

    /// Whether the shared tier answered for every slot once. Before that a broker knows less than its peers.
    pub fn is_loaded(&self) -> bool {
        *self.loaded.borrow()
    }

    /// Waits until [`Mirror::is_loaded`].
    pub async fn loaded(&self) {
        // The sender is ours, so waiting ends with the value.
        let _ = self.loaded.subscribe().wait_for(|loaded| *loaded).await;
    }

    /// How many slots there are, and how many hold a token.
    pub fn counts(&self) -> (usize, usize) {
        let slots = self.slots.load();
        (slots.len(), slots.values().filter(|slot| slot.token.load().is_some()).count())
    }

    /// How often a token stood under the key of another scope since the start.
    pub fn mismatches(&self) -> u64 {
        self.mismatches.load(Ordering::Relaxed)
    }

    /// Counts such a token.
    pub(super) fn count_mismatch(&self) {
        self.mismatches.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the slots of another snapshot. Scopes that both know keep their slot and so their token.
    fn reshape(&self, scopes: impl Iterator<Item = Scope>) -> Arc<Slots> {
        let before = self.slots.load();
        let slot = |scope: Scope| {
            let key = scope.key();
            let kept = before.get(&key).map(Arc::clone);
            (key, kept.unwrap_or_else(|| Arc::new(Slot { scope, token: ArcSwapOption::empty() })))
        };
        let slots: Arc<Slots> = Arc::new(scopes.map(slot).collect());
        self.slots.store(Arc::clone(&slots));
        slots
    }

    fn now_loaded(&self) {
        self.loaded.send_if_modified(|loaded| !std::mem::replace(loaded, true));
    }
}

impl Slot {
    /// Takes a token that the shared tier holds, unless the slot has one that lives longer.
    fn refresh(&self, token: &Arc<AccessToken>) {
        self.token.rcu(|held| match held {
            Some(held) if held.expires_at >= token.expires_at => Some(Arc::clone(held)),
            _ => Some(Arc::clone(token)),
        });
    }
}

#[cfg(test)]
mod tests;
