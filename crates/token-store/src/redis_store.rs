//! Redis or Valkey: one server, over TLS, as a user of its own.
//!
//! | wanted | sent, always pipelined into one write |
//! |---|---|
//! | read | `EXISTS key`, `GETRANGE key 0 65536` for each key |
//! | keep | `SET key value PX milliseconds`, or `DEL key` when the time is over already |
//! | forget | `DEL key ...` |
//! | ping | `INFO replication`, for the replication id |
//!
//! Keys are a prefix and the hexadecimal scope key, a hash: the server learns no name. A value that somebody made
//! larger than [`MAX_VALUE_BYTES`] is cut by the server, so it costs no memory here; `GETRANGE` alone cannot tell
//! a missing value from an empty one, hence `EXISTS`. Times are sent as durations, so the server's clock does not
//! matter. The access list that allows exactly this stands in `docs/examples/redis.acl`.
//!
//! All calls share one connection, which a task of its own keeps alive; see [`link`]. There are no retries and no
//! time limits here: [`crate::Breaker`] has them. A call that is dropped before its answer takes the connection
//! with it, so that nobody ever reads a reply that was meant for somebody else.

mod connect;
mod link;
mod log;
mod reply;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::{Clock, Timestamp};
use lakegate_policy::ScopeKey;
use redis::Pipeline;

use connect::Use;
pub use connect::{DefaultUser, RedisTerms, RedisTls};
use link::Link;
pub use log::RedisLog;
use reply::Found;

use crate::{KEYS_PER_TRIP, MAX_VALUE_BYTES, StoreError, StoreHealth, StoreId, TokenStore};

/// The longest that the server is asked to keep anything: well beyond the life of any token.
const LONGEST_KEPT: Duration = Duration::from_hours(31 * 24);

/// Redis or Valkey. Clones share the connection.
#[derive(Debug, Clone)]
pub struct RedisStore {
    link: Arc<Link>,
    prefix: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl RedisStore {
    /// Connects, and keeps connecting from then on. A server that is out of reach or not yet able is not an error:
    /// the store starts without it, and [`StoreHealth::reached`] tells when it came.
    ///
    /// # Errors
    /// What no waiting mends: [`StoreError::Tls`], [`StoreError::Credentials`], [`StoreError::Rights`] or
    /// [`StoreError::OpenDefaultUser`].
    pub async fn start(terms: RedisTerms, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let prefix = Arc::from(terms.prefix.as_str());
        Ok(Self { link: Arc::new(Link::start(terms, Use::Tokens).await?), prefix, clock })
    }

    fn key(&self, key: &ScopeKey) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Reads at most [`KEYS_PER_TRIP`] values.
    async fn trip(&self, keys: &[ScopeKey]) -> Result<Vec<Found>, StoreError> {
        let mut pipeline = Pipeline::with_capacity(keys.len() * 2);
        for key in keys {
            let key = self.key(key);
            pipeline.cmd("EXISTS").arg(&key);
            pipeline.cmd("GETRANGE").arg(&key).arg(0).arg(MAX_VALUE_BYTES);
        }
        self.link.call(&pipeline, reply::found).await
    }

    /// Values that exist and are empty may have ended between the two commands; a second look tells.
    async fn read(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut found = self.trip(keys).await?;
        let doubtful: Vec<usize> =
            found.iter().enumerate().filter(|(_, found)| found.is_doubtful()).map(|(at, _)| at).collect();
        if !doubtful.is_empty() {
            let again: Vec<ScopeKey> = doubtful.iter().filter_map(|at| keys.get(*at).copied()).collect();
            for (at, now) in doubtful.into_iter().zip(self.trip(&again).await?) {
                if let Some(found) = found.get_mut(at) {
                    *found = now;
                }
            }
        }
        Ok(found.into_iter().map(Found::into_value).collect())
    }

    /// Sends one command whose answer is of no interest unless it is a refusal.
    async fn send(&self, command: &mut redis::Cmd) -> Result<(), StoreError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(std::mem::take(command));
        self.link.call(&pipeline, reply::done).await
    }
}

#[async_trait]
impl TokenStore for RedisStore {
    async fn get_many(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut values = Vec::with_capacity(keys.len());
        for keys in keys.chunks(KEYS_PER_TRIP) {
            values.extend(self.read(keys).await?);
        }
        Ok(values)
    }

    async fn put(&self, key: &ScopeKey, value: Vec<u8>, keep_until: Timestamp) -> Result<(), StoreError> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge);
        }
        let left = keep_until.since(self.clock.now()).min(LONGEST_KEPT);
        // Zero is no expiry that the server takes; below a millisecond nothing is worth keeping.
        let millis = u64::try_from(left.as_millis()).unwrap_or(0);
        if millis == 0 {
            return self.remove(std::slice::from_ref(key)).await;
        }
        self.send(redis::cmd("SET").arg(self.key(key)).arg(value).arg("PX").arg(millis)).await
    }

    async fn remove(&self, keys: &[ScopeKey]) -> Result<(), StoreError> {
        for keys in keys.chunks(KEYS_PER_TRIP) {
            let names: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
            self.send(redis::cmd("DEL").arg(names)).await?;
        }
        Ok(())
    }

    async fn ping(&self) -> Result<StoreId, StoreError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("INFO").arg("replication");
        self.link.call(&pipeline, reply::replication_id).await
    }

    fn health(&self) -> StoreHealth {
        self.link.health()
    }
}
