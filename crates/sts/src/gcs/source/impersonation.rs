//! A service account that another one may impersonate, and the only source whose tokens end when we want.
//!
//! Wire format: IAM Service Account Credentials API, `projects.serviceAccounts.generateAccessToken`. The answer
//! names an absolute end only, so the life is taken as what was asked for, counted from the request by the
//! monotonic clock, and not later than the end that was named.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::{Clock, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::{CLOUD_PLATFORM, CachedSource, ONE_HOUR, Source, SourceToken, WantedLife, refusal};
use crate::gcs::reply;
use crate::http::{Endpoint, HttpClient, Reply};
use crate::{ConfigError, MintError};

/// The hosts that may see the base token.
const PINNED_HOSTS: &[&str] = &["iamcredentials.googleapis.com"];

/// The longest life that Google gives, to accounts that an organisation policy lists.
const LONGEST_LIFE: Duration = Duration::from_hours(12);

/// The life of base tokens does not bound ours, so they are renewed at leisure.
const BASE_MAX_AGE: Duration = Duration::from_mins(30);

/// Whom to impersonate, and where.
#[derive(Debug, Clone)]
pub struct ImpersonationConfig {
    /// [`ImpersonationConfig::IAM_URL`], or an emulator on this machine.
    pub iam_url: Url,
    /// The e-mail address of the service account.
    pub account: String,
    /// The chain of accounts in between, nearest to the base first; mostly empty.
    pub delegates: Vec<String>,
    /// The life of shared tokens: one hour, or up to twelve where an organisation policy allows it.
    pub longest_life: Duration,
}

impl ImpersonationConfig {
    /// Google's own IAM credentials service.
    pub const IAM_URL: &str = "https://iamcredentials.googleapis.com";

    /// One account without delegates, and tokens of one hour.
    pub fn new(iam_url: Url, account: String) -> Self {
        Self { iam_url, account, delegates: Vec::new(), longest_life: ONE_HOUR }
    }
}

/// Asks IAM for tokens of the impersonated account, each with the life that is wanted.
#[derive(Debug)]
pub struct ImpersonationSource {
    base: CachedSource,
    endpoint: Endpoint,
    delegates: Vec<String>,
    longest_life: Duration,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize)]
struct Request<'a> {
    delegates: &'a [String],
    scope: [&'static str; 1],
    lifetime: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    access_token: String,
    expire_time: String,
}

impl ImpersonationSource {
    /// Impersonates with the tokens of `base`, which is asked for a new one only every half hour.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`], [`ConfigError::Account`] or [`ConfigError::Life`].
    pub fn new(
        config: ImpersonationConfig,
        base: Arc<dyn Source>,
        http: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        if !std::iter::once(&config.account).chain(&config.delegates).all(|name| is_account(name)) {
            return Err(ConfigError::Account);
        }
        if !(Duration::from_mins(1)..=LONGEST_LIFE).contains(&config.longest_life) {
            return Err(ConfigError::Life("longest life of an impersonated token"));
        }
        let ImpersonationConfig { iam_url, account, delegates, longest_life } = config;
        let iam = Endpoint::new("iam_url", &iam_url, PINNED_HOSTS, http.extra_hosts())?;
        let method = [&account, ":generateAccessToken"].concat();
        Ok(Self {
            base: CachedSource::new(base, BASE_MAX_AGE, Arc::clone(&clock)),
            endpoint: iam.join(&["v1", "projects", "-", "serviceAccounts", &method]),
            delegates: delegates.iter().map(|name| ["projects/-/serviceAccounts/", name].concat()).collect(),
            longest_life,
            http,
            clock,
        })
    }

    fn read(&self, reply: &Reply, life: Duration) -> Result<SourceToken, MintError> {
        if reply.status != 200 {
            return Err(refusal(reply));
        }
        let nonsense = |()| MintError::source_unavailable();
        let response: Response = serde_json::from_slice(&reply.body).map_err(|_| nonsense(()))?;
        let token = reply::usable(Secret::new(response.access_token)).map_err(|_| nonsense(()))?;
        let named = Timestamp::parse(&response.expire_time).map_err(|_| nonsense(()))?;
        let (now, wall) = (Instant::now(), self.clock.now());
        let ends_at = (reply.asked_at + life).min(now + named.since(wall).min(LONGEST_LIFE));
        Ok(SourceToken::new(token, reply.asked_at, ends_at, named.max(wall.plus(life))))
    }
}

#[async_trait]
impl Source for ImpersonationSource {
    async fn token(&self, life: WantedLife) -> Result<Arc<SourceToken>, MintError> {
        let life = match life {
            WantedLife::Longest => self.longest_life,
            WantedLife::AtMost(life) => Duration::from_secs(life.min(self.longest_life).as_secs()),
        };
        let request = Request {
            delegates: &self.delegates,
            scope: [CLOUD_PLATFORM],
            lifetime: [life.as_secs().to_string().as_str(), "s"].concat(),
        };
        let body = serde_json::to_vec(&request).map_err(|_| MintError::source_unavailable())?;
        let base = self.base.token(WantedLife::Longest).await?;
        let reply = self.http.post_json(&self.endpoint, base.secret(), body).await;
        let reply = reply.map_err(|_| MintError::source_unavailable())?;
        if reply.status == 401 {
            self.base.forget(&base);
        }
        self.read(&reply, life).map(Arc::new)
    }

    fn ends_early(&self) -> bool {
        true
    }

    fn longest_life(&self) -> Duration {
        self.longest_life
    }
}

/// Whether a text can be the address of a service account: it becomes a segment of a path.
pub(super) fn is_account(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
    (3..=256).contains(&name.len())
        && name.bytes().all(allowed)
        && name
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}
