//! A server, and a store on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Secret, SystemClock, Timestamp};
use lakegate_policy::ScopeKey;
use lakegate_testkit::{RedisKind, RedisServer, Relay};
use lakegate_token_store::settings::StoreSettings;
use lakegate_token_store::{StoreError, TokenStore, conformance};

/// Both servers.
pub(crate) const KINDS: [RedisKind; 2] = [RedisKind::Redis, RedisKind::Valkey];

/// Never, as far as a store is concerned.
pub(crate) const FOR_EVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// Longer than anything that is waited for; a test that comes here has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server with a store that has patience with a loaded machine.
pub(crate) struct World {
    pub(crate) server: RedisServer,
    pub(crate) store: Arc<dyn TokenStore>,
}

impl World {
    pub(crate) async fn start(kind: RedisKind) -> Self {
        let server = RedisServer::start(kind).await.unwrap();
        let store = store(&server.settings_toml(), "").await.unwrap();
        Self { server, store: Arc::new(store) }
    }

    pub(crate) async fn put(&self, key: &ScopeKey, value: &[u8]) -> Result<(), StoreError> {
        self.store.put(key, value.to_vec(), FOR_EVER).await
    }

    pub(crate) async fn get(&self, key: &ScopeKey) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.store.get_many(&[*key]).await?.remove(0))
    }

    /// Sends a command as the administrator, on the key as it stands in the server.
    pub(crate) async fn on(&self, command: &str, key: &ScopeKey, rest: &[&str]) -> redis::Value {
        let name = name(key);
        let words: Vec<&str> = [command, &name].into_iter().chain(rest.iter().copied()).collect();
        self.server.command(&words).await.unwrap()
    }
}

/// The key as it stands in the server.
pub(crate) fn name(key: &ScopeKey) -> String {
    format!("lg:{key}")
}

/// Keys of different scopes.
pub(crate) fn keys<const N: usize>() -> [ScopeKey; N] {
    let keys: Vec<_> = conformance::scopes(N).unwrap().iter().map(lakegate_policy::Scope::key).collect();
    keys.try_into().unwrap()
}

/// A store with these settings; `more` are further lines.
pub(crate) async fn store(settings: &str, more: &str) -> Result<Opened, StoreError> {
    let more =
        if more.contains("call_millis") { more.to_owned() } else { format!("{more}call_millis = 5000\n") };
    let settings: StoreSettings = toml::from_str(&[settings, &more].concat()).unwrap();
    let read = |path: &Path| Ok::<_, StoreError>(Secret::new(std::fs::read_to_string(path).unwrap()));
    Ok(Opened(settings.open(Arc::new(SystemClock), read).await?))
}

/// A store behind a relay, with this time for a call.
pub(crate) async fn through(relay: &Relay, server: &RedisServer, call: Duration) -> Opened {
    let more = format!("call_millis = {}\n", call.as_millis());
    store(&server.settings_toml_through(relay.address()), &more).await.unwrap()
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// An opened store as a value, for the conformance suite.
#[derive(Debug)]
pub(crate) struct Opened(pub(crate) Arc<dyn TokenStore>);

#[async_trait::async_trait]
impl TokenStore for Opened {
    async fn get_many(&self, keys: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.0.get_many(keys).await
    }

    async fn put(&self, key: &ScopeKey, value: Vec<u8>, keep_until: Timestamp) -> Result<(), StoreError> {
        self.0.put(key, value, keep_until).await
    }

    async fn remove(&self, keys: &[ScopeKey]) -> Result<(), StoreError> {
        self.0.remove(keys).await
    }

    async fn ping(&self) -> Result<lakegate_token_store::StoreId, StoreError> {
        self.0.ping().await
    }

    fn health(&self) -> lakegate_token_store::StoreHealth {
        self.0.health()
    }
}
