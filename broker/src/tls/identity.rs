//! Which principal a client certificate names.
//!
//! The chain was verified by rustls; here the leaf is only read. With a SPIFFE URI the identity is that URI and
//! nothing else; without one it is the common name. Two candidates for one field are an error, never "first wins".
//! Source: SPIFFE X509-SVID section 2; RFC 5280 sections 4.1.2.6 and 4.2.1.6.

use lakegate_domain::{Principal, Timestamp};
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// Why a verified certificate names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// No certificate was presented.
    #[error("no client certificate")]
    Missing,
    /// The certificate does not parse.
    #[error("client certificate does not parse")]
    Malformed,
    /// Neither a SPIFFE URI nor a common name.
    #[error("client certificate names no identity")]
    NoIdentity,
    /// More than one URI, or more than one common name.
    #[error("client certificate names more than one identity")]
    Ambiguous,
    /// The name is no principal.
    #[error("client certificate names an identity outside the alphabet")]
    Name,
}

/// The instants from which and to which a leaf certificate may be used, both included. None when it does not parse.
pub(crate) fn validity_of(leaf: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let validity = certificate.validity();
    let instant = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds(time.timestamp());
    Some((instant(validity.not_before), instant(validity.not_after)))
}

/// The instant at which a leaf certificate ends; it may be used up to it. None when it does not parse.
pub(crate) fn end_of(leaf: &[u8]) -> Option<Timestamp> {
    validity_of(leaf).map(|(_, ends)| ends)
}

/// The principal that a leaf certificate names.
///
/// # Errors
/// When it names none, several, or one outside the principal alphabet.
pub fn principal_of(leaf: &[u8]) -> Result<Principal, IdentityError> {
    let (rest, certificate) = X509Certificate::from_der(leaf).map_err(|_| IdentityError::Malformed)?;
    if !rest.is_empty() {
        return Err(IdentityError::Malformed);
    }
    match uri_of(&certificate)? {
        Some(uri) => from_spiffe(uri),
        None => from_common_name(&certificate),
    }
}

fn uri_of<'a>(certificate: &'a X509Certificate<'_>) -> Result<Option<&'a str>, IdentityError> {
    let names = certificate.subject_alternative_name().map_err(|_| IdentityError::Malformed)?;
    let mut uris = names
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None });
    let first = uris.next();
    if uris.next().is_some() {
        return Err(IdentityError::Ambiguous);
    }
    Ok(first)
}

fn from_spiffe(uri: &str) -> Result<Principal, IdentityError> {
    let id = uri.strip_prefix("spiffe://").ok_or(IdentityError::Name)?;
    let (domain, path) = id.split_once('/').ok_or(IdentityError::Name)?;
    let domain_is_canonical = domain
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'));
    let path_is_canonical =
        path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/'));
    if domain.is_empty() || !domain_is_canonical || !path_is_canonical {
        return Err(IdentityError::Name);
    }
    Principal::parse(&["spiffe:", id].concat()).map_err(|_| IdentityError::Name)
}

fn from_common_name(certificate: &X509Certificate<'_>) -> Result<Principal, IdentityError> {
    let mut names = certificate.subject().iter_common_name();
    let first = names.next().ok_or(IdentityError::NoIdentity)?;
    if names.next().is_some() {
        return Err(IdentityError::Ambiguous);
    }
    let text = first.as_str().map_err(|_| IdentityError::Name)?;
    if text.contains(':') {
        return Err(IdentityError::Name);
    }
    Principal::parse(text).map_err(|_| IdentityError::Name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn leaf(names: &[&str], uris: &[&str]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (index, name) in names.iter().enumerate() {
            // A second common name needs a type of its own to be kept.
            let kind = if index == 0 { DnType::CommonName } else { DnType::CustomDnType(vec![2, 5, 4, 3]) };
            params.distinguished_name.push(kind, *name);
        }
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_spiffe_uri_wins_over_a_common_name() {
        let der = leaf(&["someone"], &["spiffe://prod.example.com/ns/etl/sa/loader"]);
        assert_eq!(principal_of(&der).unwrap().as_str(), "spiffe:prod.example.com/ns/etl/sa/loader");
    }

    #[test]
    fn a_common_name_is_a_bare_principal() {
        assert_eq!(principal_of(&leaf(&["alice"], &[])).unwrap().as_str(), "alice");
    }

    #[test]
    fn xc17_two_identities_are_refused() {
        let two_uris = leaf(&[], &["spiffe://a.example/x", "spiffe://a.example/y"]);
        assert_eq!(principal_of(&two_uris), Err(IdentityError::Ambiguous));
        assert_eq!(principal_of(&leaf(&["alice", "bob"], &[])), Err(IdentityError::Ambiguous));
    }

    #[test]
    fn xc18_names_outside_the_alphabet_are_refused() {
        for bad in ["a b", "a\nb", "*", "spiffe:x", "\u{202e}x", &"x".repeat(300)] {
            assert_eq!(principal_of(&leaf(&[bad], &[])), Err(IdentityError::Name), "{bad:?}");
        }
        for bad in
            ["https://a.example/x", "spiffe://A.example/x", "spiffe://a.example", "spiffe://a.example//x"]
        {
            assert_eq!(principal_of(&leaf(&["alice"], &[bad])), Err(IdentityError::Name), "{bad}");
        }
        assert_eq!(principal_of(&leaf(&[], &[])), Err(IdentityError::NoIdentity));
        assert_eq!(principal_of(b"junk"), Err(IdentityError::Malformed));
    }
}
