//! Why an emulator did not start, or a key was not made.

use thiserror::Error;

/// What keeps the emulator from starting.
#[derive(Debug, Error)]
pub enum EmulatorError {
    /// The address cannot be listened on.
    #[error("cannot listen on the configured address")]
    Listen(#[source] std::io::Error),
    /// A bucket name is empty, holds a slash, or is the first path segment of an endpoint of the emulator.
    #[error("a configured bucket name cannot be served")]
    Bucket,
    /// Two service accounts carry the same address.
    #[error("two service accounts carry the same address")]
    DuplicateAccount,
    /// A service account's public key is not an RSA key in PEM.
    #[error("a service account's public key is not an RSA key in PEM")]
    PublicKey(#[source] jsonwebtoken::errors::Error),
    /// An operation named a service account that is not configured.
    #[error("no such service account")]
    UnknownAccount,
    /// An operation named a bucket that is not configured.
    #[error("no such bucket")]
    UnknownBucket,
    /// The cryptographic library could not make a key or random bytes.
    #[error("the cryptographic library refused")]
    Crypto,
}
