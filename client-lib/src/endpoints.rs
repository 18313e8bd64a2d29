//! The brokers, and the one call that is made to them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::Part;
use lakegate_proto::v1::access_token_service_client::AccessTokenServiceClient;
use lakegate_proto::{part_to_wire, v1};
use tokio::time::{Instant, timeout};

use crate::broker_channel::BrokerChannel;
use crate::error::{ClientError, ConfigFault};
use crate::status;
use crate::token::TokenDigest;

/// A request is sent at most this often, the first time included.
const MAX_ATTEMPTS: usize = 3;
/// How long to wait before asking the same broker again when it did not say.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// No answer is anywhere near as large.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What is asked of a broker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Ask {
    /// 1 to 4 parts.
    pub(crate) parts: Vec<Part>,
    /// The token that the storage refused, if any.
    pub(crate) rejected: Option<TokenDigest>,
}

/// Somebody who answers: the brokers, or a script in tests.
#[async_trait]
pub(crate) trait Broker: std::fmt::Debug + Send + Sync {
    /// Asks once; retries are the broker's own affair.
    async fn ask(&self, ask: &Ask) -> Result<v1::GetAccessTokenResponse, ClientError>;
}

/// The configured brokers. One is used until it fails, then the next.
#[derive(Debug)]
pub(crate) struct Endpoints {
    channels: Vec<BrokerChannel>,
    current: AtomicUsize,
    request_timeout: Duration,
}

impl Endpoints {
    /// Brokers behind these channels. Clients start at different ones, so that a fleet spreads.
    pub(crate) fn new(channels: Vec<BrokerChannel>, request_timeout: Duration) -> Result<Self, ConfigFault> {
        if channels.is_empty() {
            return Err(ConfigFault::NoEndpoint);
        }
        let current = AtomicUsize::new(rand::random_range(0..channels.len()));
        Ok(Self { channels, current, request_timeout })
    }

    async fn ask_with_retries(&self, ask: &Ask) -> Result<v1::GetAccessTokenResponse, ClientError> {
        let deadline = Instant::now() + self.request_timeout;
        let mut attempt = 1;
        loop {
            let index = self.current.load(Ordering::Relaxed);
            let error = match self.call(index, ask).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(pause) =
                self.pause_after(&error).filter(|pause| attempt < MAX_ATTEMPTS && *pause < left)
            else {
                return Err(error);
            };
            self.leave(index);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn call(&self, index: usize, ask: &Ask) -> Result<v1::GetAccessTokenResponse, ClientError> {
        let channel = self.channels.get(index % self.channels.len().max(1)).cloned();
        let channel = channel.ok_or(ConfigFault::NoEndpoint)?;
        let mut client = AccessTokenServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
        let mut request = tonic::Request::new(v1::GetAccessTokenRequest {
            parts: ask.parts.iter().map(part_to_wire).collect(),
            on_behalf_of: String::new(),
            rejected_token_sha256: ask.rejected.as_ref().map(|digest| digest.0.clone()).unwrap_or_default(),
        });
        request.set_timeout(self.request_timeout);
        match client.get_access_token(request).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(refused) => Err(status::to_error(&refused)),
        }
    }

    /// How long to wait before another attempt; none when another attempt is not due.
    fn pause_after(&self, error: &ClientError) -> Option<Duration> {
        match error {
            ClientError::Connect(_) if self.channels.len() > 1 => Some(Duration::ZERO),
            ClientError::Connect(_) => Some(jittered(RECONNECT_PAUSE)),
            ClientError::Unavailable { retry_after: Some(pause), .. } => Some(jittered(*pause)),
            _ => None,
        }
    }

    /// Moves on to the next broker, unless somebody already did.
    fn leave(&self, index: usize) {
        let next = index.wrapping_add(1);
        let _ = self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[async_trait]
impl Broker for Endpoints {
    async fn ask(&self, ask: &Ask) -> Result<v1::GetAccessTokenResponse, ClientError> {
        timeout(self.request_timeout, self.ask_with_retries(ask)).await.unwrap_or(Err(ClientError::Timeout))
    }
}

/// A pause of at least what was asked for and at most twice that, so that those who failed together do not come
/// back together.
fn jittered(pause: Duration) -> Duration {
    pause + pause.mul_f64(rand::random_range(0.0..1.0))
}
