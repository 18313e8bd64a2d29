//! From failures to gRPC: the only file that names `tonic::Code`. The table is `docs/errors.md`.

use std::collections::HashMap;
use std::time::Duration;

use lakegate_policy::Refusal;
use lakegate_proto::{InvalidRequest, reason, v1};
use lakegate_sts::{MintError, Party};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::Failure;
use crate::audit::AuditId;
use crate::authenticate::AuthenticationError;
use crate::identity::IdentityError;

/// When nobody knows better, ask again after so long.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// When this broker goes and another is there, ask again after so long.
const RETRY_ELSEWHERE: Duration = Duration::from_millis(100);

/// What a caller is told: code, reason, text, and when to ask again.
struct Public {
    code: Code,
    reason: &'static str,
    text: String,
    retry_after: Option<Duration>,
}

impl Public {
    fn new(code: Code, reason: &'static str, text: impl Into<String>) -> Self {
        Self { code, reason, text: text.into(), retry_after: None }
    }

    fn retry(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

/// The status of a failed request, with the id that finds it in the audit log.
pub(crate) fn to_status(failure: &Failure, audit_id: &AuditId) -> Status {
    with_details(public(failure), Some(audit_id))
}

/// The status of a failure of which there is no record.
pub(crate) fn to_bare_status(failure: &Failure) -> Status {
    with_details(public(failure), None)
}

/// The status of a health check of a service that is not one of ours.
pub(crate) fn unknown_service() -> Status {
    Status::new(Code::NotFound, "no such service")
}

/// The status of a failure that happened before or outside of a method, by its gRPC code's number.
pub(crate) fn fixed_status(code: i32, audit_id: &AuditId) -> Status {
    with_details(fixed(code), Some(audit_id))
}

/// The same, of which there is no record.
pub(crate) fn bare_fixed_status(code: i32) -> Status {
    with_details(fixed(code), None)
}

fn fixed(code: i32) -> Public {
    match Code::from(code) {
        Code::OutOfRange | Code::ResourceExhausted => {
            Public::new(Code::ResourceExhausted, reason::MESSAGE_TOO_LARGE, "message is too large")
        }
        Code::Unimplemented => not_served(),
        Code::Internal | Code::Unknown => Public::new(Code::Internal, reason::INTERNAL, "internal error"),
        _ => Public::new(Code::InvalidArgument, reason::MALFORMED_REQUEST, "message is malformed"),
    }
}

/// The numbers of the codes that health gives on purpose: no such service, too many streams.
pub(crate) const HEALTHS_OWN: [i32; 2] = [Code::NotFound as i32, Code::ResourceExhausted as i32];

/// The number of the code that tonic has for a request whose frames do not fit together.
pub(crate) const INTERNAL: i32 = Code::Internal as i32;

/// The number of the code that a method gets which is not served.
pub(crate) const UNIMPLEMENTED: i32 = Code::Unimplemented as i32;

/// The number of the code that a request gets which is no message of the schema.
pub(crate) const MALFORMED: i32 = Code::InvalidArgument as i32;

/// The error of one item of a batch.
pub(crate) fn to_batch_error(failure: &Failure) -> v1::BatchError {
    let public = public(failure);
    let retry = public.retry_after.map_or(0, |after| u32::try_from(after.as_millis()).unwrap_or(u32::MAX));
    v1::BatchError {
        code: public.code as i32,
        reason: public.reason.to_owned(),
        message: public.text,
        retry_after_millis: retry,
    }
}

fn with_details(public: Public, audit_id: Option<&AuditId>) -> Status {
    let metadata: HashMap<String, String> =
        audit_id.map(|id| ("audit_id".to_owned(), id.as_str().to_owned())).into_iter().collect();
    let mut details = ErrorDetails::with_error_info(public.reason, reason::DOMAIN, metadata);
    if let Some(after) = public.retry_after {
        details.set_retry_info(Some(after));
    }
    Status::with_error_details(public.code, public.text, details)
}

fn not_served() -> Public {
    Public::new(Code::Unimplemented, reason::UNIMPLEMENTED, "method is not served")
}

fn denied() -> Public {
    Public::new(Code::PermissionDenied, reason::PERMISSION_DENIED, "permission denied")
}

fn public(failure: &Failure) -> Public {
    match failure {
        Failure::Unauthenticated(error) => unauthenticated(error),
        Failure::DelegationState(_) => delegation_state(),
        Failure::Invalid(invalid) => invalid_request(*invalid),
        Failure::Field(text) => Public::new(Code::InvalidArgument, reason::INVALID_FIELD, *text),
        Failure::BatchSize => Public::new(Code::InvalidArgument, reason::INVALID_PARTS, failure.to_string()),
        Failure::TooLarge => {
            Public::new(Code::ResourceExhausted, reason::MESSAGE_TOO_LARGE, "message is too large")
        }
        Failure::Metadata | Failure::Compressed | Failure::RateLimited { .. } => before_the_method(failure),
        Failure::Late | Failure::Draining => given_up(failure),
        Failure::Refused(refusal) => refused(refusal),
        Failure::Elsewhere
        | Failure::OwnBucket
        | Failure::OnBehalfOf
        | Failure::Blocked
        | Failure::OnlyForOthers
        | Failure::NotAdministrator
        | Failure::NotPrimary
        | Failure::TokenNotGenuine(_)
        | Failure::NotRenewer
        | Failure::NotCanceller => denied(),
        Failure::TokenOver(_) => Public::new(
            Code::FailedPrecondition,
            reason::DELEGATION_TOKEN_ENDED,
            "the delegation token is over and cannot be renewed; its owner has to get a new one",
        ),
        Failure::TokenQuota(_) => Public::new(
            Code::ResourceExhausted,
            reason::DELEGATION_TOKEN_QUOTA,
            "too many delegation tokens; cancel those that are not needed",
        ),
        Failure::NotServed => not_served(),
        Failure::PolicyUnavailable
        | Failure::StorageNotServed
        | Failure::HostUnknown(_)
        | Failure::Audit
        | Failure::GroupsUnavailable
        | Failure::ActingUnavailable => of_this_broker(failure),
        Failure::GrantEndsTooSoon => Public::new(
            Code::FailedPrecondition,
            reason::GRANT_ENDS_TOO_SOON,
            "the grant ends before a storage token could; ask its owner to extend it",
        ),
        Failure::Fragmented { retry_after } => Public::new(
            Code::ResourceExhausted,
            reason::SCOPE_FRAGMENTED,
            "too many narrowed scopes; ask for wider prefixes or have policy changed",
        )
        .retry(*retry_after),
        Failure::Mint(error) => mint(error),
        Failure::Issue(_) | Failure::Internal(_) => {
            Public::new(Code::Internal, reason::INTERNAL, "internal error")
        }
    }
}

/// What this broker is without, and another may have.
fn of_this_broker(failure: &Failure) -> Public {
    let (reason, text) = match failure {
        Failure::PolicyUnavailable => {
            (reason::POLICY_UNAVAILABLE, "policy is not available; try another broker")
        }
        Failure::StorageNotServed => {
            (reason::TOKEN_SERVICE_UNAVAILABLE, "storage is not served here; try another broker")
        }
        Failure::Audit => (reason::AUDIT_UNAVAILABLE, "broker cannot audit; try another broker"),
        _ => (
            reason::IDENTITY_UNAVAILABLE,
            "who is asking cannot be found out at present; try again or another broker",
        ),
    };
    Public::new(Code::Unavailable, reason, text).retry(RETRY_SOON)
}

/// Other brokers may know, or be able to write.
fn delegation_state() -> Public {
    Public::new(
        Code::Unavailable,
        reason::DELEGATION_STATE_UNAVAILABLE,
        "delegation tokens cannot be read or written at present; try again or another broker",
    )
    .retry(RETRY_SOON)
}

fn unauthenticated(error: &AuthenticationError) -> Public {
    match error {
        AuthenticationError::DelegationState(_) => delegation_state(),
        // It is known what it is, a service at its host, and that it may do nothing without a login.
        AuthenticationError::Certificate(IdentityError::NoLogin) => denied(),
        _ => Public::new(
            Code::Unauthenticated,
            reason::UNAUTHENTICATED,
            "present one credential: a client certificate that names a principal, or a delegation token",
        ),
    }
}

/// What speaks against a request before its method runs.
fn before_the_method(failure: &Failure) -> Public {
    match failure {
        Failure::Compressed => Public::new(
            Code::Unimplemented,
            reason::UNIMPLEMENTED,
            "compressed messages are not read; send them plain",
        ),
        Failure::RateLimited { retry_after } => {
            Public::new(Code::ResourceExhausted, reason::RATE_LIMITED, "too many requests; ask more rarely")
                .retry(*retry_after)
        }
        _ => Public::new(Code::InvalidArgument, reason::MALFORMED_REQUEST, "metadata is malformed"),
    }
}

/// Why a method was not waited for.
fn given_up(failure: &Failure) -> Public {
    match failure {
        Failure::Draining => {
            Public::new(Code::Unavailable, reason::DRAINING, "broker is going away; ask another")
                .retry(RETRY_ELSEWHERE)
        }
        _ => Public::new(Code::DeadlineExceeded, reason::INTERNAL, "request took too long").retry(RETRY_SOON),
    }
}

fn invalid_request(invalid: InvalidRequest) -> Public {
    let reason = match invalid {
        InvalidRequest::Path(_) => reason::INVALID_PATH,
        InvalidRequest::Operations(_) => reason::INVALID_OPERATIONS,
        InvalidRequest::Timestamp => reason::INVALID_FIELD,
    };
    Public::new(Code::InvalidArgument, reason, invalid.to_string())
}

fn refused(refusal: &Refusal) -> Public {
    match refusal {
        Refusal::Denied { .. } | Refusal::UnknownBucket => denied(),
        Refusal::NotSeparable { .. } => Public::new(
            Code::FailedPrecondition,
            reason::OPERATIONS_NOT_SEPARABLE,
            "the storage cannot separate these operations from ones that policy forbids",
        ),
        Refusal::SeveralStorages | Refusal::PartCount => {
            Public::new(Code::InvalidArgument, reason::INVALID_PARTS, refusal.to_string())
        }
    }
}

fn mint(error: &MintError) -> Public {
    match error {
        MintError::NotExpressible(_) => Public::new(
            Code::FailedPrecondition,
            reason::SCOPE_NOT_EXPRESSIBLE,
            "the storage cannot express this scope; ask for a shorter path",
        ),
        MintError::CannotEndEarly | MintError::TooShort => public(&Failure::GrantEndsTooSoon),
        _ if error.party() == Party::Scope => {
            let refused = Public::new(
                Code::FailedPrecondition,
                reason::SCOPE_REFUSED_BY_STORAGE,
                "the storage's token service refuses this scope; tell the operator the audit id",
            );
            match error.retry_after() {
                Some(after) => refused.retry(after),
                None => refused,
            }
        }
        _ => Public::new(
            Code::Unavailable,
            reason::TOKEN_SERVICE_UNAVAILABLE,
            "no token can be made at present; try again or another broker",
        )
        .retry(error.retry_after().unwrap_or(RETRY_SOON)),
    }
}
