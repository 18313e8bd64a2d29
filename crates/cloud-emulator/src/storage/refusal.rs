//! Why a storage call is not served. Each dialect spells it in its own body.

use http::StatusCode;

use crate::boundary::roles::Permission;

/// What is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Bucket,
    Object,
    Upload,
    Page,
}

/// The reason a storage call is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No bearer token.
    LoginRequired,
    /// A bearer token that is not live.
    InvalidCredentials,
    /// A permission that source or boundary does not give.
    Forbidden(Permission),
    /// A call that no role here allows to anybody.
    Unsupported,
    /// Something is not there, and the caller may know.
    NotFound(Missing),
    /// A precondition of a write does not hold.
    Precondition,
    /// A precondition of a read says that the caller has it already.
    NotModified,
    /// A range outside an object of that size.
    Range(usize),
    /// A malformed request; the text is fixed.
    Invalid(&'static str),
    /// The content is not what its declared hash says.
    BadDigest,
    /// The body is larger than the emulator takes.
    TooLarge,
    /// The session was cancelled by its owner.
    Cancelled,
    /// A planned fault.
    Planned(StatusCode),
}

impl Refusal {
    /// The HTTP status, the same in both dialects.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::LoginRequired | Self::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::Unsupported => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::NotModified => StatusCode::NOT_MODIFIED,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Invalid(_) | Self::BadDigest => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Planned(status) => status,
        }
    }

    /// A sentence for people.
    pub(crate) fn message(self) -> String {
        match self {
            Self::LoginRequired => "Login Required.".to_owned(),
            Self::InvalidCredentials => "Invalid Credentials".to_owned(),
            Self::Forbidden(permission) => {
                let name = permission.name();
                format!(
                    "The caller does not have {name} access to the Google Cloud Storage resource. \
                     Permission '{name}' denied on resource (or it may not exist)."
                )
            }
            Self::Unsupported => "The caller does not have permission for this method.".to_owned(),
            Self::NotFound(Missing::Bucket) => "The specified bucket does not exist.".to_owned(),
            Self::NotFound(Missing::Object) => "The specified key does not exist.".to_owned(),
            Self::NotFound(Missing::Upload) => "The requested upload was not found.".to_owned(),
            Self::NotFound(Missing::Page) => "Not Found".to_owned(),
            Self::Precondition => "At least one of the pre-conditions you specified did not hold.".to_owned(),
            Self::NotModified => String::new(),
            Self::Range(_) => "The requested range cannot be satisfied.".to_owned(),
            Self::Invalid(text) => text.to_owned(),
            Self::BadDigest => "Provided hash does not match the calculated hash.".to_owned(),
            Self::TooLarge => "The request body is too large.".to_owned(),
            Self::Cancelled => "Client closed request.".to_owned(),
            Self::Planned(StatusCode::TOO_MANY_REQUESTS) => {
                "The object exceeded the rate limit for object mutation operations.".to_owned()
            }
            Self::Planned(_) => "We encountered an internal error. Please try again.".to_owned(),
        }
    }
}
