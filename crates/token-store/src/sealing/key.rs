//! Master keys for sealing, and the pair of them that a rotation needs.

use std::fmt;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::StoreError;

/// A master key with its id. The secret is overwritten on drop and never printed.
pub struct SealingKey {
    id: u32,
    secret: Zeroizing<[u8; 32]>,
}

impl SealingKey {
    /// A key from 32 bytes that came from a random generator. The id tells keys apart; never reuse one.
    pub fn from_bytes(id: u32, secret: [u8; 32]) -> Self {
        Self { id, secret: Zeroizing::new(secret) }
    }

    /// A random key with a random id, for a deployment that keeps none.
    ///
    /// # Errors
    /// [`StoreError::Sealing`] when the machine has no randomness.
    pub fn generate() -> Result<Self, StoreError> {
        let mut id = [0; 4];
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(&mut id).and_then(|()| rand::fill(&mut *secret)).map_err(|_| StoreError::Sealing)?;
        Ok(Self { id: u32::from_be_bytes(id), secret })
    }

    /// The key's id, as it stands in the header of what it sealed.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The secret itself.
    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("id", &self.id).field("secret", &"[redacted]").finish()
    }
}

/// The keys in force: everything is sealed with the current one and opened with either.
#[derive(Debug)]
pub struct SealingKeys {
    /// Seals and opens.
    pub current: SealingKey,
    /// Only opens; for as long as tokens live that it sealed.
    pub previous: Option<SealingKey>,
}

impl SealingKeys {
    /// One key, no rotation under way.
    pub fn single(current: SealingKey) -> Self {
        Self { current, previous: None }
    }

    /// The key with this id. No other is ever tried.
    pub(super) fn find(&self, id: u32) -> Option<&SealingKey> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.id == id)
    }

    /// Refuses two keys under one id.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &self.previous {
            Some(previous) if previous.id == self.current.id => Err(StoreError::DuplicateKeyId),
            _ => Ok(()),
        }
    }
}
