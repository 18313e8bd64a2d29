//! A cloud that is slow, wrong or gone, as callers of the broker see it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod escaped;
mod refused;
mod replies;
mod source;
mod waiting;
mod world;
