//! What TLS must not do: old versions, weak suites, resumption, data before the handshake is over.

use std::time::Duration;

use anyhow::Result;
use lakegate_broker::tls::TlsVersions;
use lakegate_testkit::{Deployment, tls_client};
use rustls::HandshakeKind;
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{refused_connections, serves, start, start_changed};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;

/// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`, the least that is spoken with TLS 1.2.
const GOOD: u16 = 0xc02b;

/// NULL, RC4, 3DES and CBC suites.
const WEAK: [u16; 8] = [0x0000, 0x0001, 0x0005, 0x000a, 0x002f, 0x0035, 0xc009, 0xc023];

/// A hello of this version (RFC 5246, section 7.4.1.2) with the extensions that a client of TLS 1.2 sends.
fn hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let extensions: &[&[u8]] = &[
        &[0, 10, 0, 4, 0, 2, 0, 23],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4],
        &[0, 16, 0, 5, 0, 3, 2, b'h', b'2'],
        &[0, 23, 0, 0],
    ];
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let body =
        [&version[..], &[7; 32], &[0], &with_length(&suites), &[1, 0], &with_length(&extensions.concat())];
    let body = body.concat();
    let handshake = [&[1, 0][..], &with_length(&body)].concat();
    [&[22, 3, 1][..], &with_length(&handshake)].concat()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// What the broker answers to a hello until it closes; it does not close when it goes on.
async fn answer(lake: &Deployment, hello: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(lake.address()).await?;
    stream.write_all(hello).await?;
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(4), stream.read_to_end(&mut answer)).await??;
    Ok(answer)
}

/// The broker answers with this alert and nothing else.
async fn is_refused(lake: &Deployment, hello: &[u8], alert: u8) -> Result<()> {
    let answer = answer(lake, hello).await?;
    assert_eq!((answer.first(), answer.len()), (Some(&ALERT), 7), "{answer:?}");
    assert_eq!(answer[5..], [2, alert]);
    Ok(())
}

#[tokio::test]
async fn gh10_old_versions_get_an_alert_and_nothing_else() -> Result<()> {
    let lake = start().await?;
    for version in [[3, 0], [3, 1], [3, 2], [3, 3], [2, 0]] {
        is_refused(&lake, &hello(version, &[GOOD]), PROTOCOL_VERSION).await?;
    }
    assert_eq!(refused_connections(&lake, "handshake"), 5);
    assert!(lake.audit().records()?.is_empty());
    serves(&lake).await
}

#[tokio::test]
async fn gh10_where_tls_1_2_is_allowed_what_is_older_or_weak_is_not() -> Result<()> {
    let lake = start_changed(|options| options.tls_versions = TlsVersions::Tls12And13).await?;
    let mut stream = TcpStream::connect(lake.address()).await?;
    stream.write_all(&hello([3, 3], &[GOOD])).await?;
    assert_eq!(stream.read_u8().await?, HANDSHAKE, "TLS 1.2 goes on");
    for version in [[3, 0], [3, 1], [3, 2]] {
        is_refused(&lake, &hello(version, &[GOOD]), PROTOCOL_VERSION).await?;
    }
    is_refused(&lake, &hello([3, 3], &WEAK), HANDSHAKE_FAILURE).await?;
    for weak in WEAK {
        is_refused(&lake, &hello([3, 3], &[weak]), HANDSHAKE_FAILURE).await?;
    }
    serves(&lake).await
}

#[tokio::test]
async fn gh10_nothing_is_resumed_and_no_data_comes_early() -> Result<()> {
    for versions in [TlsVersions::Tls13, TlsVersions::Tls12And13] {
        let lake = start_changed(|options| options.tls_versions = versions).await?;
        let mut client = tls_client(lake.authority(), Some(lake.authority().client("alice")?), &[&TLS13])?;
        client.alpn_protocols = vec![b"h2".to_vec()];
        client.enable_early_data = true;
        for _ in 0..3 {
            let mut stream = lake.handshake(client.clone()).await?;
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
            stream.read_exact(&mut [0; 9]).await?;
            let connection = stream.get_ref().1;
            assert_ne!(connection.handshake_kind(), Some(HandshakeKind::Resumed));
            assert_eq!(connection.tls13_tickets_received(), 0, "a ticket is the key to early data");
            assert!(!connection.is_early_data_accepted());
        }
    }
    Ok(())
}
