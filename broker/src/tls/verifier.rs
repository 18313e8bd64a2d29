//! Verifies the certificate of one connection, and keeps who vouched for it.
//!
//! rustls asks a verifier and learns yes or no. Each connection therefore has one of its own, which remembers the
//! answer for the peer that is made after the handshake.

use std::sync::{Arc, OnceLock};

use lakegate_domain::{Clock, Timestamp};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::authorities::{Authorities, Vouched};
use super::distrust::Distrust;
use super::settings::ClientCertificates;

/// What was said of the certificate of one connection; empty when none was shown.
pub(crate) type Verdict = Arc<OnceLock<Result<Vouched, Distrust>>>;

/// What all verifiers of one version of the settings share.
#[derive(Debug)]
pub(super) struct Verification {
    pub(super) authorities: Arc<Authorities>,
    pub(super) clients: ClientCertificates,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) hints: Vec<DistinguishedName>,
}

/// The verifier of one connection.
#[derive(Debug)]
pub(super) struct ConnectionVerifier {
    pub(super) shared: Arc<Verification>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) verdict: Verdict,
}

impl ClientCertVerifier for ConnectionVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.shared.clients == ClientCertificates::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.shared.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<CertificateDer<'_>> =
            std::iter::once(end_entity).chain(intermediates).cloned().collect();
        let now: Timestamp = self.clock.now();
        match self.verdict.get_or_init(|| self.shared.authorities.vouch(&chain, now)) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(distrust) => Err(distrust.as_tls()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.shared.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.shared.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.shared.algorithms.supported_schemes()
    }
}
