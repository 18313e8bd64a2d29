//! An authority of client certificates: its name, and the certificates that make it.
//!
//! A file holds roots and, if one likes, the intermediates below them. A certificate that issued itself is a root. One
//! whose issuer stands in the same file is an intermediate: paths go through it up to the root, so that it is checked
//! like any that a client sends. One whose issuer is not there is trusted by itself, as a root is.

use std::fmt;
use std::sync::Arc;

use lakegate_domain::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use serde::Deserialize;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::KeyUsage;
use x509_parser::prelude::FromDer;

use super::policies::Policies;
use super::revocation::Revocation;

/// The longest name of an authority.
const MAX_NAME: usize = 64;

/// The name that a configuration gives to an authority.
///
/// * 1 to 64 characters, lower-case letters, digits and `-`
/// * compared byte for byte
///
/// ```
/// use lakegate_broker::tls::AuthorityName;
/// assert_eq!(AuthorityName::parse("staff-2").unwrap().as_str(), "staff-2");
/// assert!(AuthorityName::parse("Staff").is_err() && AuthorityName::parse("").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct AuthorityName(Arc<str>);

/// A text is no name of an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an authority's name has 1 to 64 characters of a-z, 0-9 and `-`")]
pub struct InvalidAuthorityName;

impl AuthorityName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it breaks a rule.
    pub fn parse(text: &str) -> Result<Self, InvalidAuthorityName> {
        let is_named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_named);
        if is_name { Ok(Self(text.into())) } else { Err(InvalidAuthorityName) }
    }

    /// The name of the one authority that a configuration does not name.
    pub fn default_name() -> Self {
        Self("default".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AuthorityName {
    type Error = InvalidAuthorityName;

    fn try_from(text: String) -> Result<Self, InvalidAuthorityName> {
        Self::parse(&text)
    }
}

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What an authority is made of.
#[derive(Debug, Clone)]
pub struct AuthorityFiles {
    /// Its name.
    pub name: AuthorityName,
    /// Its roots and intermediates.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Whether its certificates can be taken back.
    pub revocation: Revocation,
}

/// Why certificates are no authority. Numbers count from 1, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthorityFault {
    /// There is no certificate.
    #[error("there is no certificate")]
    Empty,
    /// A certificate does not parse.
    #[error("certificate {0} does not parse")]
    Malformed(usize),
    /// A certificate is no authority's: basic constraints or key usage say that it signs no certificates.
    #[error("certificate {0} may not issue certificates")]
    NotAnIssuer(usize),
    /// Certificates issued one another, and none of them is a root.
    #[error("there is no root")]
    NoRoot,
}

/// One certificate of an authority.
#[derive(Debug)]
pub(super) struct Issuer {
    /// Its name, key and name constraints, as paths are built to it.
    pub(super) anchor: TrustAnchor<'static>,
    /// Its key: a `SubjectPublicKeyInfo` in DER (RFC 5280, section 4.1).
    pub(super) key: Vec<u8>,
    begins: Timestamp,
    /// Its last second.
    pub(super) ends: Timestamp,
    /// How many intermediates may stand below it.
    pub(super) path_length: Option<u32>,
    /// The certificate policies that it may give as a root.
    pub(super) policies: Policies,
    /// Whether its key usage lets it sign revocation lists.
    pub(super) signs_lists: bool,
}

impl Issuer {
    /// Reads the `number`th certificate of a file.
    fn read(number: usize, der: &CertificateDer<'static>) -> Result<Self, AuthorityFault> {
        let malformed = AuthorityFault::Malformed(number);
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| malformed)?;
        if !rest.is_empty() {
            return Err(malformed);
        }
        let anchor = webpki::anchor_from_trusted_cert(der).map_err(|_| malformed)?.to_owned();
        let constraints = certificate.basic_constraints().map_err(|_| malformed)?;
        let constraints = constraints.map(|extension| extension.value).filter(|it| it.ca);
        let constraints = constraints.ok_or(AuthorityFault::NotAnIssuer(number))?;
        let usage = certificate.key_usage().map_err(|_| malformed)?.map(|extension| extension.value);
        if usage.is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(AuthorityFault::NotAnIssuer(number));
        }
        let instant = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds(time.timestamp());
        Ok(Self {
            anchor,
            key: certificate.public_key().raw.to_vec(),
            begins: instant(certificate.validity().not_before),
            ends: instant(certificate.validity().not_after),
            policies: Policies::of_root(&certificate),
            path_length: constraints.path_len_constraint,
            signs_lists: usage.is_none_or(KeyUsage::crl_sign),
        })
    }

    /// Its name, without the outer tag of its DER.
    pub(super) fn name(&self) -> &[u8] {
        &self.anchor.subject
    }

    /// Whether its own dates let it vouch; webpki does not look at those of a root.
    pub(super) fn is_valid_at(&self, now: Timestamp) -> bool {
        self.begins <= now && now.as_seconds() <= self.ends.as_seconds()
    }
}

/// The certificates of an authority, sorted.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    /// Where paths end.
    pub(super) roots: Vec<Issuer>,
    /// What paths may go through.
    pub(super) intermediates: Vec<Issuer>,
    /// The intermediates as they stand in the file.
    pub(super) intermediate_ders: Vec<CertificateDer<'static>>,
}

impl Issuers {
    /// Sorts the certificates of a file.
    pub(super) fn sort(certificates: &[CertificateDer<'static>]) -> Result<Self, AuthorityFault> {
        if certificates.is_empty() {
            return Err(AuthorityFault::Empty);
        }
        let mut read = Vec::new();
        for (number, der) in (1..).zip(certificates) {
            let issuer = Issuer::read(number, der)?;
            let (_, certificate) =
                X509Certificate::from_der(der).map_err(|_| AuthorityFault::Malformed(number))?;
            let (subject, by) =
                (certificate.subject().as_raw().to_vec(), certificate.issuer().as_raw().to_vec());
            read.push((subject, by, issuer, der));
        }
        let subjects: Vec<Vec<u8>> = read.iter().map(|(subject, ..)| subject.clone()).collect();
        let mut issuers = Self::default();
        for (subject, by, issuer, der) in read {
            if subject != by && subjects.contains(&by) {
                issuers.intermediates.push(issuer);
                issuers.intermediate_ders.push(der.clone());
            } else {
                issuers.roots.push(issuer);
            }
        }
        if issuers.roots.is_empty() { Err(AuthorityFault::NoRoot) } else { Ok(issuers) }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Issuer> {
        self.roots.iter().chain(&self.intermediates)
    }
}
