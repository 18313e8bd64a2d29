//! A pretend Google cloud that *enforces*.
//!
//! One HTTP server on the loopback plays the OAuth token endpoint, the metadata server, the IAM credentials
//! service, the Security Token Service and Cloud Storage in both dialects (XML and JSON). A downscoped token can
//! do here exactly what its access boundary says: every storage call is reduced to permissions on resources,
//! looked up in the roles of the source's service account *and* in the rules of the boundary, whose conditions a
//! real CEL evaluator decides. What the cloud refuses, the emulator refuses, with the same status and body.
//!
//! It also counts calls and misbehaves on demand, so that tests can see what a broker does when its cloud is
//! slow, wrong or gone.
//!
//! Absent: TLS (it is meant for the loopback), persistence, ACLs, object versions, signed URLs, notifications and
//! the client-side access boundary.

mod accounts;
mod boundary;
mod cloud;
mod config;
mod counts;
mod emulator;
mod error;
mod faults;
mod json;
mod keys;
mod oauth;
mod quota;
mod reply;
mod route;
mod server;
mod storage;
mod tokens;
mod xml;

pub use boundary::roles::Role;
pub use config::{BucketRole, EmulatorConfig, ServiceAccount};
pub use counts::{CallCounts, MinuteCounts};
pub use emulator::Emulator;
pub use error::EmulatorError;
pub use faults::{Expiry, Fault, FaultControl};
pub use keys::ServiceAccountKey;
pub use route::Endpoint;
