//! From a gRPC status to [`ClientError`]: the only file that names `tonic::Code`.
//!
//! The code decides the kind of error; `google.rpc.ErrorInfo` of our domain refines it, `google.rpc.RetryInfo`
//! says when to come back. The status's own message is not repeated: a proxy may have written it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use lakegate_proto::reason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::answer::audit_id;
use crate::error::{AnswerFault, ClientError, Refusal};

/// The metadata key of `ErrorInfo` under which the broker names its decision.
const AUDIT_ID_KEY: &str = "audit_id";

/// The reasons this client knows.
const REASONS: [&str; 23] = [
    reason::UNAUTHENTICATED,
    reason::PERMISSION_DENIED,
    reason::MALFORMED_REQUEST,
    reason::INVALID_PATH,
    reason::INVALID_OPERATIONS,
    reason::INVALID_PARTS,
    reason::INVALID_FIELD,
    reason::OPERATIONS_NOT_SEPARABLE,
    reason::GRANT_ENDS_TOO_SOON,
    reason::SCOPE_NOT_EXPRESSIBLE,
    reason::SCOPE_REFUSED_BY_STORAGE,
    reason::SCOPE_FRAGMENTED,
    reason::RATE_LIMITED,
    reason::MESSAGE_TOO_LARGE,
    reason::TOKEN_SERVICE_UNAVAILABLE,
    reason::POLICY_UNAVAILABLE,
    reason::IDENTITY_UNAVAILABLE,
    reason::AUDIT_UNAVAILABLE,
    reason::DELEGATION_TOKEN_ENDED,
    reason::DELEGATION_TOKEN_QUOTA,
    reason::DELEGATION_STATE_UNAVAILABLE,
    reason::DRAINING,
    reason::INTERNAL,
];

/// What a failed call means.
pub(crate) fn to_error(status: &Status) -> ClientError {
    if let Some(error) = transport_error(status) {
        return error;
    }
    let info = status.get_details_error_info().filter(|info| info.domain == reason::DOMAIN);
    let refusal = info.as_ref().map_or_else(Refusal::default, |info| Refusal {
        reason: REASONS.into_iter().find(|known| *known == info.reason),
        audit_id: info.metadata.get(AUDIT_ID_KEY).and_then(|text| audit_id(text)),
    });
    let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    match status.code() {
        Code::InvalidArgument if info.is_none() => ClientError::BadAnswer(AnswerFault::Malformed),
        Code::Unauthenticated => ClientError::Unauthenticated(refusal),
        Code::PermissionDenied => ClientError::Denied(refusal),
        Code::Unavailable => ClientError::Unavailable { refusal, retry_after },
        Code::DeadlineExceeded | Code::Cancelled => ClientError::Timeout,
        Code::Unimplemented => ClientError::BadAnswer(AnswerFault::NotServed),
        code => by_reason(code, refusal, retry_after),
    }
}

/// The refusals that several codes share and only the reason tells apart.
fn by_reason(code: Code, refusal: Refusal, retry_after: Option<Duration>) -> ClientError {
    match (refusal.reason, code) {
        (Some(reason::OPERATIONS_NOT_SEPARABLE), _) => ClientError::NotSeparable(refusal),
        (Some(reason::GRANT_ENDS_TOO_SOON), _) => ClientError::GrantEndsTooSoon(refusal),
        (Some(reason::SCOPE_NOT_EXPRESSIBLE | reason::SCOPE_REFUSED_BY_STORAGE), _) => {
            ClientError::NotExpressible(refusal)
        }
        (Some(reason::RATE_LIMITED), _) => ClientError::RateLimited { refusal, retry_after },
        (Some(reason::MESSAGE_TOO_LARGE), _)
        | (_, Code::InvalidArgument | Code::OutOfRange | Code::NotFound | Code::FailedPrecondition) => {
            ClientError::InvalidRequest(refusal)
        }
        (_, Code::ResourceExhausted) => ClientError::Exhausted { refusal, retry_after },
        _ => ClientError::BrokerFault(refusal),
    }
}

/// A status that our own side made because no answer came, or not all of it: it carries the transport's error as its
/// source. What a broker sends has none.
fn transport_error(status: &Status) -> Option<ClientError> {
    let source = status.source()?;
    if chain(source).any(is_tls_error) {
        return Some(ClientError::Handshake(Arc::new(status.clone())));
    }
    if chain(source).any(<dyn StdError>::is::<tonic::TimeoutExpired>) {
        return Some(ClientError::Timeout);
    }
    Some(ClientError::Connect(Arc::new(status.clone())))
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}

/// TLS errors arrive inside `io::Error`, which does not show them in its chain.
fn is_tls_error(error: &(dyn StdError + 'static)) -> bool {
    error.is::<rustls::Error>()
        || error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
}

#[cfg(test)]
mod tests;
