//! One attempt at one broker, over gRPC.

use std::time::Duration;

use async_trait::async_trait;
use lakegate_proto::v1::access_token_service_client::AccessTokenServiceClient;
use lakegate_proto::{part_to_wire, v1};
use tonic::Request;

use super::{Ask, Reply};
use crate::broker_channel::BrokerChannel;
use crate::status;

/// No answer is anywhere near as large.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// One broker: a channel, or a script in tests.
#[async_trait]
pub(super) trait Host: std::fmt::Debug + Send + Sync {
    /// One attempt, in the time that is left. Dropping it takes it back.
    async fn call(&self, ask: &Ask, left: Duration) -> Reply;
}

/// A broker behind a channel, which dials when it must.
#[derive(Debug)]
pub(super) struct Wire {
    channel: BrokerChannel,
    on_behalf_of: String,
}

impl Wire {
    pub(super) fn new(channel: BrokerChannel, on_behalf_of: &str) -> Self {
        Self { channel, on_behalf_of: on_behalf_of.to_owned() }
    }

    /// The request that asks this, with the time it has.
    fn request(&self, ask: &Ask, left: Duration) -> Request<v1::GetAccessTokenRequest> {
        let mut request = Request::new(v1::GetAccessTokenRequest {
            parts: ask.parts.iter().map(part_to_wire).collect(),
            on_behalf_of: self.on_behalf_of.clone(),
            rejected_token_sha256: ask.rejected.as_ref().map(|digest| digest.0.clone()).unwrap_or_default(),
        });
        request.set_timeout(left);
        request
    }
}

#[async_trait]
impl Host for Wire {
    async fn call(&self, ask: &Ask, left: Duration) -> Reply {
        let client = AccessTokenServiceClient::new(self.channel.clone());
        let mut client = client.max_decoding_message_size(MAX_ANSWER_BYTES);
        let answer = client.get_access_token(self.request(ask, left)).await;
        answer.map(tonic::Response::into_inner).map_err(|refused| status::to_error(&refused))
    }
}
