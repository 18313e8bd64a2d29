//! The embedded store: one file, transactional, for a deployment of one process.
//!
//! Reads see the last commit and never wait for a writer. All file work happens on tokio's blocking threads.
//! Expired values are misses at once and leave the file in a sweep that rides on a write, at most once a minute.
//! Logs stand in tables of their own; see [`records`].

mod records;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rand;
use lakegate_domain::{Clock, Timestamp};
use lakegate_policy::ScopeKey;
use redb::backends::{FileBackend, InMemoryBackend};
use redb::{Builder, Database, ReadableDatabase, ReadableTable, Table, TableDefinition};
use tracing::debug;

use crate::{MAX_VALUE_BYTES, StoreError, StoreId, TokenStore};

/// Scope key to (keep until, in milliseconds; value).
const TOKENS: TableDefinition<&[u8; 32], (i64, &[u8])> = TableDefinition::new("tokens");
/// What the file says of itself.
const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");
const STORE_ID: &str = "store_id";

/// Pages kept in memory.
const CACHE_BYTES: usize = 64 << 20;
/// The shortest time between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// The embedded store. Clones share the file.
#[derive(Debug, Clone)]
pub struct RedbStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    id: StoreId,
    clock: Arc<dyn Clock>,
    last_sweep: AtomicI64,
}

impl RedbStore {
    /// Opens the file, or makes it, readable by its owner only. Blocks: call it at start.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the file cannot be opened, is no store, or another process holds it.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(StoreError::open)?;
        let database = FileBackend::new(file)
            .and_then(|file| Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(file))
            .map_err(StoreError::open)?;
        Self::with(database, clock)
    }

    /// A store that is gone with its last clone.
    ///
    /// # Errors
    /// [`StoreError::Open`]; not in practice.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let database = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(InMemoryBackend::new())
            .map_err(StoreError::open)?;
        Self::with(database, clock)
    }

    /// Makes the tables, so that readers find them, and reads or draws the store's id.
    fn with(database: Database, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let now = clock.now();
        let id = prepare(&database, now).map_err(StoreError::open)?;
        let last_sweep = AtomicI64::new(now.as_millis());
        Ok(Self(Arc::new(Inner { database, id, clock, last_sweep })))
    }

    /// Runs blocking work on the file away from the runtime's threads.
    async fn blocking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Inner) -> Result<T, redb::Error> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)
    }
}

fn prepare(database: &Database, now: Timestamp) -> Result<StoreId, redb::Error> {
    let write = database.begin_write()?;
    let id = {
        let mut about = write.open_table(ABOUT)?;
        let known = about.get(STORE_ID)?.map(|id| id.value().to_owned());
        let id = match known {
            Some(id) => id,
            None => random_id()?,
        };
        about.insert(STORE_ID, id.as_str())?;
        sweep(&mut write.open_table(TOKENS)?, now)?;
        records::prepare(&write)?;
        id
    };
    write.commit()?;
    Ok(StoreId::new(id))
}

fn random_id() -> Result<String, redb::Error> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| redb::Error::Io(io::Error::other("no randomness")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Drops what nobody may read any more.
fn sweep(tokens: &mut Table<'_, &[u8; 32], (i64, &[u8])>, now: Timestamp) -> Result<(), redb::Error> {
    Ok(tokens.retain(|_, (keep_until, _)| keep_until > now.as_millis())?)
}

impl Inner {
    fn read(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, redb::Error> {
        let now = self.clock.now().as_millis();
        let read = self.database.begin_read()?;
        let tokens = read.open_table(TOKENS)?;
        keys.iter()
            .map(|key| {
                let kept = tokens.get(key.as_bytes())?;
                Ok(kept.and_then(|kept| match kept.value() {
                    (keep_until, _) if keep_until <= now => None,
                    (_, value) if value.len() > MAX_VALUE_BYTES => Some(Vec::new()),
                    (_, value) => Some(value.to_vec()),
                }))
            })
            .collect()
    }

    fn write(&self, key: &ScopeKey, value: &[u8], keep_until: Timestamp) -> Result<(), redb::Error> {
        let now = self.clock.now();
        let write = self.database.begin_write()?;
        {
            let mut tokens = write.open_table(TOKENS)?;
            tokens.insert(key.as_bytes(), (keep_until.as_millis(), value))?;
            if self.sweep_is_due(now) {
                sweep(&mut tokens, now)?;
                debug!("expired values were swept from the token store");
            }
        }
        Ok(write.commit()?)
    }

    /// Whether a minute has passed; the one who learns it sweeps.
    fn sweep_is_due(&self, now: Timestamp) -> bool {
        let last = self.last_sweep.load(Ordering::Relaxed);
        now.since(Timestamp::from_millis(last)) >= SWEEP_EVERY
            && self
                .last_sweep
                .compare_exchange(last, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    fn remove(&self, keys: &[ScopeKey]) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut tokens = write.open_table(TOKENS)?;
            for key in keys {
                tokens.remove(key.as_bytes())?;
            }
        }
        Ok(write.commit()?)
    }
}

#[async_trait]
impl TokenStore for RedbStore {
    async fn get_many(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys = keys.to_vec();
        self.blocking(move |inner| inner.read(&keys)).await
    }

    async fn put(&self, key: &ScopeKey, value: Vec<u8>, keep_until: Timestamp) -> Result<(), StoreError> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge);
        }
        let key = *key;
        self.blocking(move |inner| inner.write(&key, &value, keep_until)).await
    }

    async fn remove(&self, keys: &[ScopeKey]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.blocking(move |inner| inner.remove(&keys)).await
    }

    async fn ping(&self) -> Result<StoreId, StoreError> {
        self.blocking(|inner| inner.database.begin_read().map_err(redb::Error::from).map(drop)).await?;
        Ok(self.0.id.clone())
    }
}

#[cfg(test)]
mod tests;
