//! Every kind of refusal, as a broker writes it.

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use tonic_types::ErrorDetails;

fn refused(code: Code, reason: &str) -> ClientError {
    let mut details = ErrorDetails::new();
    let metadata = HashMap::from([("audit_id".to_owned(), "a-7".to_owned())]);
    details.set_error_info(reason, reason::DOMAIN, metadata);
    to_error(&Status::with_error_details(code, "canary-4b2e", details))
}

#[test]
fn each_refusal_has_its_error_and_keeps_reason_and_audit_id() {
    let denied = refused(Code::PermissionDenied, reason::PERMISSION_DENIED);
    let refusal = denied.refusal().unwrap();
    assert!(matches!(denied, ClientError::Denied(_)));
    assert_eq!(refusal.reason, Some("PERMISSION_DENIED"));
    assert_eq!(refusal.audit_id.as_deref(), Some("a-7"));
    assert!(matches!(
        refused(Code::Unauthenticated, reason::UNAUTHENTICATED),
        ClientError::Unauthenticated(_)
    ));
    assert!(matches!(refused(Code::InvalidArgument, reason::INVALID_PATH), ClientError::InvalidRequest(_)));
    let failed = |reason| refused(Code::FailedPrecondition, reason);
    assert!(matches!(failed(reason::OPERATIONS_NOT_SEPARABLE), ClientError::NotSeparable(_)));
    assert!(matches!(failed(reason::GRANT_ENDS_TOO_SOON), ClientError::GrantEndsTooSoon(_)));
    assert!(matches!(failed(reason::SCOPE_NOT_EXPRESSIBLE), ClientError::NotExpressible(_)));
    assert!(matches!(failed(reason::SCOPE_REFUSED_BY_STORAGE), ClientError::NotExpressible(_)));
    let exhausted = |reason| refused(Code::ResourceExhausted, reason);
    assert!(matches!(exhausted(reason::RATE_LIMITED), ClientError::RateLimited { .. }));
    assert!(matches!(exhausted(reason::SCOPE_FRAGMENTED), ClientError::Exhausted { .. }));
    assert!(matches!(exhausted(reason::MESSAGE_TOO_LARGE), ClientError::InvalidRequest(_)));
    assert!(matches!(refused(Code::Unavailable, reason::DRAINING), ClientError::Unavailable { .. }));
    assert!(matches!(refused(Code::Internal, reason::INTERNAL), ClientError::BrokerFault(_)));
}

#[test]
fn cl11_an_unknown_code_or_reason_is_an_error_of_the_nearest_kind() {
    assert!(matches!(
        refused(Code::Aborted, "NEW_REASON"),
        ClientError::BrokerFault(Refusal { reason: None, .. })
    ));
    assert!(matches!(refused(Code::PermissionDenied, "NEW_REASON"), ClientError::Denied(_)));
}

#[test]
fn a_reason_of_another_domain_is_not_ours() {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason::RATE_LIMITED, "example.com", HashMap::new());
    let error = to_error(&Status::with_error_details(Code::ResourceExhausted, "", details));
    assert!(matches!(error, ClientError::Exhausted { .. }));
    assert_eq!(error.refusal(), Some(&Refusal::default()));
}

#[test]
fn the_brokers_pause_is_kept() {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_secs(3)));
    let error = to_error(&Status::with_error_details(Code::Unavailable, "", details));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
}

#[test]
fn an_answer_that_cannot_be_decoded_is_a_bad_answer_and_not_a_bad_request() {
    let error = to_error(&Status::invalid_argument("message is malformed"));
    assert!(matches!(error, ClientError::BadAnswer(AnswerFault::Malformed)));
}

#[test]
fn lg01_a_status_text_is_not_repeated_and_an_audit_id_is_shown_only_when_it_is_harmless() {
    let error = refused(Code::PermissionDenied, reason::PERMISSION_DENIED);
    assert!(!format!("{error} {error:?}").contains("canary"));
    let mut details = ErrorDetails::new();
    let metadata = HashMap::from([("audit_id".to_owned(), "x\nforged log line".to_owned())]);
    details.set_error_info(reason::PERMISSION_DENIED, reason::DOMAIN, metadata);
    let error = to_error(&Status::with_error_details(Code::PermissionDenied, "", details));
    assert_eq!(error.refusal().and_then(|refusal| refusal.audit_id.as_ref()), None);
}
