//! Chains that are much work, keys and signatures that are weak or too large.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lakegate_testkit::{Authority as Issuer, der_element};
use rcgen::{CertificateParams, DnType};
use rustls_pki_types::alg_id::{ECDSA_P256, ECDSA_SHA256};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::chains::{algorithms, authorities, now};
use super::*;
use crate::tls::der::element;
use crate::tls::revocation::cpu_time;

/// The most that a handshake may compute over a chain.
const MOST_CPU: Duration = Duration::from_millis(50);

/// What is said of a chain, which must not take long.
fn word_in_time(root: &Issuer, chain: &[CertificateDer<'_>]) -> Result<(), Distrust> {
    let authorities = authorities(&[root]);
    let before = cpu_time();
    let word = authorities.vouch(chain, now()).map(drop);
    let took = cpu_time().saturating_sub(before);
    assert!(took <= MOST_CPU, "{took:?} for {word:?}");
    word
}

#[test]
fn xc15_pathological_chains_are_little_work() {
    let root = Issuer::new().unwrap();
    // A hundred certificates.
    let mut issuer = Issuer::new().unwrap();
    for _ in 0..98 {
        issuer = issuer.intermediate_with("Deep", |_| ()).unwrap();
    }
    let deep = issuer.client("alice").unwrap().chain;
    assert_eq!((deep.len(), word_in_time(&root, &deep)), (99, Err(Distrust::Limits)));
    // Authorities that issued one another.
    let named = |name: &'static str| {
        move |params: &mut CertificateParams| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
        }
    };
    let (one, two) = (Issuer::root_with(named("One")).unwrap(), Issuer::root_with(named("Two")).unwrap());
    let crossed = |by: &Issuer, name| by.intermediate_with(name, |_| ()).unwrap().certificate();
    let mut cycle = one.client("alice").unwrap().chain;
    cycle.extend([crossed(&two, "One"), crossed(&one, "Two"), crossed(&two, "One"), crossed(&one, "Two")]);
    assert_eq!(word_in_time(&root, &cycle), Err(Distrust::UnknownIssuer));
    // Six of one name, which all could have issued one another, below a name that the root has.
    let impostor = Issuer::new().unwrap();
    let mut alike = impostor.client("alice").unwrap().chain;
    alike.extend((0..6).map(|_| crossed(&impostor, "Lakegate throw-away CA")));
    assert!(word_in_time(&root, &alike).is_err());
    // One key under many names.
    let mut many = one.client("alice").unwrap().chain;
    let all = ["One", "Two", "Three", "Four", "Five", "Six"];
    many.extend(all.map(|name| one.twin_with(named(name)).unwrap().certificate()));
    assert!(word_in_time(&root, &many).is_err());
}

/// How many signatures were looked at by [`Counted`], which one test uses.
static CHECKS: AtomicUsize = AtomicUsize::new(0);

/// The algorithm of all certificates here, counted.
#[derive(Debug)]
struct Counted;

impl Counted {
    fn algorithm() -> &'static dyn SignatureVerificationAlgorithm {
        let is_ours = |it: &&&dyn SignatureVerificationAlgorithm| {
            it.public_key_alg_id() == ECDSA_P256 && it.signature_alg_id() == ECDSA_SHA256
        };
        *algorithms().all.iter().find(is_ours).unwrap()
    }
}

impl SignatureVerificationAlgorithm for Counted {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        CHECKS.fetch_add(1, Ordering::Relaxed);
        Self::algorithm().verify_signature(key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_SHA256
    }
}

#[test]
fn xc15_the_bound_is_one_for_all_authorities_together() {
    // Three authorities with many roots of one name and different keys: each certificate of that name could be of any.
    let files = |name: &str| AuthorityFiles {
        name: AuthorityName::parse(name).unwrap(),
        certificates: (0..40).map(|_| Issuer::new().unwrap().certificate()).collect(),
        revocation: Revocation::Unchecked,
    };
    let counted = WebPkiSupportedAlgorithms { all: &[&Counted], mapping: &[] };
    let three = ["a", "b", "c"].map(files).to_vec();
    let one = Authorities::new(vec![three[0].clone()], counted).unwrap();
    let all = Authorities::new(three, counted).unwrap();
    let impostor = Issuer::new().unwrap();
    let same_name = || impostor.intermediate_with("Lakegate throw-away CA", |_| ()).unwrap();
    let mut chain = impostor.client("alice").unwrap().chain;
    chain.extend((0..6).map(|_| same_name().certificate()));
    let checks = |authorities: &Authorities| {
        let before = CHECKS.load(Ordering::Relaxed);
        assert_eq!(authorities.vouch(&chain, now()), Err(Distrust::Limits));
        CHECKS.load(Ordering::Relaxed) - before
    };
    let of_one = checks(&one);
    assert!((50..=101).contains(&of_one), "{of_one}");
    assert_eq!(checks(&all), of_one);
}

