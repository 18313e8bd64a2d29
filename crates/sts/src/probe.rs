//! The negative probe: a fresh token must fail on an object outside its scope.
//!
//! It holds against what no check of a reply can see: an STS that hands out a wider token than was asked for, or
//! another caller's. It needs a canary object, which only the operator can name. [`Probed`] tries fresh tokens out,
//! [`ProbeWatch`] sees to it that it happens on time, and [`Gate`] tells everybody what came of it.

mod gate;
mod probed;
mod watch;

use lakegate_domain::{AccessToken, Credential, ObjectPath, Target};
use lakegate_policy::Scope;
use url::Url;

use crate::ConfigError;
use crate::http::{Endpoint, HttpClient};
pub use gate::{Confinement, Gate};
pub use probed::Probed;
pub use watch::{Pick, ProbeWatch};

/// The hosts that may see access tokens.
const PINNED_HOSTS: &[&str] = &["storage.googleapis.com"];

/// What the storage said to a read of the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Refused, as it must be.
    Confined,
    /// Allowed: the token opens more than its scope. Stop vending.
    Escaped,
    /// No answer to the question: the storage is away, the token is not accepted at all, the canary is not
    /// there, or it lies inside the scope. Worth an alarm when it stays so.
    Unclear,
}

/// Where to probe, and with what.
#[derive(Debug, Clone)]
pub struct Canary {
    http: HttpClient,
    storage: Endpoint,
    object: ObjectPath,
}

impl Canary {
    /// An object that exists at Google Cloud Storage (or an emulator on this machine) and in no dataset.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] when the storage is not a pinned host.
    pub fn new(http: HttpClient, storage_url: &Url, object: ObjectPath) -> Result<Self, ConfigError> {
        let storage = Endpoint::new("storage_url", storage_url, PINNED_HOSTS, http.extra_hosts())?;
        Ok(Self { http, storage, object })
    }
}

/// Reads the canary's metadata with a token of the scope. One call.
pub async fn negative_probe(canary: &Canary, scope: &Scope, token: &AccessToken) -> Finding {
    let target = Target::Object(canary.object.clone());
    let Credential::Bearer(bearer) = &token.credential else { return Finding::Unclear };
    if scope.parts().iter().any(|part| part.target().covers(&target)) {
        return Finding::Unclear;
    }
    let bucket = canary.object.bucket().authority();
    let address = canary.storage.join(&["storage", "v1", "b", bucket, "o", canary.object.key()]);
    let finding = match canary.http.get(&address, bearer).await.map(|reply| reply.status) {
        Ok(403) => Finding::Confined,
        Ok(200..=299) => Finding::Escaped,
        Ok(_) | Err(_) => Finding::Unclear,
    };
    if finding == Finding::Escaped {
        tracing::error!(scope = %scope.key(), "a fresh token opens an object outside its scope");
    }
    finding
}
