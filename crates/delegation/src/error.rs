//! Why bytes are no token, why a token is not believed, why none is made, and why keys are no ring.
//!
//! The texts are fixed and repeat nothing of the input, so they may be logged.

use thiserror::Error;

/// Bytes that are not a delegation token, by the rule they break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Longer than any token is.
    #[error("token is longer than the limit")]
    TooLong,
    /// Not base64url without padding, in its one encoding.
    #[error("token is not base64url without padding")]
    Base64,
    /// The bytes end before the value does.
    #[error("bytes end early")]
    Short,
    /// Bytes follow the value.
    #[error("bytes follow the value")]
    Trailing,
    /// A number that is not in its shortest form.
    #[error("number is not in its shortest form")]
    NotMinimal,
    /// A number outside its range.
    #[error("number is out of range")]
    Range,
    /// A text that is too long or not UTF-8.
    #[error("text is too long or not utf-8")]
    Text,
    /// A name that is no principal, or no owner at all.
    #[error("name is no principal")]
    Principal,
    /// A version or format that is not ours.
    #[error("version is not known")]
    Version,
    /// A token of another kind.
    #[error("token is of another kind")]
    Kind,
    /// A password that is not as long as a MAC.
    #[error("password is not 32 bytes")]
    Password,
    /// A field of a message that is unknown, missing, or there twice.
    #[error("field is unknown, missing or there twice")]
    Field,
    /// Dates that are not in their order.
    #[error("dates are not in order")]
    Dates,
}

/// Why bytes are no token-storage file, or a token cannot be put into one or found in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// It does not begin with Hadoop's magic bytes.
    #[error("bad header found in token storage")]
    Header,
    /// A version other than 0 and 1.
    #[error("unknown version {0} in token storage")]
    Version(u8),
    /// Longer than 4 MiB.
    #[error("token storage is longer than 4 MiB")]
    TooLong,
    /// More entries than the limit.
    #[error("token storage holds more than 4096 tokens or secrets")]
    TooMany,
    /// The file, or a token in it, breaks a rule.
    #[error("token storage is malformed")]
    Form(#[from] Malformed),
    /// There is a token of somebody else's under that alias.
    #[error("token storage holds a token of another kind under this alias")]
    AliasTaken,
    /// There is no token of our kind.
    #[error("token storage holds no token of kind LAKEGATE_DELEGATION_TOKEN")]
    Absent,
    /// There are tokens of several clusters, and none was written for the brokers in question.
    #[error("token storage holds tokens of several clusters and none for these brokers")]
    Ambiguous,
}

/// Why a token is not believed. Closed: each has a word for audit records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DelegationRefusal {
    /// It is no token.
    #[error("delegation token is malformed")]
    Form(#[source] Malformed),
    /// No key of the ring may verify it: unknown, retired, or not yet in use.
    #[error("delegation token names a key that is not in use")]
    UnknownKey,
    /// The MAC is not that of the bytes.
    #[error("delegation token has a wrong mac")]
    Mac,
    /// It is for another cluster.
    #[error("delegation token is for another cluster")]
    Cluster,
    /// It was issued in the future: a clock is wrong, or a key is in wrong hands.
    #[error("delegation token was issued in the future")]
    Future,
    /// Its max date has come.
    #[error("delegation token has reached its max date")]
    Expired,
    /// Its renew date has come and nobody renewed it.
    #[error("delegation token was not renewed in time")]
    NotRenewed,
    /// It was cancelled.
    #[error("delegation token was cancelled")]
    Cancelled,
    /// It was issued before the store was restored.
    #[error("delegation token is of an earlier epoch of the store")]
    Epoch,
    /// It is bound to another connection than the one over which it is presented.
    #[error("delegation token is bound to another connection")]
    Bound,
    /// It is to be renewed, and no record of its issue is there.
    #[error("delegation token is not on record")]
    Unknown,
}

impl DelegationRefusal {
    /// Every word that [`DelegationRefusal::as_str`] knows.
    pub const WORDS: [&'static str; 11] = [
        "dt_form",
        "dt_unknown_key",
        "dt_mac",
        "dt_cluster",
        "dt_future",
        "dt_expired",
        "dt_not_renewed",
        "dt_cancelled",
        "dt_epoch",
        "dt_binding",
        "dt_unknown",
    ];

    /// The word for it in audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form(_) => "dt_form",
            Self::UnknownKey => "dt_unknown_key",
            Self::Mac => "dt_mac",
            Self::Cluster => "dt_cluster",
            Self::Future => "dt_future",
            Self::Expired => "dt_expired",
            Self::NotRenewed => "dt_not_renewed",
            Self::Cancelled => "dt_cancelled",
            Self::Epoch => "dt_epoch",
            Self::Bound => "dt_binding",
            Self::Unknown => "dt_unknown",
        }
    }
}

/// Why no token is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// An interval of nothing, a life shorter than the interval, or one that leaves the calendar.
    #[error("renew interval and life of delegation tokens are not usable")]
    Terms,
    /// The present instant lies outside the calendar.
    #[error("the clock is outside the calendar")]
    Clock,
    /// A sequence number or store epoch beyond 2,147,483,647, the largest that the wire format holds.
    #[error("sequence number or store epoch is larger than 2147483647")]
    Number,
    /// The keys are not known yet.
    #[error("there is no key to sign delegation tokens with yet")]
    NoKey,
    /// The machine has no randomness.
    #[error("no randomness for a token id")]
    Randomness,
    /// The cryptography failed.
    #[error("delegation token was not signed")]
    Crypto,
}

/// Whose quota of tokens is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QuotaExceeded {
    /// The owner's.
    #[error("the owner has too many delegation tokens")]
    Owner,
    /// The real user's, who gets tokens for others.
    #[error("the real user has too many delegation tokens")]
    RealUser,
    /// Everybody's.
    #[error("there are too many delegation tokens")]
    Total,
}

/// Why a record or a snapshot does not go into a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BookError {
    /// Its number is not the one that is due.
    #[error("a record or snapshot has another number than is due")]
    Gap,
    /// It continues another log.
    #[error("a record does not continue the log that was followed so far")]
    Forked,
    /// It is none.
    #[error("a record or snapshot is malformed")]
    Malformed(#[source] Malformed),
}

/// Why keys are no ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file that is not 64 hexadecimal digits.
    #[error("delegation key is not 64 hexadecimal digits")]
    Text,
    /// A line of a ring's file breaks its form.
    #[error("delegation key ring, line {line}: {problem}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The settings name no place of keys, or several.
    #[error("exactly one of `ring`, `current` with `keys`, and `stored` is set")]
    Settings,
    /// Keys would change before they are distributed, or be distributed within the difference of clocks.
    #[error("keys are not rolled later than they are distributed, or that not later than clocks differ")]
    Roll,
    /// An id beyond 2,147,483,647, the largest that the wire format holds.
    #[error("delegation key id is larger than 2147483647")]
    Id,
    /// Two keys under one id.
    #[error("two delegation keys have the same id")]
    DuplicateId,
    /// None or several keys in force.
    #[error("not exactly one delegation key is current")]
    Current,
    /// A cluster name of nothing or of too much.
    #[error("cluster name is empty or longer than 256 bytes")]
    Cluster,
    /// The cryptography failed, or the machine has no randomness.
    #[error("delegation keys cannot be derived")]
    Crypto,
}
