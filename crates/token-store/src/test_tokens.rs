//! Scopes and tokens that tests seal.

use std::sync::Arc;

use lakegate_domain::{AccessToken, Clock, Credential, Secret, Timestamp};
use lakegate_policy::Scope;
use lakegate_testkit::RedisServer;

use crate::settings::StoreSettings;
use crate::{SealingKey, SealingKeys, StoreError, TokenStore, conformance};

/// When tests begin.
pub(crate) const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// How long test tokens live, in seconds.
pub(crate) const HOUR: u64 = 3600;

/// Different scopes.
pub(crate) fn scopes<const N: usize>() -> [Scope; N] {
    conformance::scopes(N).unwrap_or_default().try_into().expect("a scope for each dataset")
}

/// A bearer token for a scope, minted at noon, for an hour.
pub(crate) fn bearer(scope: &Scope, text: &str) -> AccessToken {
    token(scope, Credential::Bearer(Secret::new(text.to_owned())))
}

/// A token with any credential.
pub(crate) fn token(scope: &Scope, credential: Credential) -> AccessToken {
    AccessToken {
        credential,
        minted_at: NOON,
        expires_at: NOON.plus(std::time::Duration::from_secs(HOUR)),
        scope_tag: scope.tag(),
        snapshot: 7,
    }
}

/// The texts of a credential, to compare.
pub(crate) fn texts(credential: &Credential) -> Vec<&str> {
    match credential {
        Credential::Bearer(text) => vec!["bearer", text.expose()],
        Credential::Aws { access_key_id, secret_access_key, session_token } => {
            vec!["aws", access_key_id, secret_access_key.expose(), session_token.expose()]
        }
        Credential::Sas(text) => vec!["sas", text.expose()],
    }
}

/// The only key there is, by number.
pub(crate) fn keys(number: u8) -> SealingKeys {
    SealingKeys::single(key(number))
}

/// A key by number: its id, and every byte of its secret.
pub(crate) fn key(number: u8) -> SealingKey {
    SealingKey::from_bytes(u32::from(number), [number; 32])
}

/// The store on a server, as a process opens it, with a time for a call that a loaded machine keeps.
pub(crate) async fn redis_store(server: &RedisServer, clock: Arc<dyn Clock>) -> Arc<dyn TokenStore> {
    let text = server.settings_toml() + "call_millis = 5000\n";
    let settings: StoreSettings = toml::from_str(&text).expect("settings");
    let read = |path: &std::path::Path| -> Result<Secret, StoreError> {
        Ok(Secret::new(std::fs::read_to_string(path).expect("password")))
    };
    settings.open(clock, read).await.expect("store")
}
