//! Access tokens in the shared tier, as brokers and generators see it: typed on this side, sealed on the other.

use std::sync::Arc;

use arc_swap::ArcSwap;
use lakegate_domain::{AccessToken, Clock, Timestamp};
use lakegate_policy::{Scope, ScopeKey};
use tokio::sync::Semaphore;
use tracing::{debug, error, info, warn};

use crate::alarms::{Alarms, Distrust};
use crate::failures::Failures;
use crate::sealing::Sealer;
use crate::{
    AlarmCounts, FailureCounts, SealingKey, SealingKeys, StoreError, StoreHealth, StoreId, TokenStore,
};

/// How many tokens may be on their way to the store behind the backs of those who were answered. Each has a few
/// KiB; a store that is so far behind gets no more.
const WRITES_UNDER_WAY: usize = 256;

/// The shared tier. Whatever comes back from the store is a token for exactly the scope that was asked for, or a
/// miss; what is not believed is counted, logged once and, unless another process may read it, removed.
#[derive(Debug)]
pub struct SealedTokens {
    store: Arc<dyn TokenStore>,
    sealer: ArcSwap<Sealer>,
    cluster: String,
    clock: Arc<dyn Clock>,
    alarms: Alarms,
    failures: Arc<Failures>,
    writes: Arc<Semaphore>,
}

