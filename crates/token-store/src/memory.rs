//! A store in memory that behaves: values expire, and it can be down or slow when a test says so.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::{Clock, Timestamp};
use lakegate_policy::ScopeKey;

use crate::{MAX_VALUE_BYTES, StoreError, StoreId, TokenStore};

/// What is wrong with a [`MemoryStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every call fails at once.
    Down,
    /// Every call takes this long, in tokio time.
    Slow(Duration),
}

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    values: Mutex<HashMap<ScopeKey, (Timestamp, Vec<u8>)>>,
    fault: Mutex<Fault>,
    losses: AtomicU64,
}

impl Fault {
    /// What a call meets.
    pub(crate) async fn suffer(self) -> Result<(), StoreError> {
        match self {
            Self::None => Ok(()),
            Self::Down => Err(StoreError::unavailable(io::Error::from(io::ErrorKind::ConnectionRefused))),
            Self::Slow(delay) => {
                tokio::time::sleep(delay).await;
                Ok(())
            }
        }
    }
}

impl MemoryStore {
    /// An empty store whose values expire by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, values: Mutex::default(), fault: Mutex::default(), losses: AtomicU64::new(0) }
    }

    /// Breaks the store, or mends it with [`Fault::None`].
    pub fn set_fault(&self, fault: Fault) {
        *lock(&self.fault) = fault;
    }

    /// Loses everything, as a server does that starts anew; from now on it holds another body of data.
    pub fn lose_everything(&self) {
        lock(&self.values).clear();
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// How many values it holds, expired ones included.
    pub fn len(&self) -> usize {
        lock(&self.values).len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everything it holds, as a thief would find it.
    pub fn contents(&self) -> Vec<(ScopeKey, Vec<u8>)> {
        lock(&self.values).iter().map(|(key, (_, value))| (*key, value.clone())).collect()
    }

    async fn suffer(&self) -> Result<(), StoreError> {
        let fault = *lock(&self.fault);
        fault.suffer().await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn get_many(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.suffer().await?;
        let now = self.clock.now();
        let values = lock(&self.values);
        let read = |key| values.get(key).filter(|(until, _)| *until > now).map(|(_, value)| value.clone());
        Ok(keys.iter().map(read).collect())
    }

    async fn put(&self, key: &ScopeKey, value: Vec<u8>, keep_until: Timestamp) -> Result<(), StoreError> {
        self.suffer().await?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge);
        }
        lock(&self.values).insert(*key, (keep_until, value));
        Ok(())
    }

    async fn remove(&self, keys: &[ScopeKey]) -> Result<(), StoreError> {
        self.suffer().await?;
        lock(&self.values).retain(|key, _| !keys.contains(key));
        Ok(())
    }

    async fn ping(&self) -> Result<StoreId, StoreError> {
        self.suffer().await?;
        Ok(StoreId::new(format!("memory-{}", self.losses.load(Ordering::Relaxed))))
    }
}

#[cfg(test)]
mod tests;
