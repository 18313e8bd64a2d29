//! Clears the tiers of what left with a policy.
//!
//! Nobody is handed such a token in any case, since every hit is decided anew. But what nobody may have, nobody
//! should keep: it goes from the bounded caches and from the shared tier as soon as a snapshot without it is in force.
//! The mirror's slots go by themselves.
//!
//! A peer that learns of the snapshot a moment later, or a call to the cloud that is under way, may put such a token
//! back, so everything is cleared once more after a while, and again until the shared tier took it. Left is what no
//! broker remembers: a narrowed token that was pushed out of every cache stays sealed in the shared tier until it ends.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lakegate_host::PolicyFeed;
use lakegate_policy::{Departed, Scope, ScopeKey, Snapshot};
use lakegate_token_store::SealedTokens;
use tokio::time::Instant;

use super::local::LocalTier;
use super::{Mirror, StorageTiers};

/// Keys forgotten by one call, so that it holds no connection for long.
const CHUNK: usize = 500;

/// After how long everything is cleared again: by then every peer has the snapshot and every minting is over.
const AGAIN_AFTER: Duration = Duration::from_mins(1);

/// When to give up on a shared tier that is away: what it holds has ended too.
const GIVE_UP_AFTER: Duration = Duration::from_hours(1);

/// The background work of clearing.
pub(crate) struct Clearing {
    mirror: Weak<Mirror>,
    policy: Arc<PolicyFeed>,
    tokens: Arc<SealedTokens>,
    tiers: Vec<LocalTier>,
    last: Option<Arc<Snapshot>>,
    departures: Vec<Departure>,
}

/// What left at one change of the policy.
struct Departure {
    since: Instant,
    due: Instant,
    departed: Departed,
    /// The plain scopes of the policy that had them.
    plain: Vec<Scope>,
    /// Other scopes that were found in memory.
    found: HashSet<ScopeKey>,
}

impl Clearing {
    /// The work for the tiers of a broker's storages; it ends with the mirror.
    pub(crate) fn new<'a>(
        mirror: &Arc<Mirror>,
        policy: Arc<PolicyFeed>,
        tokens: Arc<SealedTokens>,
        storages: impl Iterator<Item = &'a StorageTiers>,
    ) -> Self {
        let tiers = storages.map(|storage| storage.local().clone()).collect();
        let last = policy.current();
        Self { mirror: Arc::downgrade(mirror), policy, tokens, tiers, last, departures: Vec::new() }
    }

    /// Works until the mirror or the policy is gone.
    pub(crate) async fn run(mut self) {
        let mut snapshots = self.policy.subscribe();
        while self.mirror.strong_count() > 0 {
            let next = self.turn().await;
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Follows the policy and clears what is due. Tells when to come again.
    async fn turn(&mut self) -> Instant {
        if let Some(now) = self.policy.current()
            && let Some(last) = self.last.replace(Arc::clone(&now))
            && last.number() != now.number()
        {
            self.follow(last, now).await;
        }
        self.clear_due().await;
        let next = self.departures.iter().map(|departure| departure.due).min();
        next.unwrap_or_else(|| Instant::now() + GIVE_UP_AFTER)
    }

    /// Looks at what left between two snapshots, and at what came back.
    async fn follow(&mut self, last: Arc<Snapshot>, now: Arc<Snapshot>) {
        for departure in &mut self.departures {
            departure.departed.keep_absent_from(&now);
        }
        // Both may be large, and so may what is dropped with the last one.
        let compared = tokio::task::spawn_blocking(move || {
            let departed = now.departed_since(&last);
            let plain = if departed.is_empty() { Vec::new() } else { last.plain_scopes() };
            let gone =
                plain.into_iter().map(|plain| plain.scope().clone()).filter(|scope| departed.took(scope));
            (gone.collect(), departed)
        });
        let Ok((plain, departed)) = compared.await else { return };
        let since = Instant::now();
        self.departures.push(Departure { since, due: since, departed, plain, found: HashSet::new() });
    }

    /// Clears what is due, and keeps what must be cleared again.
    async fn clear_due(&mut self) {
        for mut departure in std::mem::take(&mut self.departures) {
            let now = Instant::now();
            let is_done = if departure.departed.is_empty() {
                true
            } else if departure.due > now {
                false
            } else {
                departure.due = now + AGAIN_AFTER;
                let age = now.duration_since(departure.since);
                (self.clear(&mut departure).await && age >= AGAIN_AFTER) || age >= GIVE_UP_AFTER
            };
            if !is_done {
                self.departures.push(departure);
            }
        }
    }

    /// Clears memory and the shared tier; tells whether the shared tier took it.
    async fn clear(&self, departure: &mut Departure) -> bool {
        departure.found.extend(self.tiers.iter().flat_map(|tier| tier.forget(&departure.departed)));
        let plain = departure.plain.iter().filter(|scope| departure.departed.took(scope)).map(Scope::key);
        let keys: Vec<ScopeKey> = plain.chain(departure.found.iter().copied()).collect();
        for chunk in keys.chunks(CHUNK) {
            if let Err(error) = self.tokens.remove(chunk).await {
                tracing::warn!(%error, scopes = keys.len(), "the shared tier keeps tokens of what left the policy; tried again in a minute");
                return false;
            }
        }
        if !keys.is_empty() {
            tracing::info!(scopes = keys.len(), "tokens of what left the policy are cleared");
        }
        true
    }
}

#[cfg(test)]
mod tests;