impl SealedTokens {
    /// Joins a store and the keys of a cluster. One instance per process: it owns this start's subkey.
    ///
    /// # Errors
    /// [`StoreError::ClusterName`], [`StoreError::DuplicateKeyId`], or [`StoreError::Sealing`] without randomness.
    pub fn new(
        store: Arc<dyn TokenStore>,
        keys: SealingKeys,
        cluster: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            sealer: ArcSwap::from_pointee(Sealer::new(keys, cluster)?),
            cluster: cluster.to_owned(),
            clock,
            alarms: Alarms::default(),
            failures: Arc::default(),
            writes: Arc::new(Semaphore::new(WRITES_UNDER_WAY)),
        })
    }

    /// Seals with other keys from now on. What is being sealed or opened meanwhile is so with the old ones; on an
    /// error they stay in force.
    ///
    /// # Errors
    /// [`StoreError::DuplicateKeyId`], [`StoreError::KeyIdReused`], or [`StoreError::Sealing`] without randomness.
    pub fn rotate(&self, keys: SealingKeys) -> Result<(), StoreError> {
        self.sealer.load().check_ids(&keys)?;
        let (current, previous) = (keys.current.id(), keys.previous.as_ref().map(SealingKey::id));
        self.sealer.store(Arc::new(Sealer::new(keys, &self.cluster)?));
        info!(current, previous, "sealing keys are in force");
        Ok(())
    }

    /// The token of a scope; none when there is none to be believed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Refused`] when the store does not answer with values.
    pub async fn get(&self, scope: &Scope) -> Result<Option<Arc<AccessToken>>, StoreError> {
        Ok(self.get_many(&[scope]).await?.pop().flatten())
    }

    /// The tokens of scopes, in their order, by one look-up.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Refused`] when the store does not answer with values.
    pub async fn get_many(&self, scopes: &[&Scope]) -> Result<Vec<Option<Arc<AccessToken>>>, StoreError> {
        let keys: Vec<ScopeKey> = scopes.iter().map(|scope| scope.key()).collect();
        let values = self.store.get_many(&keys).await.inspect_err(|_| self.failures.read())?;
        if values.len() != keys.len() {
            return Err(StoreError::unavailable(
                "the store answered another number of keys than it was asked for",
            ));
        }
        let now = self.clock.now();
        let sealer = self.sealer.load_full();
        let mut distrusted = Vec::new();
        let mut believe = |scope: &&Scope, value: Option<Vec<u8>>| match believe(&sealer, scope, value?, now)
        {
            Ok(token) => Some(Arc::new(token)),
            Err(distrust) => {
                distrusted.push((scope.key(), distrust));
                None
            }
        };
        let tokens = scopes.iter().zip(values).map(|(scope, value)| believe(scope, value)).collect();
        self.report(&distrusted).await;
        Ok(tokens)
    }

    /// Seals a token and keeps it until it expires.
    ///
    /// # Errors
    /// [`StoreError::WrongScope`] when the token was minted for another scope, [`StoreError::TooLarge`],
    /// [`StoreError::Sealing`], [`StoreError::Unavailable`], or [`StoreError::Refused`].
    pub async fn put(&self, scope: &Scope, token: &AccessToken) -> Result<(), StoreError> {
        let value = self.seal(scope, token)?;
        self.store.put(&scope.key(), value, token.expires_at).await.inspect_err(|_| self.failures.write())
    }

    /// Seals a token now and gives it to the store in the background, so that nobody waits for the store. A token
    /// that the store does not take costs another minting; it is counted. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::WrongScope`], [`StoreError::TooLarge`] or [`StoreError::Sealing`].
    pub fn put_later(&self, scope: &Scope, token: &AccessToken) -> Result<(), StoreError> {
        let value = self.seal(scope, token)?;
        let Ok(turn) = Arc::clone(&self.writes).try_acquire_owned() else {
            self.failures.dropped();
            return Ok(());
        };
        let (store, failures) = (Arc::clone(&self.store), Arc::clone(&self.failures));
        let (key, keep_until) = (scope.key(), token.expires_at);
        tokio::spawn(async move {
            if let Err(error) = store.put(&key, value, keep_until).await {
                failures.write();
                debug!(%error, "shared tier did not take a token");
            }
            drop(turn);
        });
        Ok(())
    }

    /// Waits until nothing is under way to the store; for a process that ends. The caller owns the deadline.
    pub async fn settled(&self) {
        let all = u32::try_from(WRITES_UNDER_WAY).unwrap_or(u32::MAX);
        // The semaphore is never closed, so waiting ends with all turns in hand.
        drop(self.writes.acquire_many(all).await);
    }

    fn seal(&self, scope: &Scope, token: &AccessToken) -> Result<Vec<u8>, StoreError> {
        if token.scope_tag != scope.tag() {
            return Err(StoreError::WrongScope);
        }
        self.sealer.load().seal(scope, token)
    }

    /// Forgets the tokens of scopes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Refused`]; then some may still be there.
    pub async fn remove(&self, keys: &[ScopeKey]) -> Result<(), StoreError> {
        self.store.remove(keys).await.inspect_err(|_| self.failures.removal())
    }

    /// Asks whether the store answers, and which data it holds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<StoreId, StoreError> {
        self.store.ping().await
    }

    /// How many values were not believed since the start.
    pub fn alarms(&self) -> AlarmCounts {
        self.alarms.counts()
    }

    /// How many calls to the store failed since the start.
    pub fn failures(&self) -> FailureCounts {
        self.failures.counts()
    }

    /// How the store has done since the start.
    pub fn health(&self) -> StoreHealth {
        self.store.health()
    }

    /// Counts, logs one line for each look-up, and clears away. A removal that fails changes nothing: the value
    /// will be met and distrusted again.
    async fn report(&self, distrusted: &[(ScopeKey, Distrust)]) {
        for (_, distrust) in distrusted {
            self.alarms.count(*distrust);
        }
        // Before the answer, and not behind its back: a fresh token may be put under the key right after it.
        let removals = distrusted.iter().filter(|(_, distrust)| distrust.removes());
        let keys: Vec<ScopeKey> = removals.map(|(key, _)| *key).collect();
        if !keys.is_empty()
            && let Err(error) = self.remove(&keys).await
        {
            debug!(%error, "distrusted values could not be removed");
        }
        let grave = distrusted.iter().find(|(_, distrust)| distrust.is_grave());
        if let Some((key, distrust)) = grave {
            error!(%key, reason = distrust.as_str(), values = distrusted.len(), "the token store returned a value that was not sealed for this key");
        } else if let Some((key, distrust)) = distrusted.first() {
            warn!(%key, reason = distrust.as_str(), values = distrusted.len(), "the token store returned a value of no use");
        }
    }
}

fn believe(sealer: &Sealer, scope: &Scope, value: Vec<u8>, now: Timestamp) -> Result<AccessToken, Distrust> {
    let key = scope.key();
    let opened = sealer.open(&key, value)?;
    if &opened.key != key.as_bytes() {
        Err(Distrust::WrongScope)
    } else if opened.generation != scope.generation() {
        Err(Distrust::OldGeneration)
    } else if opened.expires_at <= now {
        Err(Distrust::ExpiredInside)
    } else {
        Ok(opened.into_token(key))
    }
}

#[cfg(test)]
mod tests;
