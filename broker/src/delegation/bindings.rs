//! What a connection proves that a token may be bound to.
//!
//! The client's certificate was verified; its public key is proven by the handshake. A carrier's certificate vouches for a
//! pod when its one SPIFFE URI ends in `/pod/` and a UID, as workload registrars write it from the pod's metadata; it
//! does so for pods of its own trust domain, because another mesh may name the same UID.

use std::collections::BTreeSet;

use lakegate_delegation::Binding;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::Failure;
use crate::identity::Standing;

/// What a verified leaf certificate proves, of whoever it names; nothing when it does not parse. Only a carrier, which a
/// profile admits for its trust domain, vouches for a pod.
pub(crate) fn bindings_of(leaf: &[u8], standing: Option<Standing>) -> Vec<Binding> {
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return Vec::new() };
    let mut proven = vec![Binding::of_public_key(certificate.public_key().raw)];
    if standing == Some(Standing::Carrier) {
        proven.extend(pod_of(&certificate).map(|(domain, uid)| Binding::pod(domain, uid)));
    }
    proven
}

/// The pod that somebody wants a token bound to: a UID, or a trust domain, a slash and a UID. A UID by itself is enough
/// where the carriers that the broker knows have one trust domain.
///
/// # Errors
/// [`Failure::Field`] for what is no such thing, or names pods for which nobody vouches here.
pub(crate) fn pod_binding(pod: &str, carriers_domains: &BTreeSet<&str>) -> Result<Binding, Failure> {
    let (domain, uid) = match pod.split_once('/') {
        Some((domain, uid)) => (Some(domain), uid),
        None => (None, pod),
    };
    if !is_pod_uid(uid) {
        return Err(Failure::Field("pod_uid is not one"));
    }
    let mut domains = carriers_domains.iter();
    let domain = match (domain, domains.next(), domains.next()) {
        (_, None, _) => return Err(Failure::Field("no carrier vouches for pods here")),
        (Some(domain), ..) => domain,
        (None, Some(only), None) => only,
        (None, ..) => {
            return Err(Failure::Field(
                "pod_uid needs its trust domain and a slash before it: there are several",
            ));
        }
    };
    if !carriers_domains.contains(domain) {
        return Err(Failure::Field("pod_uid names a trust domain without carriers here"));
    }
    Ok(Binding::pod(domain, uid))
}

/// The trust domain and the pod that a certificate names.
fn pod_of<'a>(certificate: &'a X509Certificate<'_>) -> Option<(&'a str, &'a str)> {
    let names = &certificate.subject_alternative_name().ok().flatten()?.value.general_names;
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let (uri, None) = (uris.next()?, uris.next()) else { return None };
    let (domain, path) = uri.strip_prefix("spiffe://")?.split_once('/')?;
    let (rest, uid) = path.rsplit_once('/')?;
    let is_pod = rest == "pod" || rest.ends_with("/pod");
    (is_pod && is_pod_uid(uid)).then_some((domain, uid))
}

/// Whether a text is a pod's UID: 36 characters of lower-case hexadecimal and hyphens, as Kubernetes writes it.
fn is_pod_uid(text: &str) -> bool {
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
        let bindings_of = |leaf: &[u8]| super::bindings_of(leaf, Some(Standing::Carrier));
        assert_eq!(bindings_of(&one), bindings_of(&renewed), "a renewed certificate keeps the binding");
        assert_ne!(bindings_of(&one), bindings_of(&leaf(&[]).0));
        assert_eq!(bindings_of(b"x"), []);
    }

    #[test]
    fn a_pod_is_named_by_one_spiffe_uri_that_ends_in_its_uid() {
        let pods = |uris: &[&str]| {
            let (leaf, _) = leaf(uris);
            bindings_of(&leaf, Some(Standing::Carrier)).contains(&Binding::pod("lake.example", UID))
        };
        let good = ["spiffe://lake.example/ns/etl/pod/", UID].concat();
        assert!(pods(&[&good]));
        assert!(pods(&[&["spiffe://lake.example/pod/", UID].concat()]));
        for bad in [
            ["spiffe://lake.example/ns/etl/sa/", UID].concat(),
            ["https://lake.example/pod/", UID].concat(),
            ["spiffe://lake.example/xpod/", UID].concat(),
            ["spiffe://other.example/ns/etl/pod/", UID].concat(),
            ["spiffe://pod/", UID].concat(),
            [&good, "/x"].concat(),
        ] {
            assert!(!pods(&[&bad]), "{bad}");
        }
        assert!(!pods(&[&good, "spiffe://lake.example/x"]), "two names are none");
        let leaf = leaf(&[&good]).0;
        for nobody in [None, Some(Standing::Caller(lakegate_domain::CallerKind::Workload))] {
            assert_eq!(bindings_of(&leaf, nobody).len(), 1, "only carriers vouch for pods: {nobody:?}");
        }
    }

    #[test]
    fn dt15_a_pod_is_one_of_a_trust_domain_and_the_domain_is_said_where_there_are_several() {
        let [a, b] = ["a.example", "b.example"].map(|domain| Binding::pod(domain, UID));
        assert_ne!(a, b);
        let of = |pod: &str, domains: &[&str]| pod_binding(pod, &domains.iter().copied().collect()).ok();
        assert_eq!(of(UID, &["a.example"]), Some(a));
        let of_b = ["b.example/", UID].concat();
        assert_eq!(of(&of_b, &["a.example", "b.example"]), Some(b));
        assert_eq!(of(UID, &["a.example", "b.example"]), None, "which one?");
        assert_eq!(of(&of_b, &["a.example"]), None, "nobody vouches for it");
        assert_eq!(of(UID, &[]), None);
        for bad in
            ["", "x", "a.example/x", "a.example/", &["/", UID].concat(), &["a.example/x/", UID].concat()]
        {
            assert_eq!(of(bad, &["a.example"]), None, "{bad}");
        }
    }
}
