//! A whole Lakegate in one process: emulated cloud, embedded store, policy, broker, generator and a throw-away
//! certificate authority.
//!
//! [`Deployment::start`] is a composition root like the broker's `app.rs`: it names concrete adapters and nothing
//! else does. Quickstart, tests and load tests all use it, so what the tour shows is what the tests test.

mod audit_trail;
mod authority;
mod deployment;
mod options;
mod sample;

pub use audit_trail::AuditTrail;
pub use authority::{Authority, Issued};
pub use deployment::Deployment;
pub use options::{Generator as RunGenerator, Options, Source};
pub use sample::{SAMPLE_BUCKET, sample_objects, sample_policy};
