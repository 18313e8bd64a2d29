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
    /// Another key under the id of one that is in force.
    #[error("a sealing key has the id of another one that is in force")]
    KeyIdReused,
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
    /// What an operator says about the store breaks a rule.
    #[error("{0}")]
    Settings(&'static str),
    /// A file with certificates or a key for the store cannot be read or holds none.
    #[error("a file with certificates or a key for the token store is not usable")]
    CertificateFile(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The two sides do not agree on TLS: a certificate, a host name or an authority is the wrong one.
    #[error("no TLS with the token store")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store does not accept our name and password.
    #[error("the token store does not accept this user name and password")]
    Credentials,
    /// The store's access list denies us a command or our keys.
    #[error("the token store does not let this user {0}")]
    Rights(&'static str),
    /// The store serves whoever connects.
    #[error("the token store serves its default user without a password")]
    OpenDefaultUser,
    /// The store does not answer, or cannot be reached.
    #[error("the token store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store answered in time that it will not: full, read-only, still loading.
    #[error("the token store refused a command")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A record's number is not behind the newest record of its log: the log has lost some, or the writer is wrong.
    #[error("a record was not added: the log ends with number {head}")]
    NotNext {
        /// The newest record there is.
        head: u64,
    },
    /// A record was added, and fewer servers than it takes have it: the next failover may lose it.
    #[error("a record was added, and {copies} replicas have it")]
    NotCopied {
        /// How many have it.
        copies: u32,
    },
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

    /// Wraps what a server answered instead of doing as it was told.
    pub(crate) fn refused(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Refused(source.into())
    }

    /// Whether waiting cannot mend it: what an operator set up is wrong.
    pub fn is_misconfiguration(&self) -> bool {
        !matches!(
            self,
            Self::Unavailable(_) | Self::Refused(_) | Self::NotNext { .. } | Self::NotCopied { .. }
        )
    }
}
