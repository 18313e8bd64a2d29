//! Handshakes without end: those who are here go on, and those who come from elsewhere get in.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_testkit::{Deployment, tls_client};
use rustls::ClientConnection;
use rustls::version::TLS13;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::world::{READ, SALES, refused_connections, serves, start_with};

/// A client's first message: what makes the broker compute most.
fn hello(lake: &Deployment) -> Result<Vec<u8>> {
    let mut config = tls_client(lake.authority(), None, &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = ClientConnection::new(Arc::new(config), "localhost".try_into()?)?;
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes)?;
    Ok(bytes)
}

/// A connection whose handshake begins and never ends; none when the broker does not take it.
async fn hang(lake: &Deployment, hello: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(lake.address()).await.ok()?;
    stream.write_all(hello).await.ok()?;
    stream.readable().await.ok()?;
    (stream.try_read(&mut [0]).ok()? > 0).then_some(stream)
}

#[tokio::test]
async fn gh06_handshakes_that_hang_hold_up_neither_the_present_nor_others() -> Result<()> {
    let limits = Limits { handshakes_per_address: 50, handshake_seconds: 60, ..Limits::default() };
    let lake = start_with(limits).await?;
    let alice = lake.caller("alice")?;
    alice.ask(SALES, READ).await?;
    let hello = hello(&lake)?;
    let mut hanging = Vec::new();
    for _ in 0..100 {
        hanging.extend(hang(&lake, &hello).await);
    }
    assert_eq!(hanging.len(), 50, "one address has its share");
    assert_eq!(refused_connections(&lake, "handshakes"), 50);
    for _ in 0..50 {
        alice.ask(SALES, READ).await?;
    }
    assert!(serves(&lake).await.is_err(), "the share of this address is taken");
    let elsewhere = lake.caller_from("alice", Ipv4Addr::new(127, 0, 0, 2))?;
    elsewhere.ask(SALES, READ).await?;
    drop(hanging);
    for _ in 0..500 {
        if serves(&lake).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    serves(&lake).await
}

#[tokio::test(flavor = "multi_thread")]
async fn gh06_a_flood_of_handshakes_leaves_the_present_their_answers() -> Result<()> {
    let lake = Arc::new(start_with(Limits::default()).await?);
    let alice = lake.caller("alice")?;
    alice.ask(SALES, READ).await?;
    let (hello, over) = (Arc::new(hello(&lake)?), Arc::new(AtomicBool::new(false)));
    let mut flood = JoinSet::new();
    for _ in 0..64 {
        let (lake, hello, over) = (Arc::clone(&lake), Arc::clone(&hello), Arc::clone(&over));
        flood.spawn(async move {
            let mut begun = 0;
            while !over.load(Ordering::Relaxed) {
                begun += usize::from(hang(&lake, &hello).await.is_some());
            }
            begun
        });
    }
    for _ in 0..300 {
        alice.ask(SALES, READ).await?;
    }
    // Whoever comes from elsewhere waits for a step of the flood, not for all of it.
    lake.caller_from("alice", Ipv4Addr::new(127, 0, 0, 2))?.ask(SALES, READ).await?;
    over.store(true, Ordering::Relaxed);
    let begun: usize = flood.join_all().await.into_iter().sum();
    assert!(begun > 100, "{begun} handshakes are no flood");
    serves(&lake).await
}
