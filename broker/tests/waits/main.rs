//! What happens while a token is waited for: policy changes, gets old, or the broker goes away.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod narrowed;
mod pipeline;
mod wire;
