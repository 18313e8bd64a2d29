//! Minting against the emulator, which enforces what a token may do and misbehaves on demand.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod boundaries;
mod cloud;
mod conformance;
mod faults;
mod secrets;
mod source;
mod wrappers;
