//! What a connection proves that a token may be bound to.
//!
//! The client's certificate was verified; its public key is proven by the handshake. A certificate vouches for a pod when
//! its one SPIFFE URI ends in `/pod/` and a UID, as workload registrars write it from the pod's metadata.

use lakegate_delegation::Binding;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// What a verified leaf certificate proves; nothing when it does not parse.
pub(crate) fn bindings_of(leaf: &[u8]) -> Vec<Binding> {
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return Vec::new() };
    let mut proven = vec![Binding::of_public_key(certificate.public_key().raw)];
    proven.extend(pod_of(&certificate).map(Binding::pod));
    proven
}

fn pod_of<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a str> {
    let names = &certificate.subject_alternative_name().ok().flatten()?.value.general_names;
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let (uri, None) = (uris.next()?, uris.next()) else { return None };
    let (rest, uid) = uri.strip_prefix("spiffe://")?.rsplit_once('/')?;
    (rest.ends_with("/pod") && is_pod_uid(uid)).then_some(uid)
}

/// Whether a text is a pod's UID: 36 characters of lower-case hexadecimal and hyphens, as Kubernetes writes it.
pub(crate) fn is_pod_uid(text: &str) -> bool {
    let is_one = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_one)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    const UID: &str = "0f4ac5b2-33a1-4c1e-9a57-0d6d1a3a7b11";

    fn leaf(uris: &[&str]) -> (Vec<u8>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        (params.self_signed(&key).unwrap().der().to_vec(), key)
    }

    #[test]
    fn a_certificate_proves_its_key_and_another_one_with_that_key_proves_the_same() {
        let (one, key) = leaf(&[]);
        let renewed = CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
        assert_ne!(one, renewed);
        assert_eq!(bindings_of(&one), bindings_of(&renewed), "a renewed certificate keeps the binding");
        assert_ne!(bindings_of(&one), bindings_of(&leaf(&[]).0));
        assert_eq!(bindings_of(b"x"), []);
    }

    #[test]
    fn a_pod_is_named_by_one_spiffe_uri_that_ends_in_its_uid() {
        let pods = |uris: &[&str]| {
            let (leaf, _) = leaf(uris);
            bindings_of(&leaf).contains(&Binding::pod(UID))
        };
        let good = ["spiffe://lake.example/ns/etl/pod/", UID].concat();
        assert!(pods(&[&good]));
        for bad in [
            ["spiffe://lake.example/ns/etl/sa/", UID].concat(),
            ["https://lake.example/pod/", UID].concat(),
            ["spiffe://lake.example/xpod/", UID].concat(),
            [&good, "/x"].concat(),
        ] {
            assert!(!pods(&[&bad]), "{bad}");
        }
        assert!(!pods(&[&good, "spiffe://lake.example/x"]), "two names are none");
    }
}
