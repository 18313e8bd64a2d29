//! Paths over the wire: what is no path, what is refused, and what a token opens at the storage.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decided;
mod form;
mod names;
mod presented;
mod world;
