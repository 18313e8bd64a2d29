//! How often, how long and in what form one may ask.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_proto::v1;
use lakegate_testkit::{Caller, Deployment, GET_ACCESS_TOKEN, Refused, framed, part, request};
use prost::Message;

use crate::raw::{DATA, END_HEADERS, END_STREAM, HEADERS, Raw, block};
use crate::world::{READ, SALES, serves, start, start_with};

const MALFORMED: &str = "InvalidArgument MALFORMED_REQUEST deny request_form";
const OFTEN: &str = "ResourceExhausted RATE_LIMITED deny rate_limited";

/// A message that asks for the sales.
fn sales() -> Vec<u8> {
    let parts = vec![part(SALES, READ)];
    framed(&v1::GetAccessTokenRequest { parts, ..Default::default() }.encode_to_vec())
}

/// The audit reason of a request by hand whose message does not come: clients of others keep a deadline themselves.
async fn reason_with_timeout(lake: &Deployment, timeout: &str) -> Result<String> {
    let mut raw = Raw::connect(lake).await?;
    raw.writer.frame(HEADERS, END_HEADERS, 1, &block(&[("grpc-timeout", timeout)])).await?;
    assert!(raw.reader.next(HEADERS).await.is_some(), "no answer");
    let records = lake.audit().records()?;
    Ok(records.last().unwrap()["reason"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn gh12_no_client_waits_longer_than_the_broker() -> Result<()> {
    let lake = start_with(Limits { request_seconds: 1, ..Limits::default() }).await?;
    for timeout in ["87600H", "99999999H", "-1S", "soon", ""] {
        let before = tokio::time::Instant::now();
        assert_eq!(reason_with_timeout(&lake, timeout).await?, "deadline", "{timeout}");
        assert!(before.elapsed() >= Duration::from_millis(990), "{timeout}");
    }
    serves(&lake).await
}

#[tokio::test]
async fn gh12_a_client_waits_as_long_as_it_says() -> Result<()> {
    // The broker itself would wait longer than the test does.
    let lake = start_with(Limits { request_seconds: 3_600, ..Limits::default() }).await?;
    for short in ["0S", "0m", "00000000H", "1n", "200m"] {
        assert_eq!(reason_with_timeout(&lake, short).await?, "deadline", "{short}");
    }
    serves(&lake).await
}

#[tokio::test]
async fn gh12_a_request_whose_time_is_over_is_not_begun() -> Result<()> {
    let lake = start().await?;
    let mut raw = Raw::connect(&lake).await?;
    raw.writer.frame(HEADERS, END_HEADERS, 1, &block(&[("grpc-timeout", "0S")])).await?;
    raw.writer.frame(DATA, END_STREAM, 1, &sales()).await?;
    assert!(raw.reader.next(HEADERS).await.is_some(), "no answer");
    assert_eq!(lake.audit().records()?[0]["reason"], "deadline");
    assert_eq!(lake.emulator().calls().sts, 0);
    Ok(())
}

#[tokio::test]
async fn gh11_metadata_that_is_none_is_refused_and_repeated_nowhere() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    for (name, values) in [
        ("x-canary-bin", &[&b"!!canary!!"[..]][..]),
        ("x-canary", &[b"canary\xff\xfe"]),
        ("x-canary", &[b"canary\xc3\xa9"]),
        ("x-canary", &[b"canary\tcanary"]),
        ("grpc-timeout", &[b"1S", b"8S"]),
        ("content-type", &[b"application/grpc", b"application/canary"]),
        ("grpc-encoding", &[b"identity", b"canary"]),
    ] {
        let mut request = request(GET_ACCESS_TOKEN, sales())?;
        request.headers_mut().remove(name);
        for value in values {
            request.headers_mut().append(name, http::HeaderValue::from_bytes(value)?);
        }
        let refused = alice.send(request).await?.refused()?;
        assert_eq!(lake.told(&refused)?, MALFORMED, "{name} {values:?}");
        assert_eq!(refused.text, "metadata is malformed");
    }
    assert!(!std::fs::read_to_string(lake.audit().path())?.contains("canary"));
    assert_eq!(lake.emulator().calls().sts, 0);
    serves(&lake).await
}

fn a_second(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

/// Asks until it is too often; the refusal, and how many were answered before.
async fn ask_until_refused(callers: &[Caller]) -> (usize, Refused) {
    for (index, caller) in callers.iter().cycle().take(2_000).enumerate() {
        if let Err(refused) = caller.ask(SALES, READ).await {
            return (index, refused);
        }
    }
    panic!("2000 requests were answered");
}

#[tokio::test]
async fn gh14_one_address_has_one_bucket_however_many_certificates_are_behind_it() -> Result<()> {
    let limits = Limits { requests_per_second_per_address: a_second(20), ..Limits::default() };
    let lake = start_with(limits).await?;
    let callers: Vec<_> = (0..5).map(|_| lake.caller("alice")).collect::<Result<_>>()?;
    let (answered, refused) = ask_until_refused(&callers).await;
    assert!(answered >= 20, "{answered} were answered");
    assert_eq!(refused.to_string(), "ResourceExhausted RATE_LIMITED");
    assert!(refused.retry_after.is_some_and(|after| after <= Duration::from_secs(1)), "{refused:?}");
    assert!(refused.audit_id.is_empty(), "nobody is known yet, so it is counted");
    assert_eq!(lake.audit().records()?.len(), answered);
    let text = prometheus::TextEncoder::new().encode_to_string(&lake.registry().gather())?;
    assert!(text.contains("requests_total{outcome=\"rate_limited\",rpc=\"GetAccessToken\"} 1"), "{text}");
    lake.caller_from("alice", Ipv4Addr::new(127, 0, 0, 2))?.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn gh14_one_identity_has_one_bucket_however_many_addresses_it_comes_from() -> Result<()> {
    let limits = Limits { requests_per_second_per_identity: a_second(20), ..Limits::default() };
    let lake = start_with(limits).await?;
    let from = |last| lake.caller_from("alice", Ipv4Addr::new(127, 0, 0, last));
    let callers = [from(2)?, from(3)?, from(4)?];
    let (answered, refused) = ask_until_refused(&callers).await;
    assert!(answered >= 20, "{answered} were answered");
    assert!(refused.retry_after.is_some());
    assert_eq!(lake.told(&refused)?, OFTEN);
    // Somebody else is not concerned: policy, and not the bucket, refuses.
    let other = lake.caller("bob")?.ask(SALES, READ).await.unwrap_err();
    assert_eq!(other.to_string(), "PermissionDenied PERMISSION_DENIED");
    Ok(())
}

#[tokio::test]
async fn gh14_the_buckets_are_looked_at_before_the_message() -> Result<()> {
    let limits = Limits { requests_per_second_per_identity: a_second(1), ..Limits::default() };
    let lake = start_with(limits).await?;
    let alice = lake.caller("alice")?;
    for _ in 0..100 {
        let refused = alice.post(GET_ACCESS_TOKEN, &[0x7b; 1_000]).await?.refused()?;
        match lake.told(&refused)?.as_str() {
            MALFORMED => {}
            OFTEN => return Ok(()),
            other => panic!("{other}"),
        }
    }
    panic!("a hundred messages were decoded");
}

#[tokio::test]
async fn gh14_a_batch_counts_as_what_it_holds() -> Result<()> {
    let limits = Limits { requests_per_second_per_identity: a_second(60), ..Limits::default() };
    let lake = start_with(limits).await?;
    let alice = lake.caller("alice")?;
    let batch = |count| {
        let one = v1::GetAccessTokenRequest { parts: vec![part(SALES, READ)], ..Default::default() };
        alice.batch(vec![one; count])
    };
    assert_eq!(batch(50).await?.results.len(), 50);
    let refused = batch(50).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, OFTEN);
    Ok(())
}

#[tokio::test]
async fn gh14_the_defaults_do_not_hurt_a_thousand_jobs_behind_one_address() -> Result<()> {
    let lake: Deployment = start().await?;
    let alice = lake.caller("alice")?;
    alice.ask(SALES, READ).await?;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let alice = alice.clone();
        asking.spawn(async move { alice.ask(SALES, READ).await.is_ok() });
    }
    assert!(asking.join_all().await.into_iter().all(|answered| answered));
    Ok(())
}
