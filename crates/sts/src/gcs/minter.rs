//! The minter for Google Cloud Storage.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::{AccessToken, Clock, Credential, Timestamp};
use lakegate_policy::Scope;
use tokio::time::Instant;
use url::Url;

use super::boundary::Boundary;
use super::exchange::{Exchanged, Refused, exchange};
use super::source::{CachedSource, Source, SourceToken, WantedLife};
use crate::http::{Endpoint, HttpClient};
use crate::probe::Gate;
use crate::{BadReply, ConfigError, Lives, MintError, Minter, NotExpressible};

/// The hosts that may see source tokens.
const PINNED_HOSTS: &[&str] = &["sts.googleapis.com"];

/// A token that must have ended by an instant is asked to end so much and one call's time earlier: its life begins
/// when the server hears of it, and clocks differ a little.
const END_MARGIN: Duration = Duration::from_secs(3);

/// How far the provider's clock may be off before the life it grants is not believed.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(10);

/// What a [`GcsMinter`] is made of.
#[derive(Debug, Clone)]
pub struct GcsConfig {
    /// [`GcsConfig::STS_URL`], or an emulator on this machine.
    pub sts_url: Url,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where the tokens come from that are cut down; the minter keeps and renews the shared one.
    pub source: Arc<dyn Source>,
    /// How calls are made.
    pub http: HttpClient,
    /// The age at which the shared source token is renewed.
    pub source_max_age: Duration,
    /// The shortest life of a token.
    pub shortest_life: Duration,
}

impl GcsConfig {
    /// Google's own STS.
    pub const STS_URL: &str = "https://sts.googleapis.com/v1/token";

    /// Source tokens renewed at two minutes, tokens of at least one.
    pub fn new(sts_url: Url, clock: Arc<dyn Clock>, source: Arc<dyn Source>, http: HttpClient) -> Self {
        let (source_max_age, shortest_life) = (Duration::from_mins(2), Duration::from_mins(1));
        Self { sts_url, clock, source, http, source_max_age, shortest_life }
    }
}

/// Mints by exchanging a source token for a downscoped one, with one STS call each.
#[derive(Debug)]
pub struct GcsMinter {
    sts: Endpoint,
    clock: Arc<dyn Clock>,
    source: CachedSource,
    http: HttpClient,
    shortest_life: Duration,
}

impl GcsMinter {
    /// Makes a minter; no call is made yet.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] when the STS is not a pinned host.
    pub fn new(config: GcsConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            sts: Self::check_endpoint(&config.sts_url, &config.http)?,
            source: CachedSource::new(config.source, config.source_max_age, Arc::clone(&config.clock)),
            clock: config.clock,
            http: config.http,
            shortest_life: config.shortest_life,
        })
    }

    /// The STS, if it is a pinned host.
    pub(crate) fn check_endpoint(sts_url: &Url, http: &HttpClient) -> Result<Endpoint, ConfigError> {
        Endpoint::new("sts_url", sts_url, PINNED_HOSTS, http.extra_hosts())
    }

    /// A source token that ends when the scope and its class want, or an error.
    async fn source_token(&self, scope: &Scope) -> Result<Arc<SourceToken>, MintError> {
        let now = self.clock.now();
        let life = scope.terms().token_life;
        let margin = self.http.total_timeout() + END_MARGIN;
        let longest = scope.end().map_or(life, |end| life.min(end.minus(margin).since(now)));
        if longest < self.shortest_life {
            return Err(MintError::TooShort);
        }
        let wanted = if longest < self.source.longest_life() && self.source.ends_early() {
            WantedLife::AtMost(longest)
        } else {
            WantedLife::Longest
        };
        let token = self.source.token(wanted).await?;
        let remaining = token.remaining();
        if remaining < self.shortest_life {
            self.source.forget(&token);
            return Err(MintError::SourceShortLived { retry_after: remaining.max(Duration::from_secs(1)) });
        }
        let must_end_by = scope.end().unwrap_or_else(|| self.clock.now().plus(life).plus(CLOCK_TOLERANCE));
        if remaining > life || token.ends_by() > must_end_by {
            return Err(MintError::CannotEndEarly);
        }
        Ok(token)
    }

    fn access_token(&self, exchanged: Exchanged, scope: &Scope, snapshot: u64) -> AccessToken {
        let minted_at = self.clock.now();
        let left = exchanged.ends_at.saturating_duration_since(Instant::now());
        let provider = minted_at.plus(left.min(scope.terms().token_life));
        AccessToken {
            credential: Credential::Bearer(exchanged.token),
            minted_at,
            expires_at: scope.end().map_or(provider, |end: Timestamp| provider.min(end)),
            scope_tag: scope.tag(),
            snapshot,
        }
    }
}

/// Who is to blame when the STS does not accept a source token. One that was made for this very exchange is good,
/// so it is what came with it; otherwise a scope that the STS answers so would never come to rest.
fn blame(source: &SourceToken, began: Instant, status: u16) -> MintError {
    if source.age() <= began.elapsed() {
        MintError::BoundaryRefused { status }
    } else {
        MintError::SourceRefused
    }
}

/// Whether Google Cloud Storage can express a scope; for whoever checks a policy without a minter.
///
/// # Errors
/// What cannot be expressed.
pub fn expressible(scope: &Scope) -> Result<(), NotExpressible> {
    Boundary::of(scope).map(drop)
}

#[async_trait]
impl Minter for GcsMinter {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        let boundary = Boundary::of(scope)?;
        let began = Instant::now();
        let source = self.source_token(scope).await?;
        let exchanged = match exchange(&self.http, &self.sts, &source, &boundary).await {
            Ok(exchanged) => exchanged,
            Err(Refused::Subject { status }) => {
                self.source.forget(&source);
                return Err(blame(&source, began, status));
            }
            Err(Refused::Other(error)) => return Err(error),
        };
        let token = self.access_token(exchanged, scope, snapshot);
        if token.life() < self.shortest_life {
            self.source.forget(&source);
            return Err(BadReply::ShortLived.into());
        }
        Ok(Arc::new(token))
    }

    fn expressible(&self, scope: &Scope) -> Result<(), NotExpressible> {
        expressible(scope)
    }

    fn lives(&self) -> Lives {
        Lives {
            ends_early: self.source.ends_early(),
            shortest: self.shortest_life,
            longest: self.source.longest_life(),
        }
    }

    fn gate(&self) -> Option<&Gate> {
        None
    }
}
