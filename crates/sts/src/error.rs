//! Why there is no token. Texts are fixed: they hold neither secrets nor anything that a server sent.

use std::time::Duration;

use thiserror::Error;

/// When nobody says how long to wait.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// A token that was not made: the fact, and by its variant the party at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MintError {
    /// The provider cannot express the scope.
    #[error("scope cannot be expressed at the provider")]
    NotExpressible(#[from] NotExpressible),
    /// The scope or its class ends before a token of the source would, and the source cannot end one early.
    #[error("source cannot end a token early enough for the scope")]
    CannotEndEarly,
    /// The scope ends sooner than the shortest life of a token.
    #[error("scope ends sooner than the shortest life of a token")]
    TooShort,
    /// The budget of STS calls is spent.
    #[error("budget of token service calls is spent")]
    BudgetSpent {
        /// When a call may be paid again.
        retry_after: Duration,
    },
    /// The STS asks for fewer calls.
    #[error("token service asks for fewer calls")]
    Throttled {
        /// The STS's own wish, at most 60 s.
        retry_after: Duration,
    },
    /// The STS refuses this boundary; other scopes are not concerned. Trying again will not help soon.
    #[error("token service refuses the boundary of this scope with status {status}")]
    BoundaryRefused {
        /// The HTTP status: 400, 401 or 403.
        status: u16,
    },
    /// The STS refused the boundary of this scope before and is not asked again yet.
    #[error("scope is in quarantine because the token service keeps refusing its boundary")]
    Quarantined {
        /// When the STS will be asked again.
        retry_after: Duration,
    },
    /// The identity provider refuses the source credential: it expired, was rotated or lost its rights.
    #[error("source credential is refused")]
    SourceRefused,
    /// The place where source tokens come from does not answer, or answers nonsense.
    #[error("source of tokens is not available")]
    SourceUnavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The source hands out a token that is about to end, so nothing of use can be made of it.
    #[error("source hands out a token with too little life left")]
    SourceShortLived {
        /// When that token has ended and another may be there.
        retry_after: Duration,
    },
    /// The STS does not answer, or answers with a server error.
    #[error("token service is not available")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// A token of this storage opened more than its scope; nothing is handed out until a probe finds one confined.
    #[error("a token opened more than its scope, so nothing is handed out")]
    Escaped {
        /// When the next probe is due.
        retry_after: Duration,
    },
    /// The STS answered something that must not be used.
    #[error("token service sent an unusable reply")]
    BadReply(#[from] BadReply),
}

/// Who has to act on a [`MintError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// Whoever wrote the policy: this scope cannot have a token. Never an outage.
    Scope,
    /// Whoever set the budget, or the load.
    Budget,
    /// The source credential and the service that hands out its tokens.
    Source,
    /// The token service.
    Sts,
}

impl MintError {
    /// The party at fault.
    pub fn party(&self) -> Party {
        match self {
            Self::NotExpressible(_)
            | Self::CannotEndEarly
            | Self::TooShort
            | Self::BoundaryRefused { .. }
            | Self::Quarantined { .. } => Party::Scope,
            Self::BudgetSpent { .. } => Party::Budget,
            Self::SourceRefused | Self::SourceUnavailable { .. } | Self::SourceShortLived { .. } => {
                Party::Source
            }
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::Escaped { .. } | Self::BadReply(_) => {
                Party::Sts
            }
        }
    }

    /// When it makes sense to try again; none when only a change of policy or configuration helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotExpressible(_)
            | Self::CannotEndEarly
            | Self::TooShort
            | Self::BoundaryRefused { .. } => None,
            Self::BudgetSpent { retry_after }
            | Self::Throttled { retry_after }
            | Self::Quarantined { retry_after }
            | Self::SourceUnavailable { retry_after }
            | Self::SourceShortLived { retry_after }
            | Self::Escaped { retry_after }
            | Self::Unavailable { retry_after } => Some(*retry_after),
            Self::SourceRefused | Self::BadReply(_) => Some(RETRY_SOON),
        }
    }

    /// The STS does not answer and named no time.
    pub(crate) fn unavailable() -> Self {
        Self::Unavailable { retry_after: RETRY_SOON }
    }

    /// The source does not answer and named no time.
    pub(crate) fn source_unavailable() -> Self {
        Self::SourceUnavailable { retry_after: RETRY_SOON }
    }
}

