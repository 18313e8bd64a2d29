//! Minting against the emulator, which enforces what a token may do and misbehaves on demand.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod boundaries;
mod cloud;
mod conformance;
mod faults;
mod metadata;
mod probing;
mod secrets;
mod settings;
mod source;
mod wrappers;
