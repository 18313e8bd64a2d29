//! Minters: an access token for a scope, by calling the cloud's token service (STS).
//!
//! [`Minter`] is the one trait; [`gcs::GcsMinter`] makes tokens for Google Cloud Storage. Everything else wraps
//! a minter in a minter. From the outside in, the order that composition roots use ([`guard`]):
//!
//! 1. [`SingleFlight`]: many callers for one scope make one call;
//! 2. [`probe::Probed`], where a canary is configured: fresh tokens must fail outside of their scope;
//! 3. [`Discarding`]: a token that arrives dead or dying is thrown away and asked for again, three times at most;
//! 4. [`Quarantine`]: a scope that the STS keeps refusing is asked for ever more rarely;
//! 5. [`Budgeted`]: every call that goes further is paid from the budget, which holds over every 60 s window.
//!
//! A minter takes a [`lakegate_policy::Scope`], which only a policy decision makes: there is no way to ask for a
//! token that nobody allowed, and no answer that is not cut down to its scope. Retry is left to callers.

mod budget;
#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod discard;
mod error;
#[cfg(any(test, feature = "test-util"))]
mod fake;
mod fit;
mod flight;
pub mod gcs;
mod guard;
mod http;
mod metrics;
mod minter;
pub mod probe;
mod quarantine;
pub mod settings;
mod single_flight;

pub use budget::{Budget, Budgeted, Share};
pub use discard::Discarding;
pub use error::{BadReply, ConfigError, EndpointProblem, MintError, NotExpressible, Party};
#[cfg(any(test, feature = "test-util"))]
pub use fake::FakeMinter;
pub use fit::{Misfits, misfits};
pub use guard::{guard, guard_and_probe};
pub use http::{HttpClient, HttpConfig, Roots};
pub use metrics::ProbeMetrics;
pub use minter::{Lives, Minter};
pub use quarantine::Quarantine;
pub use single_flight::SingleFlight;
