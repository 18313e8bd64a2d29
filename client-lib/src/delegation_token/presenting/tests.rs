//! What a client with a delegation token does when the token ends.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::delegation_token::testing::{DAY, JobFolder};
use crate::error::{Refusal, TokenEnd};
use crate::testing::{FakeBroker, HOUR, answer, part, start, unavailable};

fn refused() -> ClientError {
    ClientError::Unauthenticated(Refusal {
        reason: Some("UNAUTHENTICATED"),
        audit_id: Some("a-7".to_owned()),
    })
}

fn one() -> Ask {
    Ask { parts: vec![part("gs://lake/wh/x", "read")], rejected: None }
}

fn presenting(job: &JobFolder, broker: &Arc<FakeBroker>) -> Presenting {
    job.write(job.token(2));
    Presenting::new(Arc::clone(broker) as _, Arc::new(job.open().unwrap()))
}

#[tokio::test(start_paused = true)]
async fn cl04_a_refused_token_is_an_error_of_its_own_and_the_broker_is_asked_once() {
    let (job, broker) = (JobFolder::new(), FakeBroker::new(|_| Err(refused())));
    let brokers = presenting(&job, &broker);
    let error = brokers.ask(&one()).await.unwrap_err();
    assert!(matches!(error, ClientError::DelegationToken { end: TokenEnd::Refused, .. }), "{error:?}");
    assert_eq!(error.refusal().unwrap().audit_id.as_deref(), Some("a-7"));
    assert_eq!(broker.calls(), 1);
    let (job, down) = (JobFolder::new(), FakeBroker::new(|_| Err(unavailable())));
    let error = presenting(&job, &down).ask(&one()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unavailable { .. }), "an outage is none of the token's: {error:?}");
}

#[tokio::test(start_paused = true)]
async fn cl04_an_ended_token_asks_nobody() {
    let (job, broker) = (JobFolder::new(), FakeBroker::new(|_| Err(refused())));
    let brokers = presenting(&job, &broker);
    job.clock.advance(DAY * 2);
    let error = brokers.ask(&one()).await.unwrap_err();
    assert!(matches!(error, ClientError::DelegationToken { end: TokenEnd::Expired(_), refusal: None }));
    assert_eq!(broker.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_whose_file_holds_another_is_no_error() {
    let (job, asked) = (JobFolder::new(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    let broker = FakeBroker::new(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Err(refused()),
        _ => Ok(answer(&[part("gs://lake/wh/", "read")], "canary", start().plus(HOUR))),
    });
    let brokers = presenting(&job, &broker);
    brokers.held.ready().await.unwrap();
    job.replace(job.token(3));
    brokers.ask(&one()).await.unwrap();
    assert_eq!(broker.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn cl04_two_tokens_that_are_refused_end_it() {
    let (job, broker) = (JobFolder::new(), FakeBroker::new(|_| Err(refused())));
    let brokers = presenting(&job, &broker);
    brokers.held.ready().await.unwrap();
    job.replace(job.token(3));
    let error = brokers.ask(&one()).await.unwrap_err();
    assert!(matches!(error, ClientError::DelegationToken { end: TokenEnd::Refused, .. }), "{error:?}");
    assert_eq!(broker.calls(), 2);
}
