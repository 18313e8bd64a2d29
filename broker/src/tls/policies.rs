//! Certificate policies along a path: RFC 5280, sections 4.2.1.4 and 6.1.
//!
//! webpki does not look at them. A policy holds for a leaf when the leaf names it and every issuer of its path may give
//! it: an intermediate without the extension gives none, one with `anyPolicy` gives all. An operator who puts a
//! root into an authority's file trusts it as it is; one that names policies is limited to them (RFC 5937, section 3).
//! Mappings and `inhibitAnyPolicy` are not supported: no policy holds below them.

use std::collections::BTreeSet;
use std::sync::Arc;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ParsedExtension, X509Extension};

/// `anyPolicy`.
const ANY: &str = "2.5.29.32.0";

/// The policies that issuers may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Policies {
    All,
    These(BTreeSet<String>),
}

impl Policies {
    /// Those that an intermediate may give.
    pub(super) fn of_intermediate(certificate: &X509Certificate<'_>) -> Self {
        Self::named(certificate).unwrap_or_else(Self::none)
    }

    /// Those that a root may give.
    pub(super) fn of_root(certificate: &X509Certificate<'_>) -> Self {
        Self::named(certificate).unwrap_or(Self::All)
    }

    fn none() -> Self {
        Self::These(BTreeSet::new())
    }

    /// Those that a certificate names; none when it names no policy. What does not parse or is there twice is
    /// no policy.
    fn named(certificate: &X509Certificate<'_>) -> Option<Self> {
        let unsupported = |extension: &ParsedExtension<'_>| {
            matches!(extension, ParsedExtension::PolicyMappings(_) | ParsedExtension::InhibitAnyPolicy(_))
        };
        let extensions = || certificate.extensions().iter().map(X509Extension::parsed_extension);
        if extensions().any(unsupported) {
            return Some(Self::none());
        }
        let mut named = extensions().filter_map(|extension| match extension {
            ParsedExtension::CertificatePolicies(policies) => Some(policies),
            _ => None,
        });
        let policies = named.next()?;
        if named.next().is_some() {
            return Some(Self::none());
        }
        let ids: BTreeSet<String> = policies.iter().map(|policy| policy.policy_id.to_id_string()).collect();
        Some(if ids.contains(ANY) { Self::All } else { Self::These(ids) })
    }

    /// Those that both may give.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, one) | (one, Self::All) => one,
            (Self::These(one), Self::These(other)) => Self::These(&one & &other),
        }
    }

    /// Those of a leaf that hold below such issuers.
    pub(super) fn of_leaf(&self, leaf: &X509Certificate<'_>) -> Arc<[String]> {
        let Some(Self::These(named)) = Self::named(leaf) else { return Arc::default() };
        let holds = |id: &String| match self {
            Self::All => true,
            Self::These(given) => given.contains(id),
        };
        named.into_iter().filter(holds).collect()
    }
}
