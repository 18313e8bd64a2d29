//! The metadata server: tokens of the machine's own service account, without any secret in a file.
//!
//! Wire format: Google Compute Engine, "About VM metadata"; GKE answers alike. The server speaks plain HTTP on a
//! link-local address that only this machine reaches. It hands out a token that it keeps, so one may arrive with much
//! less than an hour to live, and asking again does not make a fresh one: it cannot be renewed early. What answers
//! must say that it is a metadata server, as the request must, so that neither a proxy nor another service on the
//! address is taken for one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::Clock;
use url::Url;

use super::impersonation::is_account;
use super::{CLOUD_PLATFORM, ONE_HOUR, Source, SourceToken, WantedLife, refusal};
use crate::gcs::reply;
use crate::http::{Endpoint, HttpClient};
use crate::{ConfigError, EndpointProblem, MintError};

/// The name that Google gives the metadata server.
const HOST: &str = "metadata.google.internal";

/// The hosts that are metadata servers.
const PINNED_HOSTS: &[&str] = &[HOST, "169.254.169.254"];

/// Asks the metadata server for tokens of one of the machine's accounts.
#[derive(Debug)]
pub struct MetadataSource {
    endpoint: Endpoint,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

impl MetadataSource {
    /// A source at `host` (`metadata.google.internal` when absent; `169.254.169.254`, or an emulator on this machine)
    /// for `account`, which is `default` or an e-mail address.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] or [`ConfigError::Account`].
    pub fn new(
        host: Option<&str>,
        account: &str,
        http: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        const NAME: &str = "metadata_host";
        if account != "default" && !is_account(account) {
            return Err(ConfigError::Account);
        }
        let invalid = |_| ConfigError::Endpoint { name: NAME, problem: EndpointProblem::Host };
        let url = Url::parse(&["http://", host.unwrap_or(HOST), "/"].concat()).map_err(invalid)?;
        let server = Endpoint::link_local(NAME, &url, PINNED_HOSTS)?;
        let segments = ["computeMetadata", "v1", "instance", "service-accounts", account, "token"];
        let endpoint = server.join(&segments).with_parameter("scopes", CLOUD_PLATFORM);
        Ok(Self { endpoint, http, clock })
    }
}

#[async_trait]
impl Source for MetadataSource {
    async fn token(&self, life: WantedLife) -> Result<Arc<SourceToken>, MintError> {
        if life != WantedLife::Longest {
            return Err(MintError::CannotEndEarly);
        }
        let reply = self.http.get_metadata(&self.endpoint).await;
        let reply = reply.map_err(|_| MintError::source_unavailable())?;
        if reply.status != 200 {
            return Err(refusal(&reply));
        }
        if !reply.is_of_metadata_server {
            tracing::error!("what answered in place of the metadata server does not say that it is one");
            return Err(MintError::SourceRefused);
        }
        let granted = reply::granted(&reply.body, None).map_err(|_| MintError::source_unavailable())?;
        let life = granted.life.ok_or_else(MintError::source_unavailable)?;
        let ends_by = self.clock.now().plus(life);
        Ok(Arc::new(SourceToken::new(granted.token, reply.asked_at, reply.asked_at + life, ends_by)))
    }

    fn ends_early(&self) -> bool {
        false
    }

    fn longest_life(&self) -> Duration {
        ONE_HOUR
    }
}
