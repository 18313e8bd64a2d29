//! Brokers that are asked with a delegation token: its end is an error of its own, and the only thing tried after a
//! refusal is another token of the same file.

use std::sync::Arc;

use async_trait::async_trait;
use lakegate_proto::v1;

use super::Held;
use crate::endpoints::{Ask, Broker};
use crate::error::ClientError;

/// Brokers, and the token that they are shown.
#[derive(Debug)]
pub(crate) struct Presenting {
    brokers: Arc<dyn Broker>,
    held: Arc<Held>,
}

impl Presenting {
    pub(crate) fn new(brokers: Arc<dyn Broker>, held: Arc<Held>) -> Self {
        Self { brokers, held }
    }
}

#[async_trait]
impl Broker for Presenting {
    async fn ask(&self, ask: &Ask) -> Result<v1::GetAccessTokenResponse, ClientError> {
        let presented = self.held.ready().await?;
        let refusal = match self.brokers.ask(ask).await {
            Err(ClientError::Unauthenticated(refusal)) => refusal,
            other => return other,
        };
        if !self.held.was_replaced(&presented).await {
            return Err(self.held.refused(&presented, refusal));
        }
        let presented = self.held.ready().await?;
        match self.brokers.ask(ask).await {
            Err(ClientError::Unauthenticated(refusal)) => Err(self.held.refused(&presented, refusal)),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
