//! The emulator from outside: real clients, raw calls, refusals, misbehaviour.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod enforcement;
mod exchange;
mod json_calls;
mod misbehaviour;
mod multipart;
mod object_store_client;
mod preconditions;
mod sources;
mod support;
