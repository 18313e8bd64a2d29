//! The brokers: which one is asked, when another one is, and what that may cost.
//!
//! A client keeps its brokers in an order of its own, so that a fleet spreads, and asks the first that is healthy.
//! One that fails is left alone for a while that grows, and is then tried by one request at a time. A request that
//! takes longer than nearly all did lately goes to a second broker as well, and the first answer counts: what is asked
//! for changes nothing at a broker, so asking twice is safe. What a broker may have worked on is repeated from a budget
//! only. `docs/client-failures.md` tells users the same.

mod budget;
mod errand;
mod journey;
mod pace;
mod pause;
mod roster;
mod verdict;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::Part;
use lakegate_proto::v1;

use self::budget::Budget;
pub(crate) use self::errand::errand;
use self::journey::Journey;
use self::pace::Pace;
use self::roster::Roster;
use self::wire::{Host, Wire};
use crate::broker_channel::BrokerChannel;
use crate::error::{ClientError, ConfigFault};
use crate::token::TokenDigest;

/// What an attempt brought.
type Reply = Result<v1::GetAccessTokenResponse, ClientError>;

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
    async fn ask(&self, ask: &Ask) -> Reply;
}

/// The configured brokers and what is known of them.
#[derive(Debug)]
pub(crate) struct Endpoints {
    hosts: Vec<Arc<dyn Host>>,
    roster: Roster,
    budget: Budget,
    pace: Pace,
    request_timeout: Duration,
}

impl Endpoints {
    /// Brokers behind these channels, asked on behalf of somebody or, when that is empty, of the client itself.
    pub(crate) fn new(
        channels: Vec<BrokerChannel>,
        on_behalf_of: &str,
        request_timeout: Duration,
    ) -> Result<Self, ConfigFault> {
        let wire = |channel| Arc::new(Wire::new(channel, on_behalf_of)) as Arc<dyn Host>;
        Self::of(channels.into_iter().map(wire).collect(), request_timeout)
    }

    fn of(hosts: Vec<Arc<dyn Host>>, request_timeout: Duration) -> Result<Self, ConfigFault> {
        if hosts.is_empty() {
            return Err(ConfigFault::NoEndpoint);
        }
        let roster = Roster::of(hosts.len());
        Ok(Self { hosts, roster, budget: Budget::new(), pace: Pace::default(), request_timeout })
    }
}

#[async_trait]
impl Broker for Endpoints {
    async fn ask(&self, ask: &Ask) -> Reply {
        self.budget.earn();
        Journey::new(self, ask).run().await
    }
}

#[cfg(test)]
mod tests;
