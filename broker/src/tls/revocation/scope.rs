//! For which certificates of its issuer a list is: RFC 5280, sections 5.2.5 and 6.3.3 (b).

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{
    CRLDistributionPoint, DistributionPointName, GeneralName, IssuingDistributionPoint, ParsedExtension,
};

/// The certificates that a list is for.
#[derive(Debug, Default)]
pub(super) struct Scope {
    only: Option<Only>,
    /// The list's places. A certificate must name one of them; none: all certificates.
    places: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    Clients,
    Issuers,
}

impl Scope {
    /// Reads a scope. None for one that is not supported: some reasons only, attribute certificates, entries of other
    /// issuers, no place or places that are no URIs. x509-parser leaves out what it cannot read, so a place that is not
    /// there may be one that it did not understand.
    pub(super) fn read(point: &IssuingDistributionPoint<'_>) -> Option<Self> {
        let is_part = point.only_some_reasons.is_some()
            || point.indirect_crl
            || point.only_contains_attribute_certs
            || (point.only_contains_user_certs && point.only_contains_ca_certs);
        if is_part {
            return None;
        }
        let only = match (point.only_contains_user_certs, point.only_contains_ca_certs) {
            (true, _) => Some(Only::Clients),
            (_, true) => Some(Only::Issuers),
            _ => None,
        };
        let places: Vec<String> = point.distribution_point.iter().flat_map(uris).map(str::to_owned).collect();
        (!places.is_empty()).then_some(Self { only, places })
    }

    /// Whether the list is for a certificate, of a client or of an issuer.
    pub(super) fn covers(&self, certificate: &X509Certificate<'_>, is_issuer: bool) -> bool {
        let is_kind = match self.only {
            None => true,
            Some(Only::Clients) => !is_issuer,
            Some(Only::Issuers) => is_issuer,
        };
        is_kind && (self.places.is_empty() || points_of(certificate).any(|point| self.is_at(point)))
    }

    /// Whether the list stands at a place that a certificate names; a place for some reasons, or with a list of another
    /// issuer, is not this one.
    fn is_at(&self, point: &CRLDistributionPoint<'_>) -> bool {
        let whole = point.reasons.is_none() && point.crl_issuer.is_none();
        let mut named = point.distribution_point.iter().flat_map(uris);
        whole && named.any(|uri| self.places.iter().any(|place| place == uri))
    }
}

fn points_of<'a>(certificate: &'a X509Certificate<'_>) -> impl Iterator<Item = &'a CRLDistributionPoint<'a>> {
    certificate.extensions().iter().flat_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => points.points.as_slice(),
        _ => &[],
    })
}

fn uris<'a>(name: &'a DistributionPointName<'_>) -> impl Iterator<Item = &'a str> {
    let names = match name {
        DistributionPointName::FullName(names) => names.as_slice(),
        DistributionPointName::NameRelativeToCRLIssuer(_) => &[],
    };
    names.iter().filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None })
}
