//! The broker: authenticates a caller over TLS, decides by policy, answers with a storage token.
//!
//! [`App::build`] wires a whole broker from its configuration; [`Broker::start`] is the same from parts that are
//! already made, for processes that hold more than a broker. The way of one request is `layers.rs`, then a file of
//! `rpc/`, then [`Pipeline::answer`].

pub mod acting;
mod app;
pub mod audit;
mod authenticate;
mod broker;
mod buckets;
mod check;
mod config;
mod delegation;
mod error;
pub mod identity;
mod layers;
mod limits;
mod metrics;
mod nameless;
mod peer;
mod pipeline;
mod probing;
mod proven;
mod rates;
mod rejects;
mod rpc;
mod server;
mod staleness;
pub mod tiers;
pub mod tls;

pub use app::App;
pub use authenticate::AuthenticationError;
pub use broker::{Broker, BrokerParts};
pub use check::check;
pub use config::BrokerConfig;
pub use delegation::{
    Delegation, DelegationKeySettings, DelegationKeys, DelegationSettings, KeyLog, KeyLogParts,
    QuotaSettings, StoredKeySettings, ViewSettings,
};
pub use error::{BuildError, DelegationStateError, Failure};
pub use limits::Limits;
pub use metrics::Metrics;
pub use peer::Peer;
pub use pipeline::{Answer, Ask, Pipeline, PolicyTerms};
pub use proven::{Lasting, Proven};
pub use server::Server;
pub use staleness::StalenessBounds;
pub use tls::LiveTls;
