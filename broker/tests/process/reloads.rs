//! A process that took new certificates a thousand times refuses what it refused at its start.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use lakegate_testkit::{Authority, Issued, tls_client};
use rustls::ClientConfig;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::reload::{is_failing, until};
use crate::rotation::taken;
use crate::site::{Running, Site};

const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const H2: &[&[u8]] = &[b"h2"];
const RELOADS: usize = 1_000;

/// Whether a client with these settings gets as far as HTTP/2.
async fn is_let_in(broker: &Running, mut config: ClientConfig, protocols: &[&[u8]]) -> bool {
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let open = async {
        let tcp = TcpStream::connect(&broker.address).await?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        stream.write_all(OPENING).await?;
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        io::Result::Ok(head[3] == 4)
    };
    matches!(tokio::time::timeout(Duration::from_secs(10), open).await, Ok(Ok(true)))
}

/// A hello of this version with one suite (RFC 2246 to RFC 5246, section 7.4.1.2), and the alert it is answered with.
async fn alert_for(broker: &Running, version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let body = [&version[..], &[7; 32], &[0, 0, 2], &suite, &[1, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    let hello = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat();
    let mut stream = TcpStream::connect(&broker.address).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    answer
}

async fn refuses_what_it_must(site: &Site, broker: &Running) {
    let root = &site.authority;
    let alice = || Some(root.client("alice").unwrap());
    let client = |identity: Option<Issued>| tls_client(root, identity, &[&TLS13]).unwrap();
    assert!(is_let_in(broker, client(alice()), H2).await, "a good client");
    assert!(!is_let_in(broker, client(None), H2).await, "no certificate");
    let stranger = Authority::new().unwrap().client("alice").unwrap();
    assert!(!is_let_in(broker, client(Some(stranger)), H2).await, "a stranger's certificate");
    assert!(!is_let_in(broker, client(alice()), &[]).await, "no protocol");
    assert!(!is_let_in(broker, client(alice()), &[b"http/1.1"]).await, "another protocol");
    let tls12 = tls_client(root, alice(), &[&TLS12]).unwrap();
    assert!(!is_let_in(broker, tls12, H2).await, "TLS 1.2");
    for (version, suite) in [([3, 0], [0, 5]), ([3, 1], [0, 0x2f]), ([3, 2], [0, 0x2f]), ([3, 3], [0, 0x0a])]
    {
        let answer = alert_for(broker, version, suite).await;
        // An alert and nothing else: RFC 8446, section 6.
        assert_eq!((answer.first(), answer.len()), (Some(&21), 7), "{version:?}: {answer:?}");
    }
    let mut resuming = client(alice());
    resuming.enable_early_data = true;
    for _ in 0..2 {
        assert!(
            is_let_in(broker, resuming.clone(), H2).await,
            "xc05: whoever comes back shows a certificate"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn xc26_after_a_thousand_reloads_by_signal_all_that_was_refused_still_is() {
    let site = Site::new().await.mounted();
    let config = std::fs::read_to_string(site.path("broker.toml")).unwrap();
    // Delegation tokens are off: every connection needs a certificate.
    let (before, rest) = config.split_once("[delegation]").unwrap();
    let (_, after) = rest.split_once("[limits]").unwrap();
    site.write("broker.toml", &[before, "[limits]", after].concat());
    let broker = site.start();
    refuses_what_it_must(&site, &broker).await;
    let other = Authority::new().unwrap().certificate_pem();
    let (root, servers) =
        (site.authority.certificate_pem(), [(); 2].map(|()| site.authority.server().unwrap()));
    for turn in 0..RELOADS {
        let Issued { certificate_pem, key_pem, .. } = &servers[turn % 2];
        let bundle = if turn % 2 == 0 { [root.as_str(), &other].concat() } else { root.clone() };
        let before = taken(&broker, "tls").await;
        site.swap(
            "tls",
            &[("server.pem", certificate_pem), ("server.key", key_pem), ("client-ca.pem", &bundle)],
        );
        broker.signal("-HUP");
        until("a reload", async || taken(&broker, "tls").await > before).await;
    }
    assert!(!is_failing(&broker, "tls").await);
    refuses_what_it_must(&site, &broker).await;
    broker.stop();
}
