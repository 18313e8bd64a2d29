//! From when to when a certificate may be used.

use lakegate_domain::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

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
