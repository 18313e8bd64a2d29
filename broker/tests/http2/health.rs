//! Health on the public port: the one service without a caller, and how little it tells.

use std::time::Duration;

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_testkit::{Deployment, tls_client};
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::world::{POLICY, READ, SALES, serves, start_changed, start_with};

const OURS: [&str; 4] =
    ["", "lakegate.v1.AccessTokenService", "lakegate.v1.DelegationTokenService", "lakegate.v1.PolicyService"];

/// A message within five seconds.
async fn next(stream: &mut Streaming<HealthCheckResponse>) -> Result<Option<ServingStatus>> {
    let message = tokio::time::timeout(Duration::from_secs(5), stream.message()).await??;
    Ok(message.map(|message| message.status()))
}

fn asked(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn check(lake: &Deployment, service: &str) -> Result<ServingStatus, tonic::Status> {
    let channel = lake.channel("alice").unwrap();
    let answer = HealthClient::new(channel).check(asked(service)).await?;
    Ok(answer.into_inner().status())
}

/// A lake that serves: the shared tier was read.
async fn serving(limits: Limits) -> Result<Deployment> {
    let lake = start_with(limits).await?;
    let mut watching = HealthClient::new(lake.channel("alice")?).watch(asked("")).await?.into_inner();
    while next(&mut watching).await? != Some(ServingStatus::Serving) {}
    Ok(lake)
}

#[tokio::test]
async fn gh09_health_tells_one_bit_of_our_services_and_nothing_of_others() -> Result<()> {
    let lake = serving(Limits::default()).await?;
    for service in OURS {
        assert_eq!(check(&lake, service).await?, ServingStatus::Serving, "{service}");
    }
    for other in ["grpc.health.v1.Health", "lakegate", "lakegate.v1.AccessTokenService/", "*", "x\ny"] {
        let refused = check(&lake, other).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "no such service"), "{other}");
        assert!(refused.details().is_empty());
    }
    assert!(lake.audit().records()?.is_empty(), "health is counted, not audited");
    let counted = lake.registry().gather();
    let text = prometheus::TextEncoder::new().encode_to_string(&counted)?;
    assert!(text.contains("requests_total{outcome=\"answered\",rpc=\"Check\"} 4"), "{text}");
    serves(&lake).await
}

#[tokio::test]
async fn gh08_health_is_the_one_exception_from_authentication() -> Result<()> {
    let lake = serving(Limits::default()).await?;
    // A certificate that names nobody gets through the handshake and no further.
    let nobody = lake.channel("a b")?;
    let answer = HealthClient::new(nobody.clone()).check(asked("")).await?;
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    let refused = lake.caller("a b")?.ask(SALES, READ).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "Unauthenticated UNAUTHENTICATED deny x509_identity");
    // Without a certificate there is no connection.
    let mut config = tls_client(lake.authority(), None, &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    if let Ok(mut stream) = lake.handshake(config).await {
        let _refused = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert!(stream.read_u8().await.is_err(), "settings came back");
    }
    Ok(())
}

#[tokio::test]
async fn gh08_health_is_told_without_a_certificate_where_a_handshake_may_do_without() -> Result<()> {
    let lake =
        start_changed(|options| options.delegation = Some(lakegate_testkit::Delegating::default())).await?;
    let mut nobody = HealthClient::new(lake.channel_as(None)?);
    let answer = nobody.check(asked("no.such.Service")).await.unwrap_err();
    assert_eq!(answer.code(), Code::NotFound);
    let mut watching = nobody.watch(asked("")).await?.into_inner();
    while next(&mut watching).await? != Some(ServingStatus::Serving) {}
    let listed = nobody.check(asked("lakegate.v1.DelegationTokenService")).await?;
    assert_eq!(listed.into_inner().status(), ServingStatus::Serving);
    Ok(())
}

#[tokio::test]
async fn gh01_a_question_longer_than_a_name_is_not_read() -> Result<()> {
    let lake = serving(Limits::default()).await?;
    let refused = check(&lake, &"x".repeat(300)).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::ResourceExhausted, "message is too large"));
    serves(&lake).await
}

#[tokio::test]
async fn ps01_without_a_policy_nothing_serves_until_one_comes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("policy.yaml");
    let lake = start_changed(|options| options.policy_file = Some(file.clone())).await?;
    for service in OURS {
        assert_eq!(check(&lake, service).await?, ServingStatus::NotServing, "{service}");
    }
    let mut client = HealthClient::new(lake.channel("alice")?);
    let mut watching = client.watch(asked("")).await?.into_inner();
    assert_eq!(next(&mut watching).await?, Some(ServingStatus::NotServing));
    std::fs::write(&file, POLICY)?;
    assert_eq!(next(&mut watching).await?, Some(ServingStatus::Serving));
    assert_eq!(check(&lake, "").await?, ServingStatus::Serving);
    Ok(())
}

#[tokio::test]
async fn a_stream_of_watch_outlives_the_deadline_of_requests_and_tells_only_changes() -> Result<()> {
    let lake = serving(Limits { request_seconds: 1, ..Limits::default() }).await?;
    let mut client = HealthClient::new(lake.channel("alice")?);
    let mut watching = client.watch(asked("")).await?.into_inner();
    assert_eq!(next(&mut watching).await?, Some(ServingStatus::Serving));
    let silence = tokio::time::timeout(Duration::from_millis(1_500), watching.message()).await;
    assert!(silence.is_err(), "nothing changed: {silence:?}");
    let mut unknown = client.watch(asked("no.such.Service")).await?.into_inner();
    assert_eq!(next(&mut unknown).await?, Some(ServingStatus::ServiceUnknown));
    Ok(())
}

#[tokio::test]
async fn gh05_streams_of_watch_are_few_on_one_connection_and_free_again() -> Result<()> {
    let lake = serving(Limits::default()).await?;
    let mut client = HealthClient::new(lake.channel("alice")?);
    let mut watching = Vec::new();
    for _ in 0..4 {
        watching.push(client.watch(asked("")).await?.into_inner());
    }
    let refused = client.watch(asked("")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let mut another = HealthClient::new(lake.channel("alice")?);
    assert!(another.watch(asked("")).await.is_ok(), "another connection has its own");
    watching.clear();
    for _ in 0..500 {
        if client.watch(asked("")).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the seats of streams that ended are not free");
}

#[tokio::test]
async fn streams_of_watch_hear_of_a_drain_and_do_not_hold_it_up() -> Result<()> {
    let mut lake = serving(Limits::default()).await?;
    let mut client = HealthClient::new(lake.channel("alice")?);
    let mut watching = client.watch(asked("")).await?.into_inner();
    assert_eq!(next(&mut watching).await?, Some(ServingStatus::Serving));
    let broker = lake.take_broker().unwrap();
    broker.announce();
    assert_eq!(next(&mut watching).await?, Some(ServingStatus::NotServing));
    assert_eq!(client.check(asked("")).await?.into_inner().status(), ServingStatus::NotServing);
    serves(&lake).await?;
    let draining = tokio::spawn(async move { broker.drain(Duration::from_secs(8)).await });
    let ended = tokio::time::timeout(Duration::from_secs(5), watching.message()).await?.unwrap_err();
    assert_eq!((ended.code(), ended.message()), (Code::Unavailable, "broker is going away; ask another"));
    assert!(draining.await?, "the drain waited for a stream");
    assert!(serves(&lake).await.is_err());
    Ok(())
}
