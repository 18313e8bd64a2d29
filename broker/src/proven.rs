//! Whether a caller still is who it proved to be when its request began: asked wherever time may have passed since.

use lakegate_domain::Timestamp;

use crate::Failure;

/// What a caller proved, and whether it holds.
pub trait Proven: Send + Sync {
    /// Whether the credential that the caller came by would be believed now.
    ///
    /// # Errors
    /// What speaks against it.
    fn holds(&self, now: Timestamp) -> Result<(), Failure>;

    /// Whether that is known for certain: what could have revoked it was asked lately enough for classes marked strict.
    ///
    /// # Errors
    /// What is not certain.
    fn is_certain(&self) -> Result<(), Failure>;
}

/// A caller whose credential nothing but its connection's end can take away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lasting;

impl Proven for Lasting {
    fn holds(&self, _: Timestamp) -> Result<(), Failure> {
        Ok(())
    }

    fn is_certain(&self) -> Result<(), Failure> {
        Ok(())
    }
}
