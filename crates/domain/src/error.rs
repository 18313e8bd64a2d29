//! Why a text is not a value of this crate.
//!
//! The texts are fixed: they name the rule that was broken and never repeat the input, so they may be
//! shown to a caller and written to a log.

use thiserror::Error;

/// A text that is not a name (group, project, dataset, class, storage, rule).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// The text is empty.
    #[error("name is empty")]
    Empty,
    /// The text is longer than 256 bytes.
    #[error("name is longer than 256 bytes")]
    TooLong,
    /// A character outside `[A-Za-z0-9._@-]`.
    #[error("name holds a character outside [A-Za-z0-9._@-]")]
    Character,
}

/// A text that is not a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPrincipal {
    /// The text, or one of its segments, is empty.
    #[error("principal or one of its segments is empty")]
    Empty,
    /// The text is longer than 256 bytes.
    #[error("principal is longer than 256 bytes")]
    TooLong,
    /// A character outside the principal alphabet.
    #[error("principal holds a character outside [A-Za-z0-9._@-]")]
    Character,
    /// A kind before the colon that is not `spiffe`, `hops` or `k8s`.
    #[error("principal has an unknown kind before the colon")]
    Kind,
    /// A `.` or `..` segment.
    #[error("principal holds a dot segment")]
    DotSegment,
}

/// A text that is not a storage path, by the rule it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPath {
    /// The scheme is not `gs`, `s3` or `abfss`, in lower case.
    #[error("path does not start with gs://, s3:// or abfss://")]
    Scheme,
    /// The bucket, container or account breaks the provider's grammar.
    #[error("bucket, container or account name is not valid for its provider")]
    Bucket,
    /// The key is longer than [`crate::MAX_KEY_BYTES`].
    #[error("key is longer than 1024 bytes")]
    TooLong,
    /// Two slashes in a row, or a slash at the start of the key.
    #[error("key holds an empty segment")]
    EmptySegment,
    /// A segment that is, or decodes to, `.` or `..`.
    #[error("key holds a dot segment, plain or percent-encoded")]
    DotSegment,
    /// A control character or line separator, plain or percent-encoded.
    #[error("key holds a control character, plain or percent-encoded")]
    Control,
    /// A backslash.
    #[error("key holds a backslash")]
    Backslash,
    /// A URL query, fragment or parameter; they are refused, never stripped.
    #[error("path holds a URL query, fragment or parameter")]
    UrlPart,
    /// A prefix was wanted and the text does not end in `/`.
    #[error("a prefix must end in '/'")]
    NotAPrefix,
    /// An object was wanted and the text names a prefix.
    #[error("an object path must not end in '/'")]
    NotAnObject,
}

/// A text or list that is not a set of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidOperations {
    /// No operation at all; there is no default.
    #[error("no operation is named")]
    Empty,
    /// A word that is not an operation.
    #[error("operation is not one of read, list, create, write, delete")]
    Unknown,
}

/// A text that is not an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("instant is not RFC 3339 with a zone, such as 2026-01-31T00:00:00Z")]
pub struct InvalidTimestamp;
