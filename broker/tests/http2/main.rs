//! The public port under attack, frame by frame: every limit is proved on the wire.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod connections;
mod floods;
mod handshakes;
mod headers;
mod health;
mod limited;
mod messages;
mod methods;
mod old_tls;
mod panics;
mod raw;
mod world;
