//! Access tokens in the shared tier, as brokers and generators see it: typed on this side, sealed on the other.

use std::sync::Arc;

use lakegate_domain::{AccessToken, Clock, Timestamp};
use lakegate_policy::{Scope, ScopeKey};
use tracing::{debug, error, warn};

use crate::alarms::{Alarms, Distrust};
use crate::sealing::Sealer;
use crate::{AlarmCounts, SealingKeys, StoreError, StoreId, TokenStore};

/// The shared tier. Whatever comes back from the store is a token for exactly the scope that was asked for, or a
/// miss; what is not believed is counted, logged once and, unless another process may read it, removed.
#[derive(Debug)]
pub struct SealedTokens {
    store: Arc<dyn TokenStore>,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    alarms: Alarms,
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
        Ok(Self { store, sealer: Sealer::new(keys, cluster)?, clock, alarms: Alarms::default() })
    }

    /// The token of a scope; none when there is none to be believed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store does not answer.
    pub async fn get(&self, scope: &Scope) -> Result<Option<Arc<AccessToken>>, StoreError> {
        Ok(self.get_many(&[scope]).await?.pop().flatten())
    }

    /// The tokens of scopes, in their order, by one look-up.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store does not answer.
    pub async fn get_many(&self, scopes: &[&Scope]) -> Result<Vec<Option<Arc<AccessToken>>>, StoreError> {
        let keys: Vec<ScopeKey> = scopes.iter().map(|scope| scope.key()).collect();
        let values = self.store.get_many(&keys).await?;
        if values.len() != keys.len() {
            return Err(StoreError::unavailable(
                "the store answered another number of keys than it was asked for",
            ));
        }
        let now = self.clock.now();
        let mut distrusted = Vec::new();
        let mut believe = |scope: &&Scope, value: Option<Vec<u8>>| match self.believe(scope, value?, now) {
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
    /// [`StoreError::Sealing`], or [`StoreError::Unavailable`].
    pub async fn put(&self, scope: &Scope, token: &AccessToken) -> Result<(), StoreError> {
        if token.scope_tag != scope.tag() {
            return Err(StoreError::WrongScope);
        }
        let value = self.sealer.seal(scope, token)?;
        self.store.put(&scope.key(), value, token.expires_at).await
    }

    /// Forgets the token of a scope.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store does not answer.
    pub async fn remove(&self, scope: &Scope) -> Result<(), StoreError> {
        self.store.remove(&scope.key()).await
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

    fn believe(&self, scope: &Scope, value: Vec<u8>, now: Timestamp) -> Result<AccessToken, Distrust> {
        let key = scope.key();
        let opened = self.sealer.open(&key, value)?;
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

    /// Counts, logs one line for each look-up, and clears away. A removal that fails changes nothing: the value
    /// will be met and distrusted again.
    async fn report(&self, distrusted: &[(ScopeKey, Distrust)]) {
        for (key, distrust) in distrusted {
            self.alarms.count(*distrust);
            if distrust.removes()
                && let Err(error) = self.store.remove(key).await
            {
                debug!(%error, "a distrusted value could not be removed");
            }
        }
        let grave = distrusted.iter().find(|(_, distrust)| distrust.is_grave());
        if let Some((key, distrust)) = grave {
            error!(%key, reason = distrust.as_str(), values = distrusted.len(), "the token store returned a value that was not sealed for this key");
        } else if let Some((key, distrust)) = distrusted.first() {
            warn!(%key, reason = distrust.as_str(), values = distrusted.len(), "the token store returned a value of no use");
        }
    }
}

#[cfg(test)]
mod tests;
