//! Sealing: AES-256-GCM under a subkey that belongs to one process start.
//!
//! The master key never encrypts. Each start draws a random 256-bit salt and derives its own subkey by
//! HKDF-SHA-256, so two processes, or one before and after a restart, never share a (key, nonce) pair. Readers
//! find the salt in the value's header and derive the same subkey once.
//!
//! | bytes | header field |
//! |---|---|
//! | 1 | format version, 1 |
//! | 4 | id of the master key, big-endian |
//! | 32 | salt |
//! | 12 | nonce: a counter of 4 bytes, big-endian, then 8 random bytes |
//!
//! The ciphertext and its 16-byte tag follow. Associated data are the header, the whole scope key, and the
//! purpose and the cluster, each after its length in two bytes; so a value moved to another key, another use or
//! another cluster does not open. The counter alone keeps nonces apart within a subkey; the random bytes do so
//! where one process became two without a start (a fork, a virtual machine restored twice).

mod header;
mod key;
mod plaintext;
mod ring;
mod sealer;
mod subkey;

pub use key::{SealingKey, SealingKeys};
pub(crate) use sealer::{SEAL_BYTES, Sealer};
