//! Brokers that break in ways that only a network shows, each beside one that works.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Uri;
use lakegate_client::{Client, ClientError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::peer::{Authority, Broker, acceptor, config, sales};
use crate::{broker, read};

/// Something that accepts connections and is no broker; it stops when it is dropped.
pub(crate) struct Impostor {
    pub(crate) uri: Uri,
    _tasks: JoinSet<()>,
}

impl Impostor {
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        Self { uri, _tasks: tasks }
    }
}

/// Eight clients, of which some begin at the broken broker and some at the other, read twice each.
async fn all_are_served(broken: &Uri, healthy: &Broker, authority: &Authority) {
    for _ in 0..8 {
        let client = Client::connect(config(vec![broken.clone(), healthy.uri()], authority)).unwrap();
        let before = Instant::now();
        read(&client).await.unwrap();
        assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    }
    assert_eq!(healthy.asked().len(), 8);
}

#[tokio::test]
async fn cl02_a_broker_whose_connections_break_in_the_middle_of_an_answer_fails_nobody() {
    let authority = Authority::new();
    let tls = acceptor(&authority, authority.identity("localhost", |_| {}));
    let breaking = Impostor::start(move |stream| {
        let tls = tls.clone();
        async move {
            let Ok(mut stream) = tls.accept(stream).await else { return };
            // Settings of a server, then its end as soon as a request was read.
            let _settings = stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
            let mut seen = Vec::new();
            while seen.len() < 150 && stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {}
        }
    })
    .await;
    let healthy = broker(&authority, |_| Ok(sales())).await;
    all_are_served(&breaking.uri, &healthy, &authority).await;
    let alone = Client::connect(config(vec![breaking.uri.clone()], &authority)).unwrap();
    let error = read(&alone).await.unwrap_err();
    assert!(matches!(error, ClientError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn cl02_a_broker_that_accepts_and_never_says_a_word_fails_nobody() {
    let authority = Authority::new();
    let silent = Impostor::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let healthy = broker(&authority, |_| Ok(sales())).await;
    all_are_served(&silent.uri, &healthy, &authority).await;
}

#[tokio::test]
async fn cl08_a_broker_of_another_authority_is_passed_over_and_learns_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let foreign = Broker::start(&other, other.identity("localhost", |_| {}), |_, _| Ok(sales())).await;
    let healthy = broker(&authority, |_| Ok(sales())).await;
    all_are_served(&foreign.uri(), &healthy, &authority).await;
    assert!(foreign.asked().is_empty());
}

#[tokio::test]
async fn cl08_a_server_that_speaks_no_tls_gets_a_handshake_and_nothing_else() {
    let authority = Authority::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let plain = Impostor::start(move |mut stream| {
        let ear = Arc::clone(&ear);
        async move {
            let mut bytes = vec![0; 64 * 1024];
            let read = stream.read(&mut bytes).await.unwrap_or(0);
            ear.lock().unwrap().push(bytes[..read].to_vec());
            let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let identity = authority.identity("job.example", |_| {});
    let leaf = identity.chain[0].as_ref().to_vec();
    let client =
        Client::connect(config(vec![plain.uri.clone()], &authority).with_identity(identity)).unwrap();
    let error = read(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::Handshake(_)), "{error:?}");
    let heard = heard.lock().unwrap();
    assert!(!heard.is_empty());
    for bytes in heard.iter() {
        assert_eq!(bytes.first(), Some(&0x16), "a handshake record");
        let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!holds(b"wh/sales") && !holds(b"GetAccessToken") && !holds(&leaf));
    }
}

#[tokio::test]
async fn cl06_clients_of_two_identities_ask_for_themselves() {
    let authority = Authority::new();
    let broker = broker(&authority, |_| Ok(sales())).await;
    for name in ["alice.example", "bob.example"] {
        let identity = authority.identity(name, |_| {});
        let client = Client::connect(config(vec![broker.uri()], &authority).with_identity(identity)).unwrap();
        read(&client).await.unwrap();
        read(&client).await.unwrap();
    }
    assert_eq!(broker.asked().len(), 2);
}
