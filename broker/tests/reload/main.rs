//! Settings that change while the broker serves: what new connections meet, and what open ones keep.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod revocation;
mod settings;
mod strangers;
mod trust;
mod world;
