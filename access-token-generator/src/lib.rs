//! The access-token generator: keeps the shared tier full of tokens for all plain scopes.
//!
//! The catalogue is what the snapshot in force calls plain. Each scope is renewed at about 0.55 of its token's
//! life; work is taken earliest deadline first and paid from the generator's share of the budget. All state is the
//! shared tier: a crash loses nothing, and a scope that somebody else renewed is read, not minted.
//!
//! *Absent here:* leases of the budget among several generators, demand feedback and fairness between tenants.

mod app;
mod catalogue;
mod check;
mod config;
mod error;
mod generator;
mod metrics;
mod probing;
mod schedule;
mod store_watch;
mod worker;

pub use app::App;
pub use check::check;
pub use config::GeneratorConfig;
pub use error::BuildError;
pub use generator::{Generator, GeneratorParts, Progress};
pub use metrics::Metrics;
