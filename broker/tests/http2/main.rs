//! The public port under attack, frame by frame: every limit is proved on the wire.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod connections;
mod floods;
mod headers;
mod messages;
mod methods;
mod raw;
mod world;
