//! The broker's public port as anything on the network finds it: TLS streams and gRPC channels.
//!
//! Nothing here is the client library's: what it would never send, a test can.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use crate::{Authority, Deployment, Issued};

/// TLS settings of a client that trusts one authority.
///
/// # Errors
/// When certificate and key do not fit, or the authority is none.
pub fn tls_client(
    trusted: &Authority,
    identity: Option<Issued>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_root_certificates(roots);
    Ok(match identity {
        Some(Issued { chain, key, .. }) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    })
}

impl Deployment {
    /// A TLS 1.3 stream to the broker by a client that proves to be `name` and offers these protocols.
    ///
    /// # Errors
    /// When there is no connection or no handshake. A broker may refuse after the client's side has finished; then
    /// the first read tells.
    pub async fn tls_stream(&self, name: &str, alpn: &[&[u8]]) -> Result<TlsStream<TcpStream>> {
        let identity = self.authority().client(name)?;
        let mut config = tls_client(self.authority(), Some(identity), &[&rustls::version::TLS13])?;
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(self.handshake(config).await?)
    }

    /// A stream with settings of the caller's own.
    ///
    /// # Errors
    /// When there is no connection or no handshake.
    pub async fn handshake(&self, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address()).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await
    }

    /// A gRPC channel of a client that proves to be `name`; dials when first used, and again when it must.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn channel(&self, name: &str) -> Result<Channel> {
        self.channel_as(Some(self.authority().client(name)?))
    }

    /// A gRPC channel of a client with this certificate or none.
    ///
    /// # Errors
    /// When certificate and key do not fit.
    pub fn channel_as(&self, identity: Option<Issued>) -> Result<Channel> {
        self.channel_from(identity, Ipv4Addr::UNSPECIFIED)
    }

    /// The same from an address of this machine, such as `127.0.0.2`.
    ///
    /// # Errors
    /// When certificate and key do not fit.
    pub fn channel_from(&self, identity: Option<Issued>, from: Ipv4Addr) -> Result<Channel> {
        self.channel_between(identity, from, self.address())
    }

    /// The same to another broker of this deployment.
    ///
    /// # Errors
    /// When certificate and key do not fit.
    pub fn channel_between(
        &self,
        identity: Option<Issued>,
        from: Ipv4Addr,
        to: SocketAddr,
    ) -> Result<Channel> {
        channel(self.authority(), identity, from, to)
    }
}

/// A gRPC channel to a broker whose certificate this authority made.
pub(crate) fn channel(
    authority: &Authority,
    identity: Option<Issued>,
    from: Ipv4Addr,
    to: SocketAddr,
) -> Result<Channel> {
    let mut config = tls_client(authority, identity, &[&rustls::version::TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let (address, name) = (to, ServerName::try_from("localhost").context("server name")?);
    let dial = move |_: Uri| {
        let (connector, name) = (connector.clone(), name.clone());
        async move {
            let socket = TcpSocket::new_v4()?;
            if !from.is_unspecified() {
                socket.bind(SocketAddr::from((from, 0)))?;
            }
            let stream = connector.connect(name, socket.connect(address).await?).await?;
            io::Result::Ok(TokioIo::new(stream))
        }
    };
    let endpoint =
        Endpoint::from(Uri::builder().scheme("http").authority("localhost").path_and_query("/").build()?)
            .origin(format!("https://localhost:{}", to.port()).parse()?);
    Ok(endpoint.connect_with_connector_lazy(tower::service_fn(dial)))
}
