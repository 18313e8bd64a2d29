//! Delegation tokens as a job meets them: got by certificate, presented without one, refused in every other way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancelling;
mod client;
mod files;
mod issuing;
mod presenting;
mod renewing;
mod staleness;
mod strangers;
mod world;
