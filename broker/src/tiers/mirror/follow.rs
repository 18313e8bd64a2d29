//! Keeps the mirror true: follows the policy, and reads what is missing or due from the shared tier.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use lakegate_domain::{AccessToken, Clock, StorageId};
use lakegate_host::PolicyFeed;
use lakegate_policy::{Scope, ScopeKey};
use lakegate_token_store::SealedTokens;
use tokio::time::Instant;

use super::{Mirror, Slots};

/// Values asked for at once: few round trips for a whole lake, and no reply that blocks a connection for long.
const CHUNK: usize = 500;

/// How long a read of one chunk may take. No request waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The part of its life after which generators may renew a token; see design of freshness in `ARCHITECTURE.md`.
const RENEWED_FROM: f64 = 0.5;

/// Looks at a token that is due and not renewed yet: so many in its life, but not more often or seldom than this.
const LOOKS_IN_A_LIFE: u32 = 120;
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a scope that has no token is left alone: doubled at every look, up to a minute.
const FIRST_ABSENCE: Duration = Duration::from_secs(1);
const LONGEST_ABSENCE: Duration = Duration::from_mins(1);

/// How long a store that failed is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// The background work of a mirror.
pub(crate) struct Mirroring {
    mirror: Weak<Mirror>,
    policy: Arc<PolicyFeed>,
    tokens: Arc<SealedTokens>,
    clock: Arc<dyn Clock>,
    served: HashSet<StorageId>,
    slots: Arc<Slots>,
    snapshot: Option<u64>,
    due: BinaryHeap<Reverse<(Instant, ScopeKey)>>,
    absent: HashMap<ScopeKey, Duration>,
}

impl Mirroring {
    /// The work for a mirror of the plain scopes of some storages.
    pub(crate) fn new(
        mirror: &Arc<Mirror>,
        policy: Arc<PolicyFeed>,
        tokens: Arc<SealedTokens>,
        clock: Arc<dyn Clock>,
        served: HashSet<StorageId>,
    ) -> Self {
        Self {
            mirror: Arc::downgrade(mirror),
            policy,
            tokens,
            clock,
            served,
            slots: Arc::default(),
            snapshot: None,
            due: BinaryHeap::new(),
            absent: HashMap::new(),
        }
    }

    /// Works until the mirror or the policy is gone.
    pub(crate) async fn run(mut self) {
        let mut snapshots = self.policy.subscribe();
        loop {
            let Some(mirror) = self.mirror.upgrade() else { return };
            self.follow_policy(&mirror);
            let next = self.look(&mirror).await;
            drop(mirror);
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Makes slots for the snapshot in force when it is another one. Every new slot is due at once.
    fn follow_policy(&mut self, mirror: &Mirror) {
        let Some(snapshot) = self.policy.current() else { return };
        if self.snapshot == Some(snapshot.number()) {
            return;
        }
        self.snapshot = Some(snapshot.number());
        let plain = snapshot.plain_scopes().into_iter().map(|plain| plain.scope().clone());
        let before = std::mem::take(&mut self.slots);
        self.slots = mirror.reshape(plain.filter(|scope| self.served.contains(scope.storage())));
        let now = Instant::now();
        let new = self.slots.keys().filter(|key| !before.contains_key(*key));
        self.due.extend(new.map(|key| Reverse((now, *key))));
        self.absent.retain(|key, _| self.slots.contains_key(key));
    }

    /// Reads one chunk of what is due. Tells when to come again.
    async fn look(&mut self, mirror: &Mirror) -> Instant {
        let now = Instant::now();
        let keys = self.take_due(now);
        let Some(found) = self.read(&keys).await else {
            let again = now + spread(STORE_PAUSE);
            self.due.extend(keys.into_iter().map(|key| Reverse((again, key))));
            return again;
        };
        for (key, token) in keys.into_iter().zip(found) {
            let Some(slot) = self.slots.get(&key) else { continue };
            if let Some(token) = token {
                slot.refresh(&token);
            }
            let held = slot.token.load_full();
            let pause = self.pause(key, held.as_deref());
            self.due.push(Reverse((now + pause, key)));
        }
        let next = self.due.peek().map(|Reverse((at, _))| *at);
        if self.snapshot.is_some() && next.is_none_or(|at| at > now) {
            mirror.now_loaded();
        }
        // Without slots there is nothing to do until the policy changes.
        next.unwrap_or_else(|| now + Duration::from_hours(1))
    }

    /// Up to a chunk of keys that are due and still have a slot. What was found fresh in the meantime, because a
    /// request filled it, is put off without a read.
    fn take_due(&mut self, now: Instant) -> Vec<ScopeKey> {
        let mut keys = Vec::new();
        while keys.len() < CHUNK
            && let Some(Reverse((at, key))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            let Some(slot) = self.slots.get(&key) else { continue };
            match slot.token.load().as_deref().map(|token| self.until_renewal(token)) {
                Some(wait) if !wait.is_zero() => self.due.push(Reverse((now + wait, key))),
                _ => keys.push(key),
            }
        }
        keys
    }

    /// The tokens of keys that have a slot; none at all when the shared tier does not answer.
    async fn read(&self, keys: &[ScopeKey]) -> Option<Vec<Option<Arc<AccessToken>>>> {
        if keys.is_empty() {
            return Some(Vec::new());
        }
        let scopes: Vec<&Scope> = keys.iter().filter_map(|key| Some(&self.slots.get(key)?.scope)).collect();
        match tokio::time::timeout(PATIENCE, self.tokens.get_many(&scopes)).await {
            Ok(Ok(found)) => return Some(found),
            Ok(Err(error)) => tracing::warn!(%error, "shared tier does not answer; the mirror grows old"),
            Err(_) => tracing::warn!("shared tier is slow; the mirror grows old"),
        }
        None
    }

    /// How long to leave a scope alone after a look.
    fn pause(&mut self, key: ScopeKey, held: Option<&AccessToken>) -> Duration {
        let Some(token) = held.filter(|token| token.expires_at > self.clock.now()) else {
            let pause = self.absent.get(&key).map_or(FIRST_ABSENCE, |last| (*last * 2).min(LONGEST_ABSENCE));
            self.absent.insert(key, pause);
            return spread(pause);
        };
        self.absent.remove(&key);
        let wait = self.until_renewal(token);
        if wait.is_zero() {
            spread((token.life() / LOOKS_IN_A_LIFE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
        } else {
            wait
        }
    }

    /// How long until a generator may have renewed the token.
    fn until_renewal(&self, token: &AccessToken) -> Duration {
        token.minted_at.plus(token.life().mul_f64(RENEWED_FROM)).since(self.clock.now())
    }
}

/// A pause with up to a quarter more, so that brokers that lost a store together do not come back together.
fn spread(pause: Duration) -> Duration {
    pause + pause.mul_f64(rand::random_range(0.0..0.25))
}
