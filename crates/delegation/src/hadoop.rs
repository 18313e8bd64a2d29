//! Hadoop's encodings: the primitives, as its `WritableUtils` and `Text` write them, and the token-storage file.
//!
//! | name | bytes |
//! |---|---|
//! | `VLong`, `VInt` | -112 to 127: one byte. Else a byte of -113 to -120 (positive) or -121 to -128 (negative) that says how many bytes follow, 1 to 8, then the number, or its one's complement, big-endian |
//! | `Text` | `VInt` length, then that many bytes of UTF-8 |
//!
//! Hadoop's readers take longer forms of a number; this one does not. A value has exactly one encoding, or a list of
//! cancelled tokens could be dodged by writing the same token another way.

mod credentials;
mod reader;
mod writer;

pub use credentials::{Credentials, MAX_CREDENTIALS_BYTES, MAX_CREDENTIALS_ENTRIES};
pub use reader::Reader;
pub use writer::{MAX_VLONG_BYTES, put_bytes, put_text, put_vlong, vlong};
