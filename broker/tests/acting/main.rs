//! Acting for others as services meet it: over TLS, by certificate and by token, with both names on record.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod callers;
mod groups;
mod names;
mod records;
mod tokens;
mod world;
