//! A lake whose public port is renewed, and streams to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lakegate_broker::tls::{
    AuthorityFiles, AuthorityName, ClientCertificates, Revocation, TlsFiles, TlsVersions,
};
use lakegate_domain::{Clock, SystemClock, Timestamp};
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Authority, Deployment, Issued, Options, RunGenerator, tls_client};
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// No condition is waited for longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

pub(crate) async fn start() -> Result<Deployment> {
    start_at(Arc::new(SystemClock)).await
}

/// A lake that goes by this clock.
pub(crate) async fn start_at(clock: Arc<dyn Clock>) -> Result<Deployment> {
    start_with(|options| options.clock = clock).await
}

/// A lake whose options differ from the usual.
pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Result<Deployment> {
    let policy = PolicyDocument::from_yaml(
        r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: growth }]
rules: [{ id: sales, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }]
"#,
    )?;
    let mut options = Options { generator: RunGenerator::Absent, ..Options::of(policy) };
    change(&mut options);
    Deployment::start(options).await
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// A fresh server certificate of the lake's authority, and these authorities for clients.
pub(crate) fn files(lake: &Deployment, client_ca: &[&Authority]) -> Result<TlsFiles> {
    let Issued { chain, key, .. } = lake.authority().server()?;
    let certificates = client_ca.iter().map(|authority| authority.certificate()).collect();
    Ok(TlsFiles {
        chain,
        key,
        authorities: vec![AuthorityFiles {
            name: AuthorityName::default_name(),
            certificates,
            revocation: Revocation::Unchecked,
        }],
        clients: ClientCertificates::Required,
        versions: TlsVersions::Tls13,
    })
}

/// A connection past its handshake, its preface sent and the broker's settings received. None when it is refused.
pub(crate) async fn connect(lake: &Deployment, by: &Authority) -> Result<Option<TlsStream<TcpStream>>> {
    let mut config = tls_client(lake.authority(), Some(by.client("alice")?), &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    open(lake, config).await
}

pub(crate) async fn open(
    lake: &Deployment,
    config: rustls::ClientConfig,
) -> Result<Option<TlsStream<TcpStream>>> {
    let Ok(mut stream) = lake.handshake(config).await else { return Ok(None) };
    let mut head = [0; 9];
    let is_open = stream.write_all(OPENING).await.is_ok() && stream.read_exact(&mut head).await.is_ok();
    Ok(Some(stream).filter(|_| is_open && head[3] == 4))
}

/// Waits until the other side closes a stream, and gives what it said before.
pub(crate) async fn end_of(mut stream: TlsStream<TcpStream>) -> Result<Vec<u8>> {
    let mut said = Vec::new();
    // An end without a TLS alert is an end, too.
    let _alert = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut said)).await?;
    Ok(said)
}

/// A PING is answered: the connection is served as before.
pub(crate) async fn answers_ping(stream: &mut TlsStream<TcpStream>) -> Result<bool> {
    stream.write_all(b"\0\0\x08\x06\0\0\0\0\0lakegate").await?;
    let mut seen = Vec::new();
    let pong = async {
        let mut buffer = [0; 256];
        while !seen.ends_with(b"lakegate") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return false,
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
            }
        }
        true
    };
    Ok(tokio::time::timeout(DEADLINE, pong).await?)
}

pub(crate) fn metric(lake: &Deployment, line: &str) -> u64 {
    let text = prometheus::TextEncoder::new().encode_to_string(&lake.registry().gather()).unwrap();
    text.lines().find_map(|found| found.strip_prefix(line)).map_or(0, |count| count.trim().parse().unwrap())
}
