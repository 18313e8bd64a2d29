//! Why a load test does not run.

use thiserror::Error;

/// A load test that cannot be run as asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing would ever arrive.
    #[error("rate must be at least one call per second")]
    NoRate,
    /// The histogram cannot be made.
    #[error("histogram cannot be made")]
    Histogram(#[from] hdrhistogram::CreationError),
}
