//! What stands in a revocation list besides its entries: RFC 5280, section 5.1.
//!
//! x509-parser could read a whole list, and would make an object of each entry; a list may have a million. webpki has
//! seen the bytes before and vouches for their shape.

use rustls_pki_types::SignatureVerificationAlgorithm;
use x509_parser::extensions::{IssuingDistributionPoint, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use crate::tls::der::{bits, element, key_of};

/// `[0] EXPLICIT`, which holds the extensions.
const EXTENSIONS: u32 = 0;

/// The parts of a list.
pub(super) struct Header<'a> {
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    /// When it was made.
    pub(super) this_update: ASN1Time,
    /// When there is a newer one.
    pub(super) next_update: ASN1Time,
    extensions: Vec<X509Extension<'a>>,
}

impl<'a> Header<'a> {
    /// Reads a list. None when it is none.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let whole = element(der)?.0.data;
        let (tbs, rest) = element(whole)?;
        let signed = whole.get(..whole.len() - rest.len())?;
        let (algorithm, rest) = element(rest)?;
        let signature = bits(rest)?;
        let (_version, rest) = element(tbs.data)?;
        let (_algorithm, rest) = element(rest)?;
        let (_issuer, rest) = element(rest)?;
        let (rest, this_update) = ASN1Time::from_der(rest).ok()?;
        let (mut rest, next_update) = ASN1Time::from_der(rest).ok()?;
        let mut extensions = Vec::new();
        while !rest.is_empty() {
            let (next, after) = element(rest)?;
            rest = after;
            if next.header.is_contextspecific() && next.tag().0 == EXTENSIONS {
                extensions = read_extensions(element(next.data)?.0.data)?;
            }
        }
        Some(Self { signed, algorithm: algorithm.data, signature, this_update, next_update, extensions })
    }

    /// The list's number, big-endian and without leading zeros; none when it has none.
    pub(super) fn number(&self) -> Option<Vec<u8>> {
        self.extensions.iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLNumber(number) => Some(number.to_bytes_be()),
            _ => None,
        })
    }

    /// For which certificates it is, where it is not for all; with the bytes that say so.
    pub(super) fn distribution_point(&self) -> Option<(&'a [u8], &IssuingDistributionPoint<'a>)> {
        self.extensions.iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(point) => Some((extension.value, point)),
            _ => None,
        })
    }

    /// Whether a key, a `SubjectPublicKeyInfo` in DER, signed it by an algorithm that is believed.
    pub(super) fn is_signed_by(&self, key: &[u8], believed: &[&dyn SignatureVerificationAlgorithm]) -> bool {
        let Some((kind, key)) = key_of(key) else { return false };
        believed
            .iter()
            .filter(|it| {
                it.signature_alg_id().as_ref() == self.algorithm && it.public_key_alg_id().as_ref() == kind
            })
            .any(|it| it.verify_signature(key, self.signed, self.signature).is_ok())
    }
}

fn read_extensions(mut der: &[u8]) -> Option<Vec<X509Extension<'_>>> {
    let mut extensions = Vec::new();
    while !der.is_empty() {
        let (rest, extension) = X509Extension::from_der(der).ok()?;
        extensions.push(extension);
        der = rest;
    }
    Some(extensions)
}
