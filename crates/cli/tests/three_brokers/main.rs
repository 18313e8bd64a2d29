//! Three broker processes, a generator, Redis and an emulated cloud, each a process of its own.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod outages;
mod page;
mod processes;
mod secrets;
