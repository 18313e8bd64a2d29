//! Programs that others wrote, against us: Google's Python libraries, gcsfs, grpcio, nghttp2, another emulator of Cloud
//! Storage, and Hadoop's own classes.
//!
//! What our own client and our own emulator agree on proves little: they share an author. Here people who never saw
//! Lakegate say what a token exchange, a storage call or a gRPC frame is. Each script in this folder is one client;
//! it asserts by itself and ends with a status. `cargo xtask test` installs everything, at the versions of
//! `requirements.txt`; without it the tests fail and say so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod boundaries;
mod emulators;
mod frames;
mod gcsfs;
mod google;
mod grpc;
mod hadoop;
mod hadoop_rules;
mod java;
mod lake;
mod peer;
