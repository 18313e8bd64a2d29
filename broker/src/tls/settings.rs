//! The server's TLS settings. Everything rustls leaves to us is set here and nowhere else.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::BuildError;

/// The certificates a server is made of.
#[derive(Debug)]
pub struct TlsFiles {
    /// The server's chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
    /// The authorities that client certificates must chain to.
    pub client_ca: Vec<CertificateDer<'static>>,
    /// Whether clients must present a certificate.
    pub clients: ClientCertificates,
    /// What clients may speak.
    pub versions: TlsVersions,
}

/// Whether clients must present a certificate. One that is presented is verified either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// No handshake without one: the default.
    Required,
    /// A handshake may do without; such a connection has no identity, and only a delegation token gives its requests
    /// one.
    Optional,
}

/// The TLS versions that clients may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.3 only: the default.
    Tls13,
    /// 1.2 too, by configuration.
    Tls12And13,
}

impl TlsVersions {
    fn supported(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
        const TLS13: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];
        const BOTH: &[&rustls::SupportedProtocolVersion] =
            &[&rustls::version::TLS13, &rustls::version::TLS12];
        match self {
            Self::Tls13 => TLS13,
            Self::Tls12And13 => BOTH,
        }
    }
}

/// Makes the settings: a client certificate is verified against our authorities, HTTP/2 is the only protocol, there is
/// no early data and no resumption. With them goes whoever verified client certificates, to verify them again.
///
/// # Errors
/// When there is no client CA, a certificate does not parse, or key and certificate do not fit.
pub(super) fn server_config(
    files: TlsFiles,
) -> Result<(ServerConfig, Arc<dyn ClientCertVerifier>), BuildError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for authority in files.client_ca {
        roots.add(authority).map_err(BuildError::Tls)?;
    }
    if roots.is_empty() {
        return Err(BuildError::NoClientCa);
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = match files.clients {
        ClientCertificates::Required => verifier,
        ClientCertificates::Optional => verifier.allow_unauthenticated(),
    };
    let verifier = verifier.build().map_err(|_| BuildError::NoClientCa)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(files.versions.supported())
        .map_err(BuildError::Tls)?
        .with_client_cert_verifier(Arc::clone(&verifier))
        .with_single_cert(files.chain, files.key)
        .map_err(BuildError::Tls)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.max_early_data_size = 0;
    // A resumed session is not verified again: whoever comes back presents the certificate anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok((config, verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gh10_suites_are_sound_and_nothing_comes_early() {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = TlsFiles {
            chain: vec![cert.der().clone()],
            key: PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap(),
            client_ca: vec![cert.der().clone()],
            clients: ClientCertificates::Required,
            versions: TlsVersions::Tls12And13,
        };
        let (config, _) = server_config(files).unwrap();
        assert_eq!((config.max_early_data_size, config.send_tls13_tickets), (0, 0));
        for suite in &config.crypto_provider().cipher_suites {
            let name = format!("{:?}", suite.suite());
            assert!(name.contains("GCM") || name.contains("CHACHA20_POLY1305"), "{name}");
            assert!(name.starts_with("TLS13_") || name.contains("_ECDHE_"), "{name}");
        }
    }
}
