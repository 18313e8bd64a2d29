//! One operation's credentials and requests.
//!
//! Every request asks the client for a token, which costs nothing while the tier has one; so a long listing or upload
//! outlives its first token.
//!
//! What the storage refuses is handled here, each case once per request. A 401 says that the token is no good: it is
//! dropped, and the request repeated with another one. A 403 says that the token is good and may not do this: it is
//! kept, and the brokers are asked for a decision on exactly what the request does. If they give another token, policy
//! has moved, and the request is repeated with it. If they give the same, policy allows what the storage refuses, and
//! asking on would change nothing: that is remembered for a while, as is a denial.

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
use super::refusals::Refusals;
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
    refusals: Arc<Refusals>,
    last: Mutex<Option<Arc<BrokeredToken>>>,
    /// The last status; 0 before the first answer.
    status: AtomicU16,
}

impl Session {
    pub(super) fn new(
        client: Client,
        parts: Vec<Part>,
        (http, refusals): (reqwest::Client, &Arc<Refusals>),
    ) -> Arc<Self> {
        let (refusals, last, status) = (Arc::clone(refusals), Mutex::default(), AtomicU16::new(0));
        Arc::new(Self { client, parts, http, refusals, last, status })
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
        if response.status().is_success() {
            self.refusals.forget_what_changed(&self.parts);
        }
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

    /// The header of the token that the brokers give for exactly these parts, if it is another one.
    async fn decided_header(&self, refused: Option<&HeaderValue>) -> Option<HeaderValue> {
        let decision = self.client.ask_anew(&self.parts).await;
        let header = decision.as_ref().ok().and_then(|token| bearer_header(token));
        match decision {
            Ok(token) if header.as_ref() != refused => self.keep(&token),
            Ok(_) => self.refusals.remember(&self.parts),
            Err(error) => {
                // An outage is no decision.
                if error.is_decided() {
                    self.refusals.remember(&self.parts);
                }
            }
        }
        header.filter(|header| Some(header) != refused)
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
        if self.refusals.hold(&self.parts) {
            return Err(errors::refused_lately(self.path()));
        }
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
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut replaced, mut decided) = (false, false);
        loop {
            let mut again = request.clone();
            let response = self.0.send(request).await?;
            let refused = again.headers().get(AUTHORIZATION);
            let header = match response.status() {
                StatusCode::UNAUTHORIZED if !replaced => {
                    replaced = true;
                    self.0.other_header(refused).await
                }
                StatusCode::FORBIDDEN if !decided => {
                    decided = true;
                    self.0.decided_header(refused).await
                }
                StatusCode::FORBIDDEN => {
                    self.0.refusals.remember(&self.0.parts);
                    None
                }
                _ => None,
            };
            let Some(header) = header else { return Ok(response) };
            again.headers_mut().insert(AUTHORIZATION, header);
            request = again;
        }
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
