//! Where the powerful tokens come from that exchanges cut down.

mod cached;
mod impersonation;
mod key_file;
mod metadata;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::{Secret, Timestamp};
use tokio::time::Instant;

use crate::MintError;
use crate::http::Reply;
pub use cached::CachedSource;
pub use impersonation::{ImpersonationConfig, ImpersonationSource};
pub use key_file::KeyFileSource;
pub use metadata::MetadataSource;

/// The OAuth scope that downscoping needs.
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The life that Google gives when nobody configured more.
const ONE_HOUR: Duration = Duration::from_hours(1);

/// How long a token is wanted to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedLife {
    /// As long as the source makes them; such a token is shared.
    Longest,
    /// At most so long, in whole seconds; such a token is made for one exchange and never shared.
    AtMost(Duration),
}

/// Makes OAuth access tokens of the storage's service account.
#[async_trait]
pub trait Source: Send + Sync + fmt::Debug {
    /// A token. A source that cannot end one early answers [`WantedLife::AtMost`] with
    /// [`MintError::CannotEndEarly`].
    ///
    /// # Errors
    /// [`MintError::SourceRefused`], [`MintError::SourceUnavailable`] or [`MintError::CannotEndEarly`].
    async fn token(&self, life: WantedLife) -> Result<Arc<SourceToken>, MintError>;

    /// Whether it can make tokens that end early.
    fn ends_early(&self) -> bool;

    /// The life of a token when the longest is wanted.
    fn longest_life(&self) -> Duration;

    /// Hears that a token was refused, so that it is not handed out again.
    fn forget(&self, token: &SourceToken) {
        let _ = token;
    }
}

/// A token that can do everything its service account may. Never leaves the process but to Google.
#[derive(Debug)]
pub struct SourceToken {
    secret: Secret,
    made_at: Instant,
    ends_at: Instant,
    ends_by: Timestamp,
}

impl SourceToken {
    /// A token that was asked for at `made_at`, ends not before `ends_at` by the monotonic clock, and certainly has
    /// ended `ends_by` by the wall clock.
    pub fn new(secret: Secret, made_at: Instant, ends_at: Instant, ends_by: Timestamp) -> Self {
        Self { secret, made_at, ends_at, ends_by }
    }

    /// The token.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// How long ago it was asked for.
    pub fn age(&self) -> Duration {
        self.made_at.elapsed()
    }

    /// Until when it may be relied on.
    pub fn ends_at(&self) -> Instant {
        self.ends_at
    }

    /// When it has ended for certain.
    pub fn ends_by(&self) -> Timestamp {
        self.ends_by
    }

    /// What is left of its life.
    pub fn remaining(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }

    /// Whether at least half of its life is left.
    fn is_fresh_enough(&self) -> bool {
        self.remaining() >= self.ends_at.saturating_duration_since(self.made_at) / 2
    }
}

/// What a refusal by the place that makes source tokens means.
fn refusal(reply: &Reply) -> MintError {
    match (reply.status, reply.retry_after) {
        (400 | 401 | 403 | 404, _) => MintError::SourceRefused,
        (_, Some(retry_after)) => MintError::SourceUnavailable { retry_after },
        (_, None) => MintError::source_unavailable(),
    }
}
