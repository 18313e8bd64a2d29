//! What every Lakegate process needs and nothing of the product: configuration, telemetry, the admin port, the
//! way to stop, hardening, key files, files that are followed while the process runs, and policy that follows one and
//! keeps its last good copy.
//!
//! Nothing here knows a broker from a generator; each process's `app.rs` puts the pieces together.

pub mod admin;
#[cfg(test)]
mod captured;
pub mod config;
mod error;
pub mod files;
mod findings;
pub mod harden;
mod metrics;
mod patient;
mod policy_feed;
mod readiness;
pub mod reload;
pub mod shutdown;
pub mod telemetry;
mod watch;

pub use admin::AdminServer;
pub use error::{ConfigError, FeedError, HostError};
pub use findings::Findings;
pub use patient::{Patient, Unfinished};
pub use policy_feed::{PolicyFeed, SnapshotCheck, read_policy};
pub use readiness::{Condition, Readiness};
pub use reload::{Reloads, chain};
pub use shutdown::{Hangups, Shutdown};
