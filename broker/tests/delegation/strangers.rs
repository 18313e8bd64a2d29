//! Connections without a certificate: anybody can have one, nobody gets anything by it.

use std::time::Duration;

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_testkit::{Authority, GET_ACCESS_TOKEN, tls_client};
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{READ, SALES, World, unauthenticated};

fn metric(world: &World, line: &str) -> u64 {
    let metrics = prometheus::TextEncoder::new().encode_to_string(&world.lake.registry().gather()).unwrap();
    metrics.lines().find_map(|text| text.strip_prefix(line)).map_or(0, |count| count.trim().parse().unwrap())
}

#[tokio::test]
async fn xc01_a_request_without_any_credential_is_refused_and_on_record() -> Result<()> {
    let world = World::start().await?;
    let nobody = world.lake.anonymous()?;
    let refused = nobody.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("no_credential"));
    let record = world.lake.audit().record(&refused.audit_id)?;
    assert!(record.get("principal").is_none() && record.get("proof").is_none());
    for path in ["/no.such/Method", "/lakegate.v1.DelegationTokenService/Issue", GET_ACCESS_TOKEN] {
        let refused = nobody.post(path, &[0xff]).await?.refused()?;
        assert_eq!(world.told(&refused)?, unauthenticated("no_credential"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn xc01_a_certificate_that_is_presented_is_still_verified() -> Result<()> {
    let world = World::start().await?;
    let stranger = Authority::new()?.client("alice")?;
    let mut config = tls_client(world.lake.authority(), Some(stranger), &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let outcome = async {
        let mut stream = world.lake.handshake(config).await?;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
        stream.read_u8().await
    };
    assert!(outcome.await.is_err(), "a certificate of an unknown authority is let in");
    Ok(())
}

#[tokio::test]
async fn dt04_a_flood_without_credentials_is_counted_and_only_sampled_on_record() -> Result<()> {
    // However slow the machine: this connection may stay, and the flood goes on until it is one.
    let limits = Limits { proof_seconds: 600, ..Limits::default() };
    let world = World::start_with(|options| options.limits = limits).await?;
    let nobody = world.lake.anonymous()?;
    let (mut sent, mut unrecorded) = (0, 0);
    while sent < 1_000 || unrecorded == 0 {
        assert!(sent < 100_000, "no flood was noticed");
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let nobody = nobody.clone();
            asking.spawn(async move { nobody.ask(SALES, READ).await.unwrap_err().to_string() });
        }
        let told = asking.join_all().await;
        sent += told.len() as u64;
        // A machine that is busy elsewhere may let the audit log miss its 200 ms.
        let is_refused =
            |told: &str| ["Unauthenticated UNAUTHENTICATED", "Unavailable AUDIT_UNAVAILABLE"].contains(&told);
        assert!(told.iter().all(|told| is_refused(told)), "{told:?}");
        unrecorded = metric(&world, "lakegate_broker_unrecorded_rejects_total ");
    }
    let recorded = world.lake.audit().records()?.len() as u64;
    assert!(recorded <= sent - unrecorded, "{recorded} on record, {unrecorded} not, of {sent}");
    let counted = "lakegate_broker_requests_total{outcome=\"no_credential\",rpc=\"GetAccessToken\"}";
    assert_eq!(metric(&world, counted), sent);
    world.alice.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn a_connection_that_never_proves_itself_is_closed_and_one_that_did_is_not() -> Result<()> {
    let limits = Limits { proof_seconds: 1, ..Limits::default() };
    let world = World::start_with(|options| options.limits = limits).await?;
    let mut config = tls_client(world.lake.authority(), None, &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut idle = world.lake.handshake(config).await?;
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    let token = world.alice.delegation_token("").await?;
    let job = world.lake.caller_with_dt(&token)?;
    job.ask(SALES, READ).await?;
    let connections = metric(&world, "lakegate_broker_connections ");
    let mut read = Vec::new();
    tokio::time::timeout(Duration::from_secs(8), idle.read_to_end(&mut read)).await?.ok();
    let closed = "lakegate_broker_refused_connections_total{cause=\"proof_late\"}";
    assert_eq!(metric(&world, closed), 1);
    assert_eq!((connections, metric(&world, "lakegate_broker_connections ")), (3, 2));
    job.ask(SALES, READ).await?;
    Ok(())
}
