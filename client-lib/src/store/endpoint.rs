//! Where the storage is, and the one connection pool to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use url::{Host, Url};

use crate::error::{ClientError, ConfigFault};
use crate::transport::{provider, tls_fault};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A storage that sends nothing for so long is given up.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the storage is. The default is Google's own address over https, with the system's authorities.
#[derive(Debug, Clone, Default)]
pub struct StorageEndpoint {
    /// Another address than Google's: scheme, host and port, nothing else.
    pub base_url: Option<Url>,
    /// Allows plaintext http, for a loopback address only: an emulator on the same machine.
    pub allow_http: bool,
    /// The authorities from which the storage's certificate may come; empty means the system's.
    pub ca: Vec<CertificateDer<'static>>,
}

/// The storage's address and the connections to it.
#[derive(Debug)]
pub(super) struct Storage {
    base_url: Option<String>,
    plaintext: Plaintext,
    http: reqwest::Client,
}

/// Whether http without TLS may be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plaintext {
    Refused,
    Loopback,
}

impl Storage {
    pub(super) fn new(endpoint: StorageEndpoint) -> Result<Self, ClientError> {
        let plaintext = match &endpoint.base_url {
            Some(url) => check(url, endpoint.allow_http)?,
            None => Plaintext::Refused,
        };
        let base_url = endpoint.base_url.map(|url| url.as_str().trim_end_matches('/').to_owned());
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(endpoint.ca, plaintext)?)
            .https_only(plaintext == Plaintext::Refused)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()
            .map_err(|error| ConfigFault::Tls(Arc::new(error)))?;
        Ok(Self { base_url, plaintext, http })
    }

    pub(super) fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    pub(super) fn plaintext(&self) -> Plaintext {
        self.plaintext
    }

    /// The shared connection pool.
    pub(super) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }
}

fn check(url: &Url, allow_http: bool) -> Result<Plaintext, ConfigFault> {
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match url.scheme() {
        "https" if bare => Ok(Plaintext::Refused),
        "http" if bare && allow_http && is_loopback(url) => Ok(Plaintext::Loopback),
        _ => Err(ConfigFault::StorageAddress),
    }
}

/// An address, not a name: a name is what its resolver says.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

fn tls(
    authorities: Vec<CertificateDer<'static>>,
    plaintext: Plaintext,
) -> Result<rustls::ClientConfig, ConfigFault> {
    let mut roots = RootCertStore::empty();
    if authorities.is_empty() && plaintext == Plaintext::Refused {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for authority in authorities {
        roots.add(authority).map_err(tls_fault)?;
    }
    if roots.is_empty() && plaintext == Plaintext::Refused {
        return Err(ConfigFault::NoAuthority);
    }
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(tls_fault)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
