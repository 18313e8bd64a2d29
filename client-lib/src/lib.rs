//! What file systems and jobs link: brokered storage tokens.
//!
//! A [`Client`] asks Lakegate brokers for storage tokens, keeps them in a tier of its own, serves everything they
//! cover from there, renews what is used in the background, and survives an outage of the brokers as long as its
//! tokens live. With the feature `object_store`, [`BrokeredStore`] is a whole object store for
//! `gs://` on top of it.
//!
//! ```no_run
//! use lakegate_client::{Client, ClientConfig};
//! use lakegate_domain::{Operation, OperationSet};
//!
//! # async fn example(ca: rustls_pki_types::CertificateDer<'static>) -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClientConfig::new(vec!["https://broker.example:7443".parse()?], vec![ca]);
//! let client = Client::connect(config)?;
//! let token = client.token_for("gs://lake/wh/sales/part-0", OperationSet::of(&[Operation::Read])).await?;
//! # let _ = token;
//! # Ok(())
//! # }
//! ```
//!
//! The crate needs no process-wide TLS provider, reads no environment variable, and knows nothing of policy, Redis or
//! a cloud's token service.

mod answer;
mod broker_channel;
mod client;
mod config;
mod delegation_token;
mod endpoints;
mod error;
mod explain;
mod flight;
mod freshness;
mod issue;
mod keep;
mod service;
mod status;
#[cfg(feature = "object_store")]
mod store;
#[cfg(test)]
mod testing;
mod tier;
mod token;
mod transport;
mod watch;

pub use client::{AsTarget, Client};
pub use config::{ClientConfig, ClientIdentity};
pub use delegation_token::{DelegationToken, DelegationTokenSource};
pub use error::{AnswerFault, ClientError, ConfigFault, Refusal, SharedCause, TokenEnd};
pub use explain::{Explained, explain};
pub use issue::{IssuedDelegationToken, TokenBinding, issue_bound_delegation_token, issue_delegation_token};
pub use keep::{
    CancelledDelegationToken, RenewedDelegationToken, cancel_delegation_token, renew_delegation_token,
};
#[cfg(feature = "object_store")]
pub use store::{BrokeredStore, StorageEndpoint};
pub use token::{Answer, BrokeredToken, Served};
pub use transport::service_of;
