//! The admin port as a probe sees it.

use std::net::Ipv4Addr;

use prometheus::IntGauge;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

async fn start(registry: Registry, readiness: Readiness) -> AdminServer {
    AdminServer::start((Ipv4Addr::LOCALHOST, 0).into(), registry, readiness).await.unwrap()
}

/// The status code, the head and the body of an answer.
async fn get(server: &AdminServer, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn a_living_process_is_live_before_it_is_ready() {
    let readiness = Readiness::new();
    let policy = readiness.condition("policy");
    let store = readiness.condition("store");
    let server = start(Registry::new(), readiness).await;
    assert_eq!(get(&server, "/livez").await.0, 200);
    let (status, _, body) = get(&server, "/readyz").await;
    assert_eq!((status, body.as_str()), (503, "not ready: policy, store\n"));
    policy.met();
    assert_eq!(get(&server, "/readyz").await.2, "not ready: store\n");
    store.met();
    let (status, _, body) = get(&server, "/readyz").await;
    assert_eq!((status, body.as_str()), (200, "ready\n"));
    assert_eq!(get(&server, "/other").await.0, 404);
}

#[tokio::test]
async fn metrics_are_in_the_text_format() {
    let registry = Registry::new();
    let gauge = IntGauge::new("lakegate_test", "A test.").unwrap();
    registry.register(Box::new(gauge.clone())).unwrap();
    let server = start(registry, Readiness::new()).await;
    gauge.set(7);
    let (status, head, body) = get(&server, "/metrics").await;
    assert_eq!(status, 200);
    assert!(head.contains(METRICS_TYPE), "{head}");
    assert_eq!(body, "# HELP lakegate_test A test.\n# TYPE lakegate_test gauge\nlakegate_test 7\n");
}

#[tokio::test(start_paused = true)]
async fn stopping_closes_the_port_even_when_a_client_does_not_finish() {
    let server = start(Registry::new(), Readiness::new()).await;
    let address = server.local_addr();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
    server.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_where_nobody_is_served() {
    let server = start(Registry::new(), Readiness::new()).await;
    let begun = tokio::time::Instant::now();
    server.stop().await;
    assert!(begun.elapsed().is_zero());
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let server = start(Registry::new(), Readiness::new()).await;
    let refused = AdminServer::start(server.local_addr(), Registry::new(), Readiness::new()).await;
    assert!(matches!(refused, Err(HostError::Listen { address, .. }) if address == server.local_addr()));
}
