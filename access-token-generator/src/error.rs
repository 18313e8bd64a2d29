//! Why a generator does not start.

use thiserror::Error;

/// Why a generator does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A metric is registered twice.
    #[error("metrics cannot be registered")]
    Metrics(#[source] prometheus::Error),
}
