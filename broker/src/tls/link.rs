//! One certificate of a path, as webpki does not look at it.

use lakegate_domain::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use super::der::key_of;
use super::distrust::Distrust;

/// The sizes of RSA keys that are believed, in bits; those of the signature algorithms are the same.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What a certificate is on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// The client's own.
    Client,
    /// One between the client's and the root.
    Intermediate,
}

/// The last second of a certificate, whose key may be used as it is (RFC 5280, section 4.2.1.3).
///
/// # Errors
/// [`Distrust::Usage`] when it may not.
pub(super) fn end_of_link(certificate: &X509Certificate<'_>, link: Link) -> Result<Timestamp, Distrust> {
    let usage = certificate.key_usage().map_err(|_| Distrust::Malformed)?;
    let may = usage.is_none_or(|usage| match link {
        Link::Client => {
            let usage = usage.value;
            usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign()
        }
        Link::Intermediate => usage.value.key_cert_sign(),
    });
    if !may {
        return Err(Distrust::Usage);
    }
    Ok(Timestamp::from_seconds(certificate.validity().not_after.timestamp()))
}

/// Whether a client's key is of a kind and size that is believed. Its handshake would fail anyway; so it fails before
/// anything is computed with the key.
///
/// # Errors
/// [`Distrust::Signature`] when it is not.
pub(super) fn check_key(
    der: &CertificateDer<'_>,
    algorithms: WebPkiSupportedAlgorithms,
) -> Result<(), Distrust> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| Distrust::Malformed)?;
    let key = certificate.public_key();
    let (kind, _) = key_of(key.raw).ok_or(Distrust::Malformed)?;
    let is_known = algorithms.all.iter().any(|it| it.public_key_alg_id().as_ref() == kind);
    let is_sized = match key.parsed().map_err(|_| Distrust::Malformed)? {
        PublicKey::RSA(rsa) => RSA_BITS.contains(&rsa.key_size()),
        _ => true,
    };
    if is_known && is_sized { Ok(()) } else { Err(Distrust::Signature) }
}

/// Whether an issuer's certificate says which names may stand below it; one that does not parse says anything.
pub(super) fn constrains_names(der: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(der).map_or(true, |(_, it)| !matches!(it.name_constraints(), Ok(None)))
}

/// Whether a client's common name keeps to the name constraints of its path. Constraints speak of names in their own
/// extension; a host's name that stands in the common name alone would slip past them. One that stands in both was
/// looked at.
///
/// # Errors
/// [`Distrust::Constraint`] when it does not.
pub(super) fn check_common_name(der: &CertificateDer<'_>) -> Result<(), Distrust> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| Distrust::Malformed)?;
    let names = certificate.subject_alternative_name().map_err(|_| Distrust::Malformed)?;
    let hosts: Vec<&str> = names
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| if let GeneralName::DNSName(host) = name { Some(*host) } else { None })
        .collect();
    for name in certificate.subject().iter_common_name() {
        let name = name.as_str().map_err(|_| Distrust::Constraint)?;
        let is_a_hosts = name.contains(['.', '*']) || !name.is_ascii();
        if is_a_hosts && !hosts.iter().any(|host| host.eq_ignore_ascii_case(name)) {
            return Err(Distrust::Constraint);
        }
    }
    Ok(())
}
