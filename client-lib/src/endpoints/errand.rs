//! One call for which no client is kept: each broker is asked once, in the order of the configuration, until one
//! answers.
//!
//! Nothing is remembered of brokers here, so the order is not drawn: who makes one call expects the first broker to get
//! it. A broker that takes the call and says nothing is left when its share of the time is over, so the calls that come
//! this way are those which may be made twice.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tonic::Status;
use tracing::debug;

use super::verdict::Verdict;
use crate::broker_channel::BrokerChannel;
use crate::config::ClientConfig;
use crate::error::{ClientError, ConfigFault};
use crate::status;
use crate::transport::{self, Connected};

/// Makes a call, with the time that it has, at one broker after the other.
///
/// # Errors
/// The first answer that asking elsewhere would not change; else what the last broker failed with.
pub(crate) async fn errand<T, F>(
    config: ClientConfig,
    call: impl Fn(BrokerChannel, Duration) -> F,
) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, Status>>,
{
    let deadline = Instant::now() + config.request_timeout;
    let Connected { channels, token } = transport::connect(config)?;
    let presented = match &token {
        Some(token) => Some((token, token.ready().await?)),
        None => None,
    };
    let mut brokers = u32::try_from(channels.len()).unwrap_or(u32::MAX);
    let mut failed = ClientError::from(ConfigFault::NoEndpoint);
    for channel in channels {
        let share = deadline.saturating_duration_since(Instant::now()) / brokers.max(1);
        brokers = brokers.saturating_sub(1);
        let error = match timeout(share, call(channel, share)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refused)) => status::to_error(&refused),
            Err(_) => ClientError::Timeout,
        };
        match (error, &presented) {
            (ClientError::Unauthenticated(refusal), Some((token, presented))) => {
                return Err(token.refused(presented, refusal));
            }
            (error, _) if Verdict::of(&error) == Verdict::Final => return Err(error),
            (error, _) => {
                debug!(%error, "broker did not do it, the next one is asked");
                failed = error;
            }
        }
    }
    Err(failed)
}
