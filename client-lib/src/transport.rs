//! TLS to a broker: our own connector under tonic's channel.
//!
//! tonic's own TLS wants a process-wide provider; a library must not. So the channel is told `http` with an `https`
//! origin, and the only connector it has speaks TLS: there is no way to plaintext.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt;

use crate::broker_channel::BrokerChannel;
use crate::config::{ClientConfig, ClientIdentity};
use crate::delegation_token::Held;
use crate::error::ConfigFault;

/// A dead peer is noticed after an interval and a timeout.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection, handshake included, that takes longer is given up in favour of another endpoint.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
const DEFAULT_PORT: u16 = 443;

/// The way to the brokers.
#[derive(Debug)]
pub(crate) struct Connected {
    /// A channel to each endpoint.
    pub(crate) channels: Vec<BrokerChannel>,
    /// What they are shown, unless it is a certificate.
    pub(crate) token: Option<Arc<Held>>,
}

/// A channel to each endpoint; nothing is dialled yet. The file of a delegation token is read.
///
/// # Errors
/// What is wrong with the configuration.
pub(crate) fn connect(config: ClientConfig) -> Result<Connected, ConfigFault> {
    if config.endpoints.is_empty() {
        return Err(ConfigFault::NoEndpoint);
    }
    let shown = match (config.identity, config.carrier, &config.delegation_token) {
        (Some(_), Some(_), _) | (Some(_), None, Some(_)) => return Err(ConfigFault::TwoIdentities),
        (None, Some(_), None) => return Err(ConfigFault::CarrierAlone),
        (identity, carrier, _) => identity.or(carrier),
    };
    let services = config.endpoints.iter().filter_map(service_of).collect();
    let open = |source| Held::open(source, services, config.clock).map(Arc::new);
    let token = config.delegation_token.map(open).transpose()?;
    let tls = Arc::new(tls_config(config.ca, shown)?);
    let connect_timeout = config.request_timeout.min(LONGEST_CONNECT);
    let name = config.server_name.as_deref();
    let channel = |uri| {
        let channel = channel(uri, name, (&tls, connect_timeout))?;
        Ok(BrokerChannel::new(channel, token.clone()))
    };
    let channels = config.endpoints.iter().map(channel).collect::<Result<_, ConfigFault>>()?;
    Ok(Connected { channels, token })
}

/// The name of an endpoint as a service of Hadoop's, `host:port` in small letters: under it a token for that broker
/// stands in a token-storage file.
pub fn service_of(endpoint: &Uri) -> Option<String> {
    let authority = endpoint.authority()?;
    let port = authority.port_u16().unwrap_or(DEFAULT_PORT);
    Some(format!("{}:{port}", authority.host().to_ascii_lowercase()))
}

/// TLS 1.3 and 1.2 with the authorities given and no others.
fn tls_config(
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<ClientIdentity>,
) -> Result<rustls::ClientConfig, ConfigFault> {
    if authorities.is_empty() {
        return Err(ConfigFault::NoAuthority);
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(tls_fault)?;
    }
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(tls_fault)?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).map_err(tls_fault)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// The cryptography of every connection that this crate makes.
pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

pub(crate) fn tls_fault(error: rustls::Error) -> ConfigFault {
    ConfigFault::Tls(Arc::new(error))
}

fn channel(
    uri: &Uri,
    server_name: Option<&str>,
    (tls, connect_timeout): (&Arc<rustls::ClientConfig>, Duration),
) -> Result<Channel, ConfigFault> {
    if uri.scheme() != Some(&Scheme::HTTPS) {
        return Err(ConfigFault::NotHttps);
    }
    let authority = uri.authority().ok_or(ConfigFault::NotHttps)?;
    let bare_path = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if !bare_path || authority.as_str().contains('@') {
        return Err(ConfigFault::EndpointParts);
    }
    let host = authority.host();
    let bare_host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let name = ServerName::try_from(server_name.unwrap_or(bare_host).to_owned())
        .map_err(|_| ConfigFault::ServerName)?;
    let port = authority.port_u16().unwrap_or(DEFAULT_PORT);
    let dial = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(format!("{host}:{port}"))
        .path_and_query("/")
        .build()
        .map_err(|_| ConfigFault::NotHttps)?;
    let dialler = Dialler { tcp: tcp(), tls: TlsConnector::from(Arc::clone(tls)), name };
    let endpoint = Endpoint::from(dial)
        .origin(uri.clone())
        .connect_timeout(connect_timeout)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |uri| dialler.clone().dial(uri))))
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp
}

/// Dials one broker.
#[derive(Clone)]
struct Dialler {
    tcp: HttpConnector,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl Dialler {
    async fn dial(self, uri: Uri) -> io::Result<TokioIo<TlsStream<TcpStream>>> {
        let tcp = self.tcp.oneshot(uri).await.map_err(io::Error::other)?;
        let stream = self.tls.connect(self.name, tcp.into_inner()).await?;
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            Ok(TokioIo::new(stream))
        } else {
            Err(io::Error::new(io::ErrorKind::Unsupported, "the peer does not speak HTTP/2"))
        }
    }
}
