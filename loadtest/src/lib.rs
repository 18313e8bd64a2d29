//! An open-loop load driver: arrivals are scheduled ahead at a fixed rate, whatever the answers do, and a latency
//! counts from the *intended* start of its call. A server that stalls is charged for every call that should have
//! begun meanwhile (no coordinated omission).
//!
//! The driver knows nothing of Lakegate; it calls an async function. `main.rs` gives it a deployment to call.

mod driver;
mod error;
mod report;
mod schedule;

pub use driver::{Measurement, Pacing, drive};
pub use error::LoadError;
pub use report::{Quantiles, Report};
pub use schedule::Schedule;
