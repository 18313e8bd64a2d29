//! A network between clients and one broker, which can swallow everything and lead elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A running proxy; it and its connections end when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    silent: watch::Sender<bool>,
    upstream: watch::Sender<SocketAddr>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (silent, heard) = watch::channel(false);
        let (upstream, leads_to) = watch::channel(upstream);
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                carried.spawn(carry(client, leads_to.clone(), heard.clone()));
            }
        });
        Self { port, silent, upstream, connections, _tasks: tasks }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Takes connections and bytes from now on and passes nothing on.
    pub(crate) fn go_silent(&self) {
        self.silent.send_replace(true);
    }

    /// Passes on what was held up, and everything after it.
    pub(crate) fn speak_again(&self) {
        self.silent.send_replace(false);
    }

    /// Leads new connections to another broker.
    pub(crate) fn lead_to(&self, upstream: SocketAddr) {
        self.upstream.send_replace(upstream);
    }
}

async fn carry(client: TcpStream, upstream: watch::Receiver<SocketAddr>, mut silent: watch::Receiver<bool>) {
    if silent.wait_for(|silent| !silent).await.is_err() {
        return;
    }
    let address = *upstream.borrow();
    let Ok(broker) = TcpStream::connect(address).await else { return };
    let ((from_client, to_client), (from_broker, to_broker)) = (client.into_split(), broker.into_split());
    tokio::join!(pass(from_client, to_broker, silent.clone()), pass(from_broker, to_client, silent));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silent: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if silent.wait_for(|silent| !silent).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
    let _closed = to.shutdown().await;
}