/// What of a scope a provider cannot express. Found at load by `policy check`; never widened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotExpressible {
    /// The scope is for a storage of another dialect.
    #[error("scope is for a storage of another dialect")]
    Dialect,
    /// A boundary without any rule would open everything.
    #[error("scope has no part to express")]
    Empty,
    /// A listing was asked at one exact object.
    #[error("a listing needs a prefix")]
    ListOfObject,
    /// A name holds a character that no literal can carry.
    #[error("name holds a control character or line separator")]
    Character,
    /// A name is longer than the provider allows in a condition.
    #[error("name is longer than 1024 bytes")]
    NameTooLong,
    /// More rules than the provider allows.
    #[error("scope needs more than 10 boundary rules")]
    TooManyRules,
    /// A condition is longer than the provider allows.
    #[error("a boundary condition is longer than 2048 characters")]
    ConditionTooLong,
    /// The boundary is longer than the provider allows.
    #[error("boundary is longer than 2048 characters")]
    BoundaryTooLong,
}

/// What is wrong with an STS reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BadReply {
    /// A status that the exchange does not know; redirects are among them and are never followed.
    #[error("status is not one of the protocol")]
    Status,
    /// The body is longer than 64 KiB.
    #[error("body is longer than 64 KiB")]
    TooLarge,
    /// The body is no JSON object of the expected fields, or names one twice.
    #[error("body is not the expected JSON")]
    Malformed,
    /// A success that also carries an error.
    #[error("reply carries a token and an error")]
    ErrorBesideToken,
    /// `token_type` is not `Bearer`, or the token is not of the requested type.
    #[error("token is of another type")]
    TokenType,
    /// The token is empty, longer than 12,288 bytes, or holds a byte that is not visible ASCII.
    #[error("token text is not usable in a header")]
    TokenText,
    /// `expires_in` is zero or negative.
    #[error("token life is not positive")]
    Expiry,
    /// The reply is the source token itself.
    #[error("token was not cut down")]
    NotDownscoped,
    /// The token has less life than the shortest one handed out.
    #[error("token arrived with too little life")]
    ShortLived,
}

/// A minter that cannot be made from its configuration; found at start, not at first use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An endpoint is not one that may see credentials.
    #[error("endpoint {name}: {problem}")]
    Endpoint {
        /// Which endpoint.
        name: &'static str,
        /// What is wrong with it.
        problem: EndpointProblem,
    },
    /// The service-account key file is not usable.
    #[error("service account key file: {0}")]
    KeyFile(&'static str),
    /// The account to impersonate is not an address of a service account.
    #[error("account to impersonate is not an e-mail address")]
    Account,
    /// Two settings that cannot both be meant, or two of which one must be.
    #[error("{0}")]
    Conflict(&'static str),
    /// A life is outside of what the provider allows.
    #[error("{0} is outside of what the provider allows")]
    Life(&'static str),
    /// A share of the budget in which not one call a minute fits.
    #[error("share of the budget is less than one call a minute")]
    ShareTooSmall,
    /// Two storages spend from one budget and say different things about it.
    #[error("storages that share a budget want the same sts_calls_per_minute and settle_seconds")]
    BudgetDiffers,
    /// A trust anchor is no certificate.
    #[error("trust anchor is not a certificate")]
    TrustAnchor,
    /// The HTTP client cannot be made.
    #[error("http client cannot be made")]
    Http,
}

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointProblem {
    /// Not `https`, or `http` to a host that is not this machine.
    #[error("scheme must be https, or http to a loopback host")]
    Scheme,
    /// A host that is not pinned.
    #[error("host is not one of the pinned hosts")]
    Host,
    /// User information, a query or a fragment.
    #[error("url must hold no user, query or fragment")]
    Extra,
}
