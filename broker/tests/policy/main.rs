//! Policy as callers meet it: who gets which token, until when, and what a refusal looks like.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod caches;
mod changes;
mod ends;
mod explain;
mod large;
mod lasting;
mod parts;
mod permuted;
mod refusals;
mod rejection;
mod staleness;
mod world;
