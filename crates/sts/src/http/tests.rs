//! A server that does what no honest one does, byte by byte.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;

const BUDGET: Duration = Duration::from_millis(400);

fn client() -> HttpClient {
    let config =
        HttpConfig { roots: Roots::Only(Vec::new()), total_timeout: BUDGET, ..HttpConfig::default() };
    HttpClient::new(config).unwrap()
}

/// Serves every connection with `answer` once a request has begun to arrive.
async fn server<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> Endpoint
where
    F: Future<Output = Result<(), std::io::Error>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = ["http://", &listener.local_addr().unwrap().to_string(), "/token"].concat();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if stream.read(&mut [0; 4096]).await.is_ok() {
                // The client hanging up is what most of these tests are about.
                tokio::spawn(answer(stream));
            }
        }
    });
    Endpoint::new("test", &Url::parse(&url).unwrap(), &[], &[]).unwrap()
}

async fn post(to: &Endpoint) -> Result<Reply, Fault> {
    client().post_form(to, "a=b".to_owned()).await
}

#[tokio::test]
async fn a_whole_answer_is_read() {
    let answer = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nhi").await
    };
    let reply = post(&server(answer).await).await.unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!((reply.status, reply.retry_after), (429, Some(Duration::from_secs(7))));
    assert_eq!(&**reply.body, b"hi");
}

#[tokio::test]
async fn st03_an_endless_body_is_cut_off_at_the_cap() {
    let answer = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        loop {
            stream.write_all(&[b' '; 4096]).await?;
        }
    };
    assert_eq!(post(&server(answer).await).await.err(), Some(Fault::TooLarge));
}

#[tokio::test]
async fn st03_a_body_announced_too_long_is_not_read_at_all() {
    let answer = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n").await?;
        std::future::pending().await
    };
    assert_eq!(post(&server(answer).await).await.err(), Some(Fault::TooLarge));
}

#[tokio::test]
async fn st03_a_drip_of_bytes_does_not_outlive_the_time_budget() {
    let answer = |mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n").await?;
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        loop {
            pace.tick().await;
            stream.write_all(b"x").await?;
        }
    };
    let began = Instant::now();
    assert_eq!(post(&server(answer).await).await.err(), Some(Fault::Unreachable));
    assert!(began.elapsed() < BUDGET * 3);
}

#[tokio::test]
async fn st03_silence_and_broken_connections_are_unreachable() {
    let silence = server(|stream: TcpStream| async move {
        let _open = stream;
        std::future::pending().await
    });
    let closed = server(|stream: TcpStream| async move {
        drop(stream);
        Ok(())
    });
    let reset = server(|stream: TcpStream| async move {
        stream.set_zero_linger()?;
        Err(ErrorKind::ConnectionReset.into())
    });
    let half = server(|mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").await
    });
    let babble = server(|mut stream: TcpStream| async move { stream.write_all(b"220 smtp ready\r\n").await });
    for endpoint in [silence.await, closed.await, reset.await, half.await, babble.await] {
        assert_eq!(post(&endpoint).await.err(), Some(Fault::Unreachable));
    }
}

#[tokio::test]
async fn st11_a_redirect_is_an_answer_and_not_an_order() {
    let target = server(|mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await
    })
    .await;
    let location = target.url().to_string();
    let answer = move |mut stream: TcpStream| {
        let head = ["HTTP/1.1 307 Go\r\nContent-Length: 0\r\nLocation: ", &location, "\r\n\r\n"].concat();
        async move { stream.write_all(head.as_bytes()).await }
    };
    assert_eq!(post(&server(answer).await).await.map(|reply| reply.status).ok(), Some(307));
}

/// A server over TLS whose certificate, for `localhost`, only its own authority vouches for.
async fn tls_server() -> (Endpoint, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = ["https://localhost:", &listener.local_addr().unwrap().port().to_string(), "/token"].concat();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await
                && stream.read(&mut [0; 4096]).await.is_ok()
                && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.is_ok()
            {
                stream.shutdown().await.ok();
            }
        }
    });
    (Endpoint::new("test", &Url::parse(&url).unwrap(), &[], &[]).unwrap(), certificate)
}

#[tokio::test]
async fn st11_only_a_certificate_of_a_trusted_authority_is_spoken_to() {
    let (endpoint, certificate) = tls_server().await;
    for (roots, reached) in
        [(Roots::Only(vec![certificate]), true), (Roots::Only(Vec::new()), false), (Roots::System, false)]
    {
        let client = HttpClient::new(HttpConfig { roots, ..HttpConfig::default() }).unwrap();
        let outcome = client.post_form(&endpoint, "a=b".to_owned()).await;
        assert_eq!(outcome.is_ok(), reached);
    }
    let junk = Roots::Only(vec![CertificateDer::from(vec![1, 2, 3])]);
    let refused = HttpClient::new(HttpConfig { roots: junk, ..HttpConfig::default() });
    assert_eq!(refused.err(), Some(ConfigError::TrustAnchor));
}

#[tokio::test]
async fn st11_proxy_variables_are_not_read() {
    // A process of its own, because variables belong to the whole process.
    let inner = "http::tests::a_whole_answer_is_read";
    let status = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", inner])
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, "http://127.0.0.1:1")))
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.await.unwrap().success());
}

#[test]
fn st01_a_wish_to_wait_is_whole_seconds_up_to_a_minute_or_nothing() {
    let read = |text: &'static str| seconds(&HeaderValue::from_static(text));
    assert_eq!(read("7"), Some(Duration::from_secs(7)));
    assert_eq!(read("3600"), Some(Duration::from_mins(1)));
    assert_eq!(read("99999999999999999999999999"), Some(Duration::from_mins(1)));
    for nonsense in ["-5", "", "1.5", "soon", "Fri, 31 Dec 2027 23:59:59 GMT"] {
        assert_eq!(read(nonsense), None, "{nonsense}");
    }
}

#[test]
fn lg01_a_bearer_header_hides_its_value() {
    let value = authorization(&Secret::new("canary-7f3a".to_owned())).unwrap();
    assert!(!format!("{value:?}").contains("canary"));
    assert_eq!(value.to_str().unwrap(), "Bearer canary-7f3a");
}
