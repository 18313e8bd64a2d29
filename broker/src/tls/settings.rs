//! The server's TLS settings. Everything rustls leaves to us is set here and in `authorities.rs`, and nowhere else.
//!
//! What rustls and webpki do not do unless they are told, and where it is told:
//!
//! | by default | here |
//! |---|---|
//! | TLS 1.2 is spoken | [`TlsVersions`]: 1.3 unless configured |
//! | any protocol above TLS, and none | `h2` only; a connection without it is dropped (`server/connection.rs`) |
//! | sessions are kept and resumed, tickets are sent | neither: whoever comes back shows the certificate anew |
//! | early data, if allowed | never |
//! | no client certificate is asked for | asked for and, without delegation tokens, required |
//! | all roots in one pool | each authority by itself (`authorities.rs`) |
//! | dates and path length of roots are taken as given | looked at (`authorities.rs`) |
//! | key usage of clients and intermediates is ignored | looked at (`authorities.rs`) |
//! | a chain may be as long as a handshake message | at most 7 certificates (`authorities.rs`) |
//! | the machine's clock | the broker's clock (`verifier.rs`) |

use std::sync::Arc;

use lakegate_domain::Clock;
use rustls::ConfigBuilder;
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::authorities::Authorities;
use super::authority::AuthorityFiles;
use super::verifier::{ConnectionVerifier, Verdict, Verification};
use crate::BuildError;

/// The certificates a server is made of.
#[derive(Debug)]
pub struct TlsFiles {
    /// The server's chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
    /// The authorities that client certificates must chain to.
    pub authorities: Vec<AuthorityFiles>,
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
        const ONLY_TLS13: &[&rustls::SupportedProtocolVersion] = &[&TLS13];
        const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS13, &TLS12];
        match self {
            Self::Tls13 => ONLY_TLS13,
            Self::Tls12And13 => BOTH,
        }
    }
}

/// What the settings of each connection are made from: checked once, so that making them cannot fail.
#[derive(Debug)]
pub(super) struct Template {
    builder: ConfigBuilder<ServerConfig, rustls::WantsVerifier>,
    leaf: Option<CertificateDer<'static>>,
    key: Arc<SingleCertAndKey>,
    verification: Arc<Verification>,
}

impl Template {
    /// Reads keys and authorities.
    ///
    /// # Errors
    /// When there is no usable client authority, a certificate does not parse, or key and certificate do not fit.
    pub(super) fn new(files: TlsFiles) -> Result<Self, BuildError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let authorities = Arc::new(Authorities::new(files.authorities, algorithms)?);
        let leaf = files.chain.first().cloned();
        let key = CertifiedKey::from_der(files.chain, files.key, &provider).map_err(BuildError::Tls)?;
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(files.versions.supported())
            .map_err(BuildError::Tls)?;
        let hints = authorities.hints();
        let verification = Verification { authorities, clients: files.clients, algorithms, hints };
        Ok(Self { builder, leaf, key: Arc::new(key.into()), verification: Arc::new(verification) })
    }

    /// The server's certificate.
    pub(super) fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.leaf.as_ref()
    }

    /// Whoever vouches for clients.
    pub(super) fn authorities(&self) -> &Arc<Authorities> {
        &self.verification.authorities
    }

    /// The settings of one connection, and where its verdict will stand: a client certificate is verified by our
    /// authorities, HTTP/2 is the only protocol, there is no early data and no resumption.
    pub(super) fn for_connection(&self, clock: Arc<dyn Clock>) -> (ServerConfig, Verdict) {
        let verdict = Verdict::default();
        let shared = Arc::clone(&self.verification);
        let verifier = ConnectionVerifier { shared, clock, verdict: Arc::clone(&verdict) };
        let mut config = self
            .builder
            .clone()
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::<SingleCertAndKey>::clone(&self.key));
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.max_early_data_size = 0;
        // A resumed session is not verified again: whoever comes back presents the certificate anew.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        (config, verdict)
    }
}

#[cfg(test)]
mod tests {
    use lakegate_domain::SystemClock;
    use lakegate_testkit::{Authority, Issued};

    use super::*;
    use crate::tls::{AuthorityName, Revocation};

    #[test]
    fn gh10_suites_are_sound_and_nothing_comes_early() {
        let authority = Authority::new().unwrap();
        let Issued { chain, key, .. } = authority.server().unwrap();
        let files = TlsFiles {
            chain,
            key,
            authorities: vec![AuthorityFiles {
                name: AuthorityName::default_name(),
                certificates: vec![authority.certificate()],
                revocation: Revocation::Unchecked,
            }],
            clients: ClientCertificates::Required,
            versions: TlsVersions::Tls12And13,
        };
        let (config, _) = Template::new(files).unwrap().for_connection(Arc::new(SystemClock));
        assert_eq!((config.max_early_data_size, config.send_tls13_tickets), (0, 0));
        assert!(!config.session_storage.can_cache() && !config.ticketer.enabled(), "xc05");
        assert_eq!(config.alpn_protocols, [b"h2"]);
        for suite in &config.crypto_provider().cipher_suites {
            let name = format!("{:?}", suite.suite());
            assert!(name.contains("GCM") || name.contains("CHACHA20_POLY1305"), "{name}");
            assert!(name.starts_with("TLS13_") || name.contains("_ECDHE_"), "{name}");
        }
    }
}
