//! One operation's credentials and requests.
//!
//! Every request asks the client for a token, which costs nothing while the tier has one; so a long listing or upload
//! outlives its first token. A 401 from the storage is answered here, once, with another token.

use std::fmt;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use lakegate_domain::{Bucket, Credential, Part};
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService};
use object_store::gcp::{GcpCredential, GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, Result, RetryConfig};

use super::endpoint::{Plaintext, Storage};
use super::errors;
use crate::client::Client;
use crate::token::BrokeredToken;

/// Retries of one request to the storage, on errors that it may get over.
const MAX_RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// Who asks for tokens for which parts, and what the storage last said.
pub(super) struct Session {
    client: Client,
    parts: Vec<Part>,
    http: reqwest::Client,
    last: Mutex<Option<Arc<BrokeredToken>>>,
    /// The last status; 0 before the first answer.
    status: AtomicU16,
}

impl Session {
    pub(super) fn new(client: Client, parts: Vec<Part>, http: reqwest::Client) -> Arc<Self> {
        Arc::new(Self { client, parts, http, last: Mutex::default(), status: AtomicU16::new(0) })
    }

    fn path(&self) -> String {
        self.parts.first().map(|part| part.target().key().to_owned()).unwrap_or_default()
    }

    fn last(&self) -> Option<Arc<BrokeredToken>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, token: &Arc<BrokeredToken>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(token));
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.http.call(request).await?;
        self.status.store(response.status().as_u16(), Ordering::Relaxed);
        Ok(response)
    }

    /// The header of another token than the one that was refused; none when there is no other.
    async fn other_header(&self, refused: Option<&HeaderValue>) -> Option<HeaderValue> {
        let last = self.last()?;
        let current = bearer_header(&last)?;
        if refused != Some(&current) {
            return Some(current);
        }
        let replacement = self.client.invalidate(&last).await.ok()?;
        self.keep(&replacement);
        bearer_header(&replacement)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("parts", &self.parts).finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialProvider for Session {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> Result<Arc<GcpCredential>> {
        let token = self
            .client
            .token_for_parts(&self.parts)
            .await
            .map_err(|error| errors::from_client(error, &self.path()))?;
        self.keep(&token);
        match token.credential() {
            Credential::Bearer(secret) => Ok(Arc::new(GcpCredential { bearer: secret.expose().to_owned() })),
            Credential::Aws { .. } | Credential::Sas(_) => Err(errors::foreign_credential()),
        }
    }
}

/// A session as the transport of `object_store`'s client.
#[derive(Debug, Clone)]
struct Wire(Arc<Session>);

impl HttpConnector for Wire {
    fn connect(&self, _options: &ClientOptions) -> Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut again = request.clone();
        let response = self.0.send(request).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some(header) = self.0.other_header(again.headers().get(AUTHORIZATION)).await else {
            return Ok(response);
        };
        again.headers_mut().insert(AUTHORIZATION, header);
        self.0.send(again).await
    }
}

fn bearer_header(token: &BrokeredToken) -> Option<HeaderValue> {
    let Credential::Bearer(secret) = token.credential() else { return None };
    let mut header = HeaderValue::try_from(format!("Bearer {}", secret.expose())).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// `object_store`'s Google client, bound to a session.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    gcs: Arc<GoogleCloudStorage>,
    session: Arc<Session>,
    location: Path,
}

impl Opened {
    pub(super) fn new(
        session: Arc<Session>,
        location: &Path,
        (bucket, storage): (&Bucket, &Storage),
    ) -> Result<Self> {
        let options = ClientOptions::new().with_allow_http(storage.plaintext() == Plaintext::Loopback);
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(bucket.authority())
            .with_credentials(Arc::clone(&session) as _)
            .with_http_connector(Wire(Arc::clone(&session)))
            .with_client_options(options)
            .with_retry(retry());
        if let Some(url) = storage.base_url() {
            builder = builder.with_base_url(url);
        }
        Ok(Self { gcs: Arc::new(builder.build()?), session, location: location.clone() })
    }

    pub(super) fn gcs(&self) -> &GoogleCloudStorage {
        &self.gcs
    }

    /// A result with its error named after what the storage said.
    pub(super) fn refine<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.refined(error))
    }

    pub(super) fn refined(&self, error: object_store::Error) -> object_store::Error {
        let status = StatusCode::from_u16(self.session.status.load(Ordering::Relaxed)).ok();
        errors::refine(error, status, self.location.as_ref())
    }
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { max_backoff: LONGEST_BACKOFF, ..BackoffConfig::default() },
        max_retries: MAX_RETRIES,
        retry_timeout: RETRY_TIMEOUT,
    }
}
