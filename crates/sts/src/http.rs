//! The one HTTP client: short, strict, and unable to go anywhere but where it was told.
//!
//! No redirects, no proxies from the environment, no retries of its own, no second pair of hands on the trust
//! anchors. A call has one time budget for everything from connecting to the last byte, and a cap on the size of
//! the answer that is enforced while reading. Where it may go is decided once, when an [`Endpoint`] is made.

mod endpoint;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;
use zeroize::Zeroizing;

use lakegate_domain::Secret;

use crate::ConfigError;
pub(crate) use endpoint::Endpoint;

/// The longest answer that is read.
const MAX_BODY: usize = 64 * 1024;

/// The longest wait that a server may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// The header by which a metadata server and its callers know each other.
const METADATA_FLAVOR: &str = "metadata-flavor";
const GOOGLE: &str = "Google";

/// Whom TLS trusts.
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// The certificate authorities that the machine trusts.
    #[default]
    System,
    /// These authorities and no others, in DER. None: only loopback endpoints over `http` can be reached.
    Only(Vec<CertificateDer<'static>>),
}

/// How calls are made.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Whom TLS trusts.
    pub roots: Roots,
    /// The longest time until a connection stands.
    pub connect_timeout: Duration,
    /// The longest time for a whole call, connecting included.
    pub total_timeout: Duration,
    /// Hosts that may see credentials besides Google's own: private or sovereign endpoints, in lower case.
    pub extra_hosts: Vec<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            roots: Roots::System,
            connect_timeout: Duration::from_secs(1),
            total_timeout: Duration::from_secs(2),
            extra_hosts: Vec::new(),
        }
    }
}

/// Makes calls to pinned hosts; cheap to clone, and clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    total_timeout: Duration,
    extra_hosts: Vec<String>,
}

/// A whole answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// What the server wishes, at most 60 s.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// Whether the answer says, in the header that is made for it, that a metadata server gave it.
    pub(crate) is_of_metadata_server: bool,
    /// When the call began: a life that the server counts from its own receipt began not earlier.
    pub(crate) asked_at: Instant,
}

/// No answer. The cause is not kept: its text could hold what the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection, or it broke, or the time was over.
    Unreachable,
    /// The answer is longer than the cap.
    TooLarge,
}

impl HttpClient {
    /// Makes a client.
    ///
    /// # Errors
    /// [`ConfigError::TrustAnchor`] when a root is no certificate; [`ConfigError::Http`].
    pub fn new(config: HttpConfig) -> Result<Self, ConfigError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(config.roots)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(config.connect_timeout)
            .timeout(config.total_timeout)
            .pool_idle_timeout(Duration::from_mins(1))
            .user_agent(concat!("lakegate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| ConfigError::Http)?;
        Ok(Self { client, total_timeout: config.total_timeout, extra_hosts: config.extra_hosts })
    }

    /// The longest time for a whole call.
    pub(crate) fn total_timeout(&self) -> Duration {
        self.total_timeout
    }

    /// The hosts that may see credentials besides the provider's own.
    pub(crate) fn extra_hosts(&self) -> &[String] {
        &self.extra_hosts
    }

    /// Posts a form that is already encoded.
    pub(crate) async fn post_form(&self, to: &Endpoint, form: String) -> Result<Reply, Fault> {
        let request = self.client.post(to.url());
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.call(request.header(CONTENT_TYPE, kind).body(form)).await
    }

    /// Posts JSON with a bearer token.
    pub(crate) async fn post_json(
        &self,
        to: &Endpoint,
        bearer: &Secret,
        body: Vec<u8>,
    ) -> Result<Reply, Fault> {
        let request = self.client.post(to.url()).header(AUTHORIZATION, authorization(bearer)?);
        self.call(request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body)).await
    }

    /// Gets with a bearer token.
    pub(crate) async fn get(&self, from: &Endpoint, bearer: &Secret) -> Result<Reply, Fault> {
        self.call(self.client.get(from.url()).header(AUTHORIZATION, authorization(bearer)?)).await
    }

    /// Gets from a metadata server, without credentials and with the header that tells such a call from one that a
    /// browser or a gullible service was made to send.
    pub(crate) async fn get_metadata(&self, from: &Endpoint) -> Result<Reply, Fault> {
        self.call(self.client.get(from.url()).header(METADATA_FLAVOR, GOOGLE)).await
    }

    async fn call(&self, request: RequestBuilder) -> Result<Reply, Fault> {
        let asked_at = Instant::now();
        let whole = async {
            let response = request.send().await.map_err(|_| Fault::Unreachable)?;
            read(response, asked_at).await
        };
        // The client's own limit is per request too; this one also holds when the answer drips.
        tokio::time::timeout(self.total_timeout, whole).await.unwrap_or(Err(Fault::Unreachable))
    }
}

async fn read(mut response: Response, asked_at: Instant) -> Result<Reply, Fault> {
    let status = response.status().as_u16();
    let is_of_metadata_server =
        response.headers().get(METADATA_FLAVOR).is_some_and(|flavor| flavor == GOOGLE);
    let retry_after = response.headers().get(RETRY_AFTER).and_then(seconds);
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > MAX_BODY {
        return Err(Fault::TooLarge);
    }
    // Room for all of it at once, so that a growing buffer leaves no copies of a token behind.
    let mut body = Zeroizing::new(Vec::with_capacity(announced.max(16 * 1024)));
    while let Some(chunk) = response.chunk().await.map_err(|_| Fault::Unreachable)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Fault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, retry_after, body, is_of_metadata_server, asked_at })
}

/// `Retry-After` in whole seconds, at most 60; a date or nonsense is no wish.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    let seconds: u64 = match value.to_str().ok()?.trim() {
        digits if digits.len() > 18 && digits.bytes().all(|byte| byte.is_ascii_digit()) => u64::MAX,
        digits => digits.parse().ok()?,
    };
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn authorization(bearer: &Secret) -> Result<HeaderValue, Fault> {
    let text = Zeroizing::new(["Bearer ", bearer.expose()].concat());
    let mut value = HeaderValue::from_str(&text).map_err(|_| Fault::Unreachable)?;
    value.set_sensitive(true);
    Ok(value)
}

fn tls(roots: Roots) -> Result<ClientConfig, ConfigError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            let (trusted, _) = store.add_parsable_certificates(found.certs);
            if trusted == 0 {
                tracing::warn!(
                    "the machine trusts no certificate authority: https endpoints cannot be reached"
                );
            }
        }
        Roots::Only(anchors) => {
            for anchor in anchors {
                store.add(anchor).map_err(|_| ConfigError::TrustAnchor)?;
            }
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| ConfigError::Http)?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests;
