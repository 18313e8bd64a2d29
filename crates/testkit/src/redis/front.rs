//! Ends TLS before a server that was built without it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::RedisClients;
use crate::{Authority, Issued};

/// Accepts TLS and passes the bytes on to a socket file.
#[derive(Debug)]
pub(super) struct Front {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Front {
    pub(super) async fn start(authority: &Authority, clients: RedisClients, socket: PathBuf) -> Result<Self> {
        let acceptor = acceptor(authority, clients)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                passing.spawn(pass(stream, acceptor.clone(), socket.clone()));
                while passing.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor(authority: &Authority, clients: RedisClients) -> Result<TlsAcceptor> {
    let Issued { chain, key, .. } = authority.server()?;
    let provider = Arc::new(default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let config = if clients == RedisClients::WithCertificate {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate())?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        config.with_client_cert_verifier(verifier)
    } else {
        config.with_no_client_auth()
    };
    Ok(TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key)?)))
}

/// An end that goes away ends the other; nobody asks why.
async fn pass(stream: TcpStream, acceptor: TlsAcceptor, socket: PathBuf) {
    let _quick = stream.set_nodelay(true);
    if let Ok(mut client) = acceptor.accept(stream).await
        && let Ok(mut server) = UnixStream::connect(socket).await
    {
        let _ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
