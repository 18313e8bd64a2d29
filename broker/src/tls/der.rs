//! Single elements of DER (X.690, section 8.1), where parsing the whole would be too much or lose the bytes.

use x509_parser::asn1_rs::Any;
use x509_parser::prelude::FromDer;

/// One element and what follows it.
pub(super) fn element(der: &[u8]) -> Option<(Any<'_>, &[u8])> {
    Any::from_der(der).ok().map(|(rest, any)| (any, rest))
}

/// The whole bytes of a `BIT STRING`.
pub(super) fn bits(der: &[u8]) -> Option<&[u8]> {
    let (unused, bits) = element(der)?.0.data.split_first()?;
    (*unused == 0).then_some(bits)
}

/// The algorithm, without its outer tag, and the bits of a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
pub(super) fn key_of(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (algorithm, rest) = element(element(der)?.0.data)?;
    Some((algorithm.data, bits(rest)?))
}