/// An RSA key of so many bits: RFC 8017, appendix A.1.
fn rsa(bits: usize) -> Vec<u8> {
    let modulus = [vec![0, 0xc5], vec![0x5b; bits / 8 - 2], vec![0x3d]].concat();
    let key = der_element(0x30, &[der_element(2, &modulus), der_element(2, &[1, 0, 1])].concat());
    let kind = [&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 1][..], &[5, 0]].concat();
    der_element(0x30, &[der_element(0x30, &kind), der_element(3, &[vec![0], key].concat())].concat())
}

/// A key on P-256 whose curve is written out instead of named: RFC 3279, section 2.3.5.
fn explicit_curve() -> Vec<u8> {
    let field = [&[6, 7, 42, 134, 72, 206, 61, 1, 1][..], &der_element(2, &[0x7f; 33])].concat();
    let curve = [der_element(4, &[1; 32]), der_element(4, &[2; 32])].concat();
    let parameters = [
        der_element(2, &[1]),
        der_element(0x30, &field),
        der_element(0x30, &curve),
        der_element(4, &[4; 65]),
        der_element(2, &[0x7f; 32]),
    ];
    let kind = [&[6, 7, 42, 134, 72, 206, 61, 2, 1][..], &der_element(0x30, &parameters.concat())].concat();
    der_element(0x30, &[der_element(0x30, &kind), der_element(3, &[vec![0], vec![4; 65]].concat())].concat())
}

#[test]
fn xc16_weak_and_oversized_keys_and_written_out_curves_are_refused_before_they_are_used() {
    let root = Issuer::new().unwrap();
    let leaf = root.client("alice").unwrap().chain.remove(0);
    let with_key = |key: &[u8]| word_in_time(&root, &[root.for_other_key(&leaf, key).unwrap()]);
    assert_eq!(with_key(&rsa(2048)), Ok(()));
    assert_eq!(with_key(&rsa(4096)), Ok(()));
    for bits in [1024, 2040, 8200, 16_384] {
        assert_eq!(with_key(&rsa(bits)), Err(Distrust::Signature), "{bits}");
    }
    assert_eq!(with_key(&explicit_curve()), Err(Distrust::Signature));
}

/// One certificate of `broker/tests/fixtures/sha-1`.
fn fixture(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn xc16_a_chain_that_is_signed_with_sha_1_is_refused_and_the_same_with_sha_256_is_not() {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY as SHA1, UnparsedPublicKey};
    let root = fixture(include_str!("../../../tests/fixtures/sha-1/root.pem"));
    let sha1 = fixture(include_str!("../../../tests/fixtures/sha-1/sha1.pem"));
    let sha256 = fixture(include_str!("../../../tests/fixtures/sha-1/sha256.pem"));
    let files = AuthorityFiles {
        name: AuthorityName::default_name(),
        certificates: vec![root.clone()],
        revocation: Revocation::Unchecked,
    };
    let authorities = Authorities::new(vec![files], algorithms()).unwrap();
    // In the year 2033, when all of them are valid.
    let word = |leaf: &CertificateDer<'static>| {
        authorities.vouch(std::slice::from_ref(leaf), Timestamp::from_seconds(2_000_000_000)).map(drop)
    };
    assert_eq!(word(&sha256), Ok(()));
    assert_eq!(word(&sha1), Err(Distrust::Signature));
    // It is a good signature, and made with SHA-1.
    let (_, issuer) = X509Certificate::from_der(&root).unwrap();
    let (_, leaf) = X509Certificate::from_der(&sha1).unwrap();
    let key = UnparsedPublicKey::new(&SHA1, issuer.public_key().subject_public_key.data.as_ref());
    let signed = der_of_signed_part(&sha1);
    assert!(key.verify(signed, leaf.signature_value.data.as_ref()).is_ok());
}

/// What an issuer signs of a certificate: RFC 5280, section 4.1.
fn der_of_signed_part(certificate: &[u8]) -> &[u8] {
    let whole = element(certificate).unwrap().0.data;
    let (_, rest) = element(whole).unwrap();
    &whole[..whole.len() - rest.len()]
}

#[test]
fn xc16_signatures_over_sha_1_are_of_no_algorithm_that_is_believed() {
    // sha1WithRSAEncryption, RFC 3279, section 2.2.1; ecdsa-with-SHA1, section 2.2.3.
    let sha1: [&[u8]; 2] = [&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 5], &[6, 7, 42, 134, 72, 206, 61, 4, 1]];
    assert!(!algorithms().all.is_empty());
    for algorithm in algorithms().all {
        let id = algorithm.signature_alg_id();
        assert!(sha1.iter().all(|sha1| !id.as_ref().starts_with(sha1)), "{algorithm:?}");
    }
}
