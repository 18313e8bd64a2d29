//! All authorities of client certificates, and whether one of them vouches for a chain.
//!
//! Each authority is asked by itself, with its own roots and nobody else's: there is no pool in which a certificate of
//! one tenant's authority could pass for another's. webpki builds the path and checks signatures, dates, purposes,
//! path lengths and name constraints; what it leaves to us is looked at here, on the path that it found:
//!
//! * the root's dates and path length, which webpki takes as given;
//! * key usage, which it ignores: a client's key signs handshakes and no certificates, an intermediate's signs them;
//! * the kind and size of a client's key, before anything is computed with it;
//! * certificate policies (`policies.rs`);
//! * common names below name constraints, which speak of other names only;
//! * whether an issuer took a certificate of the path back (`revocation.rs`);
//! * how many certificates a client may send, and that no two authorities vouch for the same chain.

use std::cell::Cell;
use std::sync::Arc;

use lakegate_domain::Timestamp;
use rustls::DistinguishedName;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{Cert, EndEntityCert, VerifiedPath};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::authority::{AuthorityFiles, AuthorityName, Issuer, Issuers};
use super::distrust::Distrust;
use super::link::{Link, check_common_name, check_key, constrains_names, end_of_link};
use super::policies::Policies;
use super::revocation::{Certificate, Revocation, RevocationBook};
use crate::BuildError;

/// The most certificates that a client may send besides its own; webpki goes through no more either.
const MOST_INTERMEDIATES: usize = 6;

/// An authority's word for a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    /// Who vouches.
    pub(crate) authority: AuthorityName,
    /// The last second for which it does: the end of the shortest-lived certificate of the path, the root included.
    pub(crate) until: Timestamp,
    /// The certificate policies of the leaf that all issuers of the path may give, as object identifiers.
    pub(crate) policies: Arc<[String]>,
}

/// The authorities in force.
#[derive(Debug)]
pub(crate) struct Authorities {
    each: Vec<Authority>,
    algorithms: WebPkiSupportedAlgorithms,
    /// What they were made of.
    files: Vec<AuthorityFiles>,
}

#[derive(Debug)]
struct Authority {
    name: AuthorityName,
    issuers: Arc<Issuers>,
    revocation: Revocation,
    /// The roots once more, side by side, as webpki wants them.
    anchors: Vec<TrustAnchor<'static>>,
}

