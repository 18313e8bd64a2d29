//! Answers that are whole, and answers that lack something.

use super::*;
use crate::testing::{HOUR, answer, part, start};
use lakegate_proto::v1::get_access_token_response::Credential as Wire;
use tokio::time::Instant;

fn read_as(answer: v1::GetAccessTokenResponse, asked: &str) -> Result<BrokeredToken, AnswerFault> {
    let asked = [part(asked, "read")];
    let received = Moment { wall: start(), monotonic: Instant::now() };
    read(answer, Context { asked: &asked, received, origin: Origin::Request })
}

fn whole() -> v1::GetAccessTokenResponse {
    answer(&[part("gs://lake/wh/sales/", "read+list")], "canary-5c1d", start().plus(HOUR))
}

fn fault(spoil: impl FnOnce(&mut v1::GetAccessTokenResponse)) -> Option<AnswerFault> {
    let mut answer = whole();
    spoil(&mut answer);
    read_as(answer, "gs://lake/wh/sales/x").err()
}

#[test]
fn a_whole_answer_is_a_token() {
    let token = read_as(whole(), "gs://lake/wh/sales/x").unwrap();
    assert_eq!(token.expires_at(), start().plus(HOUR));
    assert_eq!(token.covered(), [part("gs://lake/wh/sales/", "read+list")]);
    assert_eq!(token.storage().as_str(), "lake");
    assert_eq!(token.audit_id(), "audit-1");
    assert_eq!(token.refresh_after(), None);
    assert!(!token.ends_early());
}

#[test]
fn cl11_what_is_not_understood_is_an_error_and_never_a_default() {
    assert_eq!(fault(|a| a.covered[0].operations.push(99)), Some(AnswerFault::Covered));
    assert_eq!(fault(|a| a.covered[0].operations = vec![0]), Some(AnswerFault::Covered));
    assert_eq!(fault(|a| a.covered[0].path = "hdfs://lake/wh/".to_owned()), Some(AnswerFault::Covered));
    assert_eq!(fault(|a| a.closure.push(99)), Some(AnswerFault::Closure));
    assert_eq!(fault(|a| a.credential = None), Some(AnswerFault::Credential));
}

#[test]
fn cl11_what_is_missing_is_an_error() {
    assert_eq!(fault(|a| a.covered.clear()), Some(AnswerFault::Covered));
    assert_eq!(fault(|a| a.closure.clear()), Some(AnswerFault::Closure));
    assert_eq!(fault(|a| a.expires_at = None), Some(AnswerFault::Instant));
    assert_eq!(fault(|a| a.audit_id.clear()), Some(AnswerFault::Name));
    assert_eq!(fault(|a| a.storage.clear()), Some(AnswerFault::Name));
    let empty = v1::BearerCredential { token: String::new() };
    assert_eq!(fault(|a| a.credential = Some(Wire::Bearer(empty))), Some(AnswerFault::Credential));
    assert_eq!(fault(|a| a.refresh_after = None), None, "the client knows its own time of renewal");
}

#[test]
fn cl09_a_token_for_something_else_than_was_asked_is_not_used() {
    assert_eq!(read_as(whole(), "gs://lake/wh/sales_private/x").err(), Some(AnswerFault::CoversTooLittle));
    assert_eq!(fault(|a| a.covered[0].operations = vec![2]), Some(AnswerFault::CoversTooLittle));
}

#[test]
fn a_closure_smaller_than_what_is_covered_is_an_error() {
    assert_eq!(fault(|a| a.closure = vec![1]), Some(AnswerFault::Closure));
}

#[test]
fn a_credential_that_would_be_a_second_header_is_an_error() {
    for text in ["a\r\nx-evil: 1", "a b", "ä"] {
        let bearer = v1::BearerCredential { token: text.to_owned() };
        assert_eq!(fault(|a| a.credential = Some(Wire::Bearer(bearer))), Some(AnswerFault::CredentialText));
    }
}

#[test]
fn lg01_a_token_prints_without_itself() {
    let token = read_as(whole(), "gs://lake/wh/sales/x").unwrap();
    assert!(!format!("{token:?} {token:#?}").contains("canary"));
}

#[test]
fn all_kinds_of_credentials_are_read_and_told_apart_by_their_digest() {
    let aws = v1::AwsCredential {
        access_key_id: "ASIA1".to_owned(),
        secret_access_key: "k".to_owned(),
        session_token: "s".to_owned(),
    };
    let mut answer = whole();
    answer.credential = Some(Wire::Aws(aws));
    let aws = read_as(answer, "gs://lake/wh/sales/x").unwrap();
    let mut answer = whole();
    answer.credential = Some(Wire::Sas(v1::SasCredential { query: "sv=1&sig=2".to_owned() }));
    let sas = read_as(answer, "gs://lake/wh/sales/x").unwrap();
    assert!(matches!(aws.credential(), Credential::Aws { .. }));
    assert!(matches!(sas.credential(), Credential::Sas(_)));
    assert_ne!(aws.digest(), sas.digest());
    assert_eq!(aws.digest().0.len(), 32);
}
