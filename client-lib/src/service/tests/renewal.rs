//! When a successor is asked for, and what happens when none comes.

use std::time::Duration;

use lakegate_domain::{Credential, Timestamp};
use lakegate_proto::timestamp_to_wire;

use crate::endpoints::Ask;
use crate::error::{ClientError, Refusal};
use crate::testing::{Bench, HOUR, MINUTE, Reply, answer, breathe, denied, ops, part, start, unavailable};

const PATH: &str = "gs://lake/wh/sales/x";

fn sales(secret: &str, expires_at: Timestamp) -> impl Fn(&Ask) -> Reply + Send + Sync + use<> {
    let answer = answer(&[part("gs://lake/wh/sales/", "read+list")], secret, expires_at);
    move |_| Ok(answer.clone())
}

/// A broker whose tokens live an hour and are to be renewed after half of it.
fn first() -> impl Fn(&Ask) -> Reply + Send + Sync {
    let mut answer = answer(&[part("gs://lake/wh/sales/", "read+list")], "t1", start().plus(HOUR));
    answer.refresh_after = Some(timestamp_to_wire(start().plus(30 * MINUTE)));
    move |_| Ok(answer.clone())
}

async fn read(bench: &Bench) -> Result<String, ClientError> {
    let token = bench.client.token_for(PATH, ops("read")).await?;
    let Credential::Bearer(secret) = token.credential() else { panic!("a bearer token") };
    Ok(secret.expose().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_asked_for_in_the_background_when_the_broker_wants_it() {
    let bench = Bench::new(first());
    assert_eq!(read(&bench).await.unwrap(), "t1");
    bench.broker.rewrite(sales("t2", start().plus(2 * HOUR)));
    bench.pass(29 * MINUTE).await;
    assert_eq!(read(&bench).await.unwrap(), "t1");
    breathe().await;
    assert_eq!(bench.broker.calls(), 1, "too early");
    bench.pass(2 * MINUTE).await;
    bench.broker.hold();
    assert_eq!(read(&bench).await.unwrap(), "t1", "nobody waits for a renewal");
    breathe().await;
    assert_eq!(bench.broker.calls(), 2);
    bench.broker.release();
    breathe().await;
    assert_eq!(read(&bench).await.unwrap(), "t2");
    assert_eq!(bench.client.tier_len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unused_token_is_not_renewed() {
    let bench = Bench::new(first());
    read(&bench).await.unwrap();
    bench.pass(5 * HOUR).await;
    assert_eq!(bench.broker.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn renewals_are_half_a_minute_apart_however_often_the_token_is_used() {
    let bench = Bench::new(first());
    read(&bench).await.unwrap();
    bench.pass(40 * MINUTE).await;
    for _ in 0..300 {
        assert_eq!(read(&bench).await.unwrap(), "t1");
        bench.pass(Duration::from_secs(1)).await;
    }
    let renewals = bench.broker.calls() - 1;
    assert!((9..=11).contains(&renewals), "{renewals} in five minutes");
}

#[tokio::test(start_paused = true)]
async fn cl01_with_all_brokers_down_the_token_is_used_until_its_floor_and_then_there_is_one_clear_error() {
    let bench = Bench::new(first());
    read(&bench).await.unwrap();
    bench.broker.rewrite(|_| Err(unavailable()));
    for _ in 0..54 {
        bench.pass(MINUTE).await;
        assert_eq!(read(&bench).await.unwrap(), "t1");
        breathe().await;
    }
    let calls = bench.broker.calls();
    assert!(calls <= 26, "{calls} calls: one per use and minute at most");
    bench.pass(2 * MINUTE).await;
    let error = read(&bench).await.unwrap_err();
    assert!(matches!(error, ClientError::Unavailable { .. }));
    assert_eq!(bench.broker.calls(), calls + 1, "one call, one error");
    bench.broker.rewrite(sales("t2", start().plus(3 * HOUR)));
    assert_eq!(read(&bench).await.unwrap(), "t2");
}

#[tokio::test(start_paused = true)]
async fn cl04_a_credential_that_ends_mid_job_is_told_with_its_reason_when_the_token_ends() {
    let bench = Bench::new(first());
    read(&bench).await.unwrap();
    bench.broker.rewrite(|_| {
        let refusal = Refusal { reason: Some("UNAUTHENTICATED"), audit_id: None };
        Err(ClientError::Unauthenticated(refusal))
    });
    bench.pass(40 * MINUTE).await;
    assert_eq!(read(&bench).await.unwrap(), "t1");
    breathe().await;
    assert_eq!(read(&bench).await.unwrap(), "t1");
    bench.pass(20 * MINUTE).await;
    let error = read(&bench).await.unwrap_err();
    assert_eq!(error.refusal().and_then(|refusal| refusal.reason), Some("UNAUTHENTICATED"));
}

#[tokio::test(start_paused = true)]
async fn cl05_a_denied_renewal_drops_the_token_at_once() {
    let bench = Bench::new(first());
    read(&bench).await.unwrap();
    bench.broker.rewrite(|_| Err(denied()));
    bench.pass(31 * MINUTE).await;
    assert_eq!(read(&bench).await.unwrap(), "t1", "the denial is not known yet");
    breathe().await;
    assert_eq!(bench.client.tier_len(), 0);
    assert!(matches!(read(&bench).await, Err(ClientError::Denied(_))));
}

#[tokio::test(start_paused = true)]
async fn cl07_wall_time_set_back_a_day_does_not_keep_a_token_alive() {
    let bench = Bench::new(first());
    read(&bench).await.unwrap();
    bench.broker.rewrite(|_| Err(unavailable()));
    bench.clock.set(start().minus(24 * HOUR));
    tokio::time::advance(54 * MINUTE).await;
    assert_eq!(read(&bench).await.unwrap(), "t1");
    tokio::time::advance(2 * MINUTE).await;
    assert!(read(&bench).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn cl07_wall_time_set_forward_a_day_ends_a_token() {
    let bench = Bench::new(first());
    read(&bench).await.unwrap();
    bench.broker.rewrite(sales("t2", start().plus(25 * HOUR)));
    bench.clock.set(start().plus(24 * HOUR));
    tokio::time::advance(Duration::from_millis(10)).await;
    assert_eq!(read(&bench).await.unwrap(), "t2");
}

#[tokio::test(start_paused = true)]
async fn cl03_a_token_that_had_ended_when_it_arrived_is_asked_for_once_more_and_then_reported() {
    let bench = Bench::new(sales("dead", start().minus(MINUTE)));
    assert!(matches!(read(&bench).await, Err(ClientError::ExpiredOnArrival)));
    let asked = bench.broker.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].rejected.is_none());
    assert!(asked[1].rejected.is_some(), "the broker is told which token is no good");
    assert_eq!(bench.client.tier_len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_covers_less_replaces_the_wider_token() {
    let bench = Bench::new(|_| Ok(answer(&[part("gs://lake/wh/", "read")], "wide", start().plus(HOUR))));
    read(&bench).await.unwrap();
    bench.broker.rewrite(|ask| {
        let narrow = part("gs://lake/wh/sales/", "read");
        if ask.parts[0].target().key() == "wh/" {
            Err(denied())
        } else {
            Ok(answer(&[narrow], "narrow", start().plus(2 * HOUR)))
        }
    });
    bench.pass(53 * MINUTE).await;
    assert_eq!(read(&bench).await.unwrap(), "wide");
    breathe().await;
    assert_eq!(read(&bench).await.unwrap(), "narrow");
}
