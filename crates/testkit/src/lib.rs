//! A whole Lakegate in one process: emulated cloud, embedded store, policy, broker, generator and a throw-away
//! certificate authority.
//!
//! [`Deployment::start`] is a composition root like the broker's `app.rs`: it names concrete adapters and nothing
//! else does. Quickstart, tests and load tests all use it, so what the tour shows is what the tests test.

mod acting;
mod anywhere;
mod audit_trail;
mod authority;
mod bearer;
mod caller;
mod delegation;
mod deployment;
mod name_server;
mod options;
mod redis;
mod relay;
mod sample;
mod site;
mod wire;

pub use acting::ActingOptions;
pub use audit_trail::AuditTrail;
pub use authority::{Authority, Issued, RevocationDraft, der_element};
pub use bearer::{Bearer, object};
pub use caller::{Caller, GET_ACCESS_TOKEN, Raw, Refused, bearer, framed, part, request};
pub use delegation::{CLUSTER, Delegating};
pub use deployment::{CANARY, Deployment, ExtraBroker};
pub use name_server::NameServer;
pub use options::{AuditTo, Canary, Generator as RunGenerator, Options, PolicyCheck, Source, Store};
pub use redis::{RedisClients, RedisKind, RedisServer};
pub use relay::{Relay, Weather};
pub use sample::{SAMPLE_BUCKET, sample_objects, sample_policy};
pub use site::{Ports, SAMPLE_CALLERS, Site, emulate};
pub use wire::tls_client;
