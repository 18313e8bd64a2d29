//! What every Lakegate process needs and nothing of the product: configuration, telemetry, the admin port, the
//! way to stop, hardening, key files, and policy that follows a file and keeps its last good copy.
//!
//! Nothing here knows a broker from a generator; each process's `app.rs` puts the pieces together.

pub mod admin;
pub mod config;
mod error;
pub mod files;
pub mod harden;
mod metrics;
mod policy_feed;
mod readiness;
pub mod shutdown;
pub mod telemetry;

pub use admin::AdminServer;
pub use error::{ConfigError, FeedError, HostError};
pub use policy_feed::{PolicyFeed, SnapshotCheck};
pub use readiness::{Condition, Readiness};
pub use shutdown::Shutdown;
