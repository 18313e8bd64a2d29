//! What can go wrong with the shared tier.
//!
//! A value that is missing, expired or not to be believed is no error but a miss; see [`crate::SealedTokens`].

use thiserror::Error;

/// A failure of the store, or of the process that uses it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A sealing key's file is not 64 hexadecimal digits.
    #[error("sealing key is not 64 hexadecimal digits")]
    KeyText,
    /// A line of a key ring breaks its form.
    #[error("sealing key ring, line {line}: {problem}")]
    Ring {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A key ring has no key to seal with.
    #[error("sealing key ring has no key that seals")]
    RingWithoutKey,
    /// The settings name neither a key ring nor a current key, or both.
    #[error("either `ring` is set, or `current` and maybe `previous`")]
    SealingSettings,
    /// The embedded store's file cannot be opened.
    #[error("the token store's file cannot be opened")]
    Open(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store does not answer, or answers that it cannot.
    #[error("the token store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value is longer than [`crate::MAX_VALUE_BYTES`].
    #[error("the value is longer than a token store keeps")]
    TooLarge,
    /// A token was put, or is to be put, under a scope that it is not for.
    #[error("the token is not for this scope")]
    WrongScope,
    /// The cipher or the random generator failed.
    #[error("sealing failed")]
    Sealing,
    /// The current and the previous sealing key have one id.
    #[error("two sealing keys share one id")]
    DuplicateKeyId,
    /// The cluster's name is empty or longer than 256 bytes.
    #[error("the cluster's name is empty or longer than 256 bytes")]
    ClusterName,
}

impl StoreError {
    /// Wraps what opening the file met.
    pub(crate) fn open(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Open(source.into())
    }

    /// Wraps what an adapter met.
    pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }
}
