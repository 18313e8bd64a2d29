//! Connections: who may have one, how many, and how long a silent one lasts.

use std::time::Duration;

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_testkit::{Authority, Deployment, Issued, tls_client};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::{HEADERS, Raw, SETTINGS, WINDOW_UPDATE};
use crate::world::{refused_connections, serves, start, start_with};

/// Whether the other side closes a stream that says nothing more, within four seconds.
async fn is_closed(mut stream: impl AsyncReadExt + Unpin) -> bool {
    let mut buffer = [0; 1024];
    let closed = async {
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(4), closed).await.is_ok()
}

/// Whether a client with this identity is let in: it sends a preface and sees the broker's settings.
async fn is_let_in(
    lake: &Deployment,
    identity: Option<Issued>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<bool> {
    let mut config = tls_client(lake.authority(), identity, versions)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let Ok(mut stream) = lake.handshake(config).await else { return Ok(false) };
    if stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.is_err() {
        return Ok(false);
    }
    let mut head = [0; 9];
    Ok(stream.read_exact(&mut head).await.is_ok() && head[3] == SETTINGS)
}

#[tokio::test]
async fn xc01_gh10_only_certificates_of_our_authority_over_tls_1_3_are_let_in() -> Result<()> {
    let lake = start().await?;
    let alice = || lake.authority().client("alice");
    assert!(is_let_in(&lake, Some(alice()?), &[&TLS13]).await?);
    assert!(!is_let_in(&lake, None, &[&TLS13]).await?, "no certificate");
    let stranger = Authority::new()?.client("alice")?;
    assert!(!is_let_in(&lake, Some(stranger), &[&TLS13]).await?, "unknown authority");
    let server = lake.authority().server()?;
    assert!(!is_let_in(&lake, Some(server), &[&TLS13]).await?, "a server's certificate");
    assert!(!is_let_in(&lake, Some(alice()?), &[&TLS12]).await?, "TLS 1.2");
    assert!(is_let_in(&lake, Some(alice()?), &[&TLS12, &TLS13]).await?);
    assert!(refused_connections(&lake, "handshake") >= 4);
    assert!(lake.audit().records()?.is_empty());
    serves(&lake).await
}

#[tokio::test]
async fn gh08_only_http_2_by_alpn_is_served() -> Result<()> {
    let lake = start().await?;
    let bare = lake.tls_stream("alice", &[]).await?;
    assert!(is_closed(bare).await, "no protocol");
    assert_eq!(refused_connections(&lake, "alpn"), 1);
    for protocols in [&[b"http/1.1".as_slice()][..], &[b"h3"], &[b"http/1.0", b"spdy/3"]] {
        let other = lake.tls_stream("alice", protocols).await;
        let closed = match other {
            Ok(stream) => is_closed(stream).await,
            Err(_) => true,
        };
        assert!(closed, "{protocols:?}");
    }
    assert_eq!(Raw::connect(&lake).await?.reader.next(SETTINGS).await.unwrap().stream, 0);
    serves(&lake).await
}

#[tokio::test]
async fn gh08_plain_http_is_not_spoken() -> Result<()> {
    let lake = start().await?;
    for opening in
        [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n", &[0; 100]]
    {
        let mut stream = TcpStream::connect(lake.address()).await?;
        stream.write_all(opening).await?;
        let mut answer = Vec::new();
        let _closed = tokio::time::timeout(Duration::from_secs(4), stream.read_to_end(&mut answer)).await?;
        assert!(answer.len() < 16, "{} bytes came back", answer.len());
    }
    serves(&lake).await
}

#[tokio::test]
async fn gh05_a_handshake_that_never_comes_is_given_up() -> Result<()> {
    let lake = start_with(Limits { handshake_seconds: 1, ..Limits::default() }).await?;
    let silent = TcpStream::connect(lake.address()).await?;
    let mut dripping = TcpStream::connect(lake.address()).await?;
    dripping.write_all(&[22, 3, 1]).await?;
    let (first, second) = tokio::join!(is_closed(silent), is_closed(dripping));
    assert!(first && second);
    assert_eq!(refused_connections(&lake, "handshake_late"), 2);
    serves(&lake).await
}

#[tokio::test]
async fn gh05_a_preface_that_never_comes_is_given_up() -> Result<()> {
    let lake = start_with(Limits { preface_seconds: 1, ..Limits::default() }).await?;
    let silent = lake.tls_stream("alice", &[b"h2"]).await?;
    let mut halting = lake.tls_stream("alice", &[b"h2"]).await?;
    halting.write_all(b"PRI * HTTP/2.0").await?;
    let (first, second) = tokio::join!(is_closed(silent), is_closed(halting));
    assert!(first && second);
    assert_eq!(refused_connections(&lake, "preface_late"), 2);
    let mut patient = Raw::connect(&lake).await?;
    assert!(patient.reader.next(SETTINGS).await.is_some());
    serves(&lake).await
}

#[tokio::test]
async fn gh05_seats_of_one_address_are_bounded_and_free_again() -> Result<()> {
    let lake = start_with(Limits { connections_per_address: 2, ..Limits::default() }).await?;
    let first = Raw::connect(&lake).await?;
    let mut second = Raw::connect(&lake).await?;
    assert!(second.reader.next(SETTINGS).await.is_some());
    assert!(lake.tls_stream("alice", &[b"h2"]).await.is_err(), "a third seat");
    assert_eq!(refused_connections(&lake, "seats"), 1);
    drop(first);
    for _ in 0..100 {
        if serves(&lake).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    serves(&lake).await
}

#[tokio::test]
async fn xc04_an_old_connection_is_asked_to_go() -> Result<()> {
    let lake = start_with(Limits { connection_age_seconds: 1, ..Limits::default() }).await?;
    let mut raw = Raw::connect(&lake).await?;
    let goaway = raw.reader.next(crate::raw::GOAWAY).await.unwrap();
    assert_eq!(goaway.payload.get(4..8), Some(&[0; 4][..]), "politely");
    serves(&lake).await
}

#[tokio::test]
async fn gh07_broken_connections_do_not_end_the_loop() -> Result<()> {
    let lake = start().await?;
    for index in 0..200 {
        let stream = TcpStream::connect(lake.address()).await?;
        if index % 2 == 0 {
            stream.set_zero_linger()?;
        }
        drop(stream);
    }
    for _ in 0..20 {
        let mut raw = Raw::connect(&lake).await?;
        let _broken = raw.writer.bytes(&[0xff, 0xff, 0xff, HEADERS, 0, 0, 0, 0, 1]).await;
        let _broken = raw.writer.frame(WINDOW_UPDATE, 0, 0, &[0; 3]).await;
    }
    serves(&lake).await
}
