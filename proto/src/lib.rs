//! The wire: `lakegate.v1` as generated code, and conversions between wire and domain.
//!
//! Messages that hold a secret print `[redacted]` instead of themselves. Requests are decoded by
//! [`codec::StrictCodec`], which answers a malformed message with `INVALID_ARGUMENT` and a fixed text.

pub mod codec;
mod convert;
mod error;
pub mod reason;
mod redacted;

/// The generated messages, clients and servers of `lakegate.v1`.
#[expect(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; the .proto files carry the documentation"
)]
pub mod v1 {
    tonic::include_proto!("lakegate.v1");
}

pub use convert::{
    operations_from_wire, operations_to_wire, part_from_wire, part_to_wire, timestamp_from_wire,
    timestamp_to_wire,
};
pub use error::InvalidRequest;

/// The encoded `FileDescriptorSet` of `lakegate.v1`, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lakegate.v1.bin"));
