//! A service account by its key file: a signed assertion for a token.
//!
//! Wire format: RFC 7523 as Google documents it under "Using OAuth 2.0 for server to server applications"; the
//! file is what the Google console hands out. Such tokens live for one hour; they cannot be made to end early.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lakegate_domain::{Clock, Secret};
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{CLOUD_PLATFORM, ONE_HOUR, Source, SourceToken, WantedLife, refusal};
use crate::gcs::reply;
use crate::http::{Endpoint, HttpClient, Reply};
use crate::{ConfigError, MintError};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The audience of every assertion, wherever it is posted.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";

/// The domain of Google's own cloud.
const GOOGLE: &str = "googleapis.com";

/// The hosts that may see an assertion.
const PINNED_HOSTS: &[&str] = &["oauth2.googleapis.com"];

/// Signs assertions with the key of a service account.
#[derive(Debug)]
pub struct KeyFileSource {
    key: EncodingKey,
    key_id: String,
    account: String,
    endpoint: Endpoint,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    private_key_id: String,
    private_key: String,
    client_email: String,
    token_uri: String,
    universe_domain: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
}

impl KeyFileSource {
    /// Reads the JSON of a key file of Google's own cloud.
    ///
    /// # Errors
    /// As [`KeyFileSource::in_universe`].
    pub fn new(key_file: &Secret, http: HttpClient, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        Self::in_universe(GOOGLE, key_file, http, clock)
    }

    /// Reads the JSON of a key file of the cloud with this domain.
    ///
    /// # Errors
    /// [`ConfigError::KeyFile`] when it is no key of a service account of that cloud; [`ConfigError::Endpoint`] when
    /// its `token_uri` is not a pinned host.
    pub fn in_universe(
        universe: &str,
        key_file: &Secret,
        http: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let file: KeyFile = serde_json::from_str(key_file.expose())
            .map_err(|_| ConfigError::KeyFile("is not JSON with the fields of a service account key"))?;
        // Taken into custody at once, so that it is overwritten whatever is wrong with the rest.
        let private_key = Zeroizing::new(file.private_key);
        if file.kind != "service_account" {
            return Err(ConfigError::KeyFile("type is not service_account"));
        }
        if file.universe_domain.as_deref().unwrap_or(GOOGLE) != universe {
            return Err(ConfigError::KeyFile("universe_domain is not that of the storage"));
        }
        let url = Url::parse(&file.token_uri).map_err(|_| ConfigError::KeyFile("token_uri is not a url"))?;
        Ok(Self {
            key: EncodingKey::from_rsa_pem(private_key.as_bytes())
                .map_err(|_| ConfigError::KeyFile("private_key is not an RSA key in PEM"))?,
            key_id: file.private_key_id,
            account: file.client_email,
            endpoint: Endpoint::new("token_uri", &url, PINNED_HOSTS, http.extra_hosts())?,
            http,
            clock,
        })
    }

    fn assertion(&self) -> Result<Zeroizing<String>, MintError> {
        let now = self.clock.now();
        let claims = Claims {
            iss: &self.account,
            scope: CLOUD_PLATFORM,
            aud: AUDIENCE,
            iat: now.as_seconds(),
            exp: now.plus(ONE_HOUR).as_seconds(),
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::RS256) };
        // Signing fails for keys that the cryptography refuses, such as short ones.
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map(Zeroizing::new)
            .map_err(|_| MintError::SourceRefused)
    }

    fn read(&self, reply: &Reply) -> Result<SourceToken, MintError> {
        if reply.status != 200 {
            return Err(refusal(reply));
        }
        let granted = reply::granted(&reply.body, None).map_err(|_| MintError::source_unavailable())?;
        let life = granted.life.ok_or_else(MintError::source_unavailable)?.min(ONE_HOUR);
        let ends_by = self.clock.now().plus(life);
        Ok(SourceToken::new(granted.token, reply.asked_at, reply.asked_at + life, ends_by))
    }
}

#[async_trait]
impl Source for KeyFileSource {
    async fn token(&self, life: WantedLife) -> Result<Arc<SourceToken>, MintError> {
        if life != WantedLife::Longest {
            return Err(MintError::CannotEndEarly);
        }
        let assertion = self.assertion()?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("assertion", &assertion)
            .finish();
        let reply = self.http.post_form(&self.endpoint, form).await;
        let reply = reply.map_err(|_| MintError::source_unavailable())?;
        self.read(&reply).map(Arc::new)
    }

    fn ends_early(&self) -> bool {
        false
    }

    fn longest_life(&self) -> Duration {
        ONE_HOUR
    }
}