impl Authorities {
    /// Reads all authorities.
    ///
    /// # Errors
    /// When there is none, one is not usable, a name is used twice, or two share an issuer: then nobody could say whose
    /// a certificate is.
    pub(crate) fn new(
        files: Vec<AuthorityFiles>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, BuildError> {
        let mut each: Vec<Authority> = Vec::new();
        for AuthorityFiles { name, certificates, revocation } in &files {
            let (name, fault) = (name.clone(), name.clone());
            let issuers = Issuers::sort(certificates)
                .map_err(|source| BuildError::ClientAuthority { name: fault, source })?;
            let anchors = issuers.roots.iter().map(|root| root.anchor.clone()).collect();
            let next =
                Authority { name, issuers: Arc::new(issuers), revocation: revocation.clone(), anchors };
            for before in &each {
                if before.name == next.name {
                    return Err(BuildError::AuthorityTwice { name: next.name });
                }
                if before.shares_an_issuer_with(&next) {
                    return Err(BuildError::SharedAuthority { one: before.name.clone(), other: next.name });
                }
            }
            each.push(next);
        }
        if each.is_empty() {
            return Err(BuildError::NoClientCa);
        }
        Ok(Self { each, algorithms, files })
    }

    /// Whether they are made of these files.
    pub(crate) fn are_of(&self, files: &[AuthorityFiles]) -> bool {
        let is_same = |(one, other): (&AuthorityFiles, &AuthorityFiles)| {
            let same_lists = match (&one.revocation, &other.revocation) {
                (Revocation::Unchecked, Revocation::Unchecked) => true,
                (Revocation::Lists(one), Revocation::Lists(other)) => Arc::ptr_eq(one, other),
                _ => false,
            };
            same_lists && one.name == other.name && one.certificates == other.certificates
        };
        self.files.len() == files.len() && self.files.iter().zip(files).all(is_same)
    }

    /// They are in force from now on: revocation lists are judged by their certificates.
    pub(crate) fn begin(&self, now: Timestamp) {
        for authority in &self.each {
            if let Revocation::Lists(book) = &authority.revocation {
                book.know(&authority.issuers, now);
            }
        }
    }

    /// The revocation lists of those that have any.
    pub(crate) fn books(&self) -> impl Iterator<Item = &Arc<RevocationBook>> {
        self.each.iter().filter_map(|authority| match &authority.revocation {
            Revocation::Lists(book) => Some(book),
            Revocation::Unchecked => None,
        })
    }

    /// The names of all issuers, for clients to choose a certificate by.
    pub(crate) fn hints(&self) -> Vec<DistinguishedName> {
        let issuers = self.each.iter().flat_map(|authority| authority.issuers.all());
        issuers.map(|issuer| DistinguishedName::in_sequence(&issuer.anchor.subject)).collect()
    }

    /// Who vouches for a chain, leaf first.
    ///
    /// # Errors
    /// Why nobody does, or not only one.
    pub(crate) fn vouch(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<Vouched, Distrust> {
        let (leaf, sent) = chain.split_first().ok_or(Distrust::Malformed)?;
        if sent.len() > MOST_INTERMEDIATES {
            return Err(Distrust::Limits);
        }
        check_key(leaf, self.algorithms)?;
        let leaf = EndEntityCert::try_from(leaf).map_err(|error| Distrust::of(&error))?;
        let (mut vouched, mut distrust) = (None, Distrust::UnknownIssuer);
        for authority in &self.each {
            match authority.vouch(&leaf, sent, self.algorithms, now) {
                Ok(word) => {
                    if vouched.replace(word).is_some() {
                        return Err(Distrust::Ambiguous);
                    }
                }
                // Each authority may do so much work; the next one is not given as much again.
                Err(Distrust::Limits) => return Err(Distrust::Limits),
                // Who knows the issuer says more than who does not, or who knows one of the same name.
                Err(Distrust::UnknownIssuer) => {}
                Err(Distrust::Signature) if distrust != Distrust::UnknownIssuer => {}
                Err(other) => distrust = other,
            }
        }
        vouched.ok_or(distrust)
    }
}

impl Authority {
    fn shares_an_issuer_with(&self, other: &Self) -> bool {
        self.issuers.all().any(|mine| other.issuers.all().any(|theirs| mine.key == theirs.key))
    }

    /// Its word for a leaf with what was sent along.
    fn vouch(
        &self,
        leaf: &EndEntityCert<'_>,
        sent: &[CertificateDer<'_>],
        algorithms: WebPkiSupportedAlgorithms,
        now: Timestamp,
    ) -> Result<Vouched, Distrust> {
        let intermediates: Vec<CertificateDer<'_>> =
            sent.iter().chain(&self.issuers.intermediate_ders).cloned().collect();
        let judgement = Cell::new(None);
        let judge = |path: &VerifiedPath<'_>| {
            let judged = self.judge(path, now);
            let may_do = judged.is_ok();
            judgement.set(Some(judged));
            // Another path may still do.
            if may_do { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
        };
        let time = UnixTime::since_unix_epoch(now.since(Timestamp::from_seconds(0)));
        let usage = webpki::KeyUsage::client_auth();
        let found = leaf.verify_for_usage(
            algorithms.all,
            &self.anchors,
            &intermediates,
            time,
            usage,
            None,
            Some(&judge),
        );
        match (found.map_err(|error| Distrust::of(&error)), judgement.take()) {
            (Ok(_), Some(Ok(word))) => Ok(word),
            (Err(Distrust::Limits), _) => Err(Distrust::Limits),
            (_, Some(Err(distrust))) | (Err(distrust), _) => Err(distrust),
            (Ok(_), None) => Err(Distrust::UnknownIssuer),
        }
    }

    /// Looks at a path as webpki does not.
    fn judge(&self, path: &VerifiedPath<'_>, now: Timestamp) -> Result<Vouched, Distrust> {
        let root = self.root_of(path)?;
        if !root.is_valid_at(now) {
            return Err(if now < root.ends { Distrust::NotBegun } else { Distrust::Ended });
        }
        let issuers: Vec<&Cert<'_>> = path.intermediate_certificates().collect();
        if root.path_length.is_some_and(|most| u32::try_from(issuers.len()).is_ok_and(|count| count > most)) {
            return Err(Distrust::Constraint);
        }
        if root.anchor.name_constraints.is_some()
            || issuers.iter().any(|issuer| constrains_names(&issuer.der()))
        {
            check_common_name(&path.end_entity().der())?;
        }
        let mut until = root.ends;
        let links = std::iter::once(&**path.end_entity()).chain(issuers.iter().copied());
        for (place, certificate) in links.enumerate() {
            // The issuer of the certificate at one place stands at the next.
            let above = issuers.get(place).map(|issuer| issuer.subject_public_key_info());
            let key = above.as_ref().map_or(root.key.as_slice(), |key| key);
            let link = if place == 0 { Link::Client } else { Link::Intermediate };
            until = until.min(self.judge_link(certificate, link, key, now)?);
        }
        let policies = policies(root, &issuers, path.end_entity())?;
        Ok(Vouched { authority: self.name.clone(), until, policies })
    }

    /// Looks at one certificate of a path and whether its issuer, who has this key, took it back.
    fn judge_link(
        &self,
        certificate: &Cert<'_>,
        link: Link,
        issuer_key: &[u8],
        now: Timestamp,
    ) -> Result<Timestamp, Distrust> {
        let der = certificate.der();
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| Distrust::Malformed)?;
        let ends = end_of_link(&parsed, link)?;
        let Revocation::Lists(book) = &self.revocation else { return Ok(ends) };
        let asked = Certificate {
            parsed: &parsed,
            serial: certificate.serial(),
            is_issuer: link == Link::Intermediate,
            issuer: certificate.issuer(),
            issuer_key,
        };
        Ok(ends.min(book.judge(&asked, now)?))
    }

    /// The root at which a path ends: this very one, since a renewed one may have the same name and key.
    fn root_of(&self, path: &VerifiedPath<'_>) -> Result<&Issuer, Distrust> {
        let is_end = |anchor: &TrustAnchor<'_>| std::ptr::eq(anchor, path.anchor());
        let place = self.anchors.iter().position(is_end);
        place.and_then(|place| self.issuers.roots.get(place)).ok_or(Distrust::UnknownIssuer)
    }
}

/// The certificate policies that hold for a leaf at the end of a path.
fn policies(root: &Issuer, issuers: &[&Cert<'_>], leaf: &Cert<'_>) -> Result<Arc<[String]>, Distrust> {
    let mut given = root.policies.clone();
    for issuer in issuers {
        let der = issuer.der();
        let (_, issuer) = X509Certificate::from_der(&der).map_err(|_| Distrust::Malformed)?;
        given = given.and(Policies::of_intermediate(&issuer));
    }
    let der = leaf.der();
    let (_, leaf) = X509Certificate::from_der(&der).map_err(|_| Distrust::Malformed)?;
    Ok(given.of_leaf(&leaf))
}

#[cfg(test)]
mod chains;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod work;
