//! Why a message is not a request.

use lakegate_domain::{InvalidOperations, InvalidPath};
use thiserror::Error;

/// A message whose fields break the rules of the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidRequest {
    /// The path is not one.
    #[error("{0}")]
    Path(#[from] InvalidPath),
    /// The operations are none, or one is unknown.
    #[error("{0}")]
    Operations(#[from] InvalidOperations),
    /// A timestamp is missing or out of range.
    #[error("timestamp is missing or out of range")]
    Timestamp,
}
