//! One revocation list, read and verified.

use std::cmp::Ordering::{self, Equal, Less};
use std::time::Duration;

use lakegate_domain::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use thiserror::Error;
use webpki::{BorrowedCertRevocationList, CertRevocationList};
use x509_parser::certificate::X509Certificate;

use super::header::Header;
use super::keep::ListId;
use super::scope::Scope;
use crate::tls::authority::{Issuer, Issuers};

/// How far the clock of an authority may be ahead of ours.
const SKEW: Duration = Duration::from_mins(5);

/// Why a list is not taken; what was in force stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum ListFault {
    /// It does not parse.
    #[error("revocation list does not parse")]
    Malformed,
    /// A delta or indirect list, a part that is not supported, or a critical extension that nobody here knows.
    #[error("revocation list is of a kind that is not supported")]
    Unsupported,
    /// No certificate in the authority's file is its issuer.
    #[error("issuer of the revocation list is not in the authority's file")]
    UnknownIssuer,
    /// The issuer did not sign it.
    #[error("signature of the revocation list is not believed")]
    Signature,
    /// The issuer may not sign lists: its key usage lacks cRLSign.
    #[error("issuer of the revocation list may not sign one")]
    NotASigner,
    /// It was made later than now.
    #[error("revocation list is of the future")]
    NotBegun,
    /// It is older than the one in force, by its number or its date.
    #[error("revocation list is older than the one in force")]
    Older,
    /// The place holds more lists than any authority has.
    #[error("place holds more than 64 revocation lists")]
    TooMany,
}

impl ListFault {
    /// The word for it in metrics; from a closed list.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::UnknownIssuer => "unknown_issuer",
            Self::Signature => "signature",
            Self::NotASigner => "not_a_signer",
            Self::NotBegun => "not_begun",
            Self::Older => "older",
            Self::TooMany => "too_many",
        }
    }

    /// Whether the same list may be taken when the authority's certificates or the time are others.
    pub(super) const fn may_pass(self) -> bool {
        matches!(self, Self::UnknownIssuer | Self::Signature | Self::NotASigner | Self::NotBegun)
    }

    fn of(error: &webpki::Error) -> Self {
        use webpki::Error as Found;
        match error {
            Found::UnsupportedDeltaCrl
            | Found::UnsupportedIndirectCrl
            | Found::UnsupportedCriticalExtension
            | Found::UnsupportedCrlIssuingDistributionPoint
            | Found::UnsupportedRevocationReasonsPartitioning
            | Found::UnsupportedRevocationReason
            | Found::UnsupportedCrlVersion => Self::Unsupported,
            _ => Self::Malformed,
        }
    }
}

/// A list that its issuer signed.
#[derive(Debug)]
pub(super) struct RevocationList {
    pub(super) id: ListId,
    /// The issuer's name, without the outer tag of its DER.
    issuer: Vec<u8>,
    /// The issuer's key, which signed it.
    signer: Vec<u8>,
    number: Option<Vec<u8>>,
    pub(super) this_update: Timestamp,
    pub(super) next_update: Timestamp,
    scope: Scope,
    /// The scope as it was written: an issuer's lists of different scope stand beside one another.
    scope_der: Vec<u8>,
    /// The serial numbers of certificates that were taken back, sorted.
    serials: Vec<Box<[u8]>>,
}

/// How an offered list stands to the one in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Succession {
    /// It is the same.
    Same,
    /// It is newer, and what was taken back stays so, and nothing more.
    Renewed,
    /// It is newer, and takes more back or less.
    Changed,
}

impl RevocationList {
    /// Reads a list in DER and verifies it by the issuers of an authority. Takes time with the length of the list.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) fn read(
        der: &[u8],
        issuers: &Issuers,
        algorithms: WebPkiSupportedAlgorithms,
        now: Timestamp,
    ) -> Result<Self, ListFault> {
        let parsed = BorrowedCertRevocationList::from_der(der).map_err(|error| ListFault::of(&error))?;
        let mut serials = Vec::new();
        for entry in &parsed {
            serials.push(entry.map_err(|error| ListFault::of(&error))?.serial_number.into());
        }
        serials.sort_unstable();
        serials.dedup();
        let parsed = CertRevocationList::from(parsed);
        let issuer = parsed.issuer().to_vec();
        let header = Header::read(der).ok_or(ListFault::Malformed)?;
        let signer = signer_of(&issuer, &header, issuers, algorithms)?;
        let (scope_der, scope) = match (parsed.issuing_distribution_point(), header.distribution_point()) {
            (None, None) => (&[][..], Scope::default()),
            (Some(_), Some((der, point))) => (der, Scope::read(point).ok_or(ListFault::Unsupported)?),
            // A scope that cannot be read is not the widest one.
            _ => return Err(ListFault::Unsupported),
        };
        let instant = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds(time.timestamp());
        let this_update = instant(header.this_update);
        if this_update > now.plus(SKEW) {
            return Err(ListFault::NotBegun);
        }
        Ok(Self {
            id: ListId::of(der),
            signer: signer.key.clone(),
            number: header.number(),
            this_update,
            next_update: instant(header.next_update),
            scope,
            scope_der: scope_der.to_vec(),
            serials,
            issuer,
        })
    }

    /// Whether another list stands in this one's place: same issuer, same key, same scope.
    pub(super) fn is_in_place_of(&self, other: &Self) -> bool {
        (&self.issuer, &self.signer, &self.scope_der) == (&other.issuer, &other.signer, &other.scope_der)
    }

    /// Which of two lists is the older one, by date and number.
    pub(super) fn age(&self, other: &Self) -> Ordering {
        let age = |list: &Self| (list.this_update, numbers(list.number.as_deref()).map(|(length, _)| length));
        age(self).cmp(&age(other)).then_with(|| self.number.cmp(&other.number))
    }

    /// How this list follows the one in force. Both the number and the date must not fall, and one must rise, unless
    /// it is the very same list.
    ///
    /// # Errors
    /// [`ListFault::Older`].
    pub(super) fn follows(&self, before: &Self) -> Result<Succession, ListFault> {
        let number = numbers(self.number.as_deref()).cmp(&numbers(before.number.as_deref()));
        let date = self.this_update.cmp(&before.this_update);
        let same = self.serials == before.serials;
        match (number, date) {
            (Equal, Equal) if same => Ok(Succession::Same),
            (Equal, Equal) | (Less, _) | (_, Less) => Err(ListFault::Older),
            _ if same => Ok(Succession::Renewed),
            _ => Ok(Succession::Changed),
        }
    }

    /// Whether this issuer's key signed it.
    pub(super) fn is_of(&self, name: &[u8], key: &[u8]) -> bool {
        self.issuer == name && self.signer == key
    }

    /// Whether it is for this certificate, of a client or of an issuer.
    pub(super) fn covers(&self, certificate: &X509Certificate<'_>, is_issuer: bool) -> bool {
        self.scope.covers(certificate, is_issuer)
    }

    /// Whether it takes back the certificate of this serial number.
    pub(super) fn revokes(&self, serial: &[u8]) -> bool {
        self.serials.binary_search_by(|listed| (**listed).cmp(serial)).is_ok()
    }
}

/// Numbers are compared by length first; no number is less than any.
fn numbers(number: Option<&[u8]>) -> Option<(usize, &[u8])> {
    number.map(|number| (number.len(), number))
}

fn signer_of<'a>(
    name: &[u8],
    header: &Header<'_>,
    issuers: &'a Issuers,
    algorithms: WebPkiSupportedAlgorithms,
) -> Result<&'a Issuer, ListFault> {
    let mut fault = ListFault::UnknownIssuer;
    for issuer in issuers.all().filter(|issuer| issuer.name() == name) {
        fault = ListFault::Signature;
        if header.is_signed_by(&issuer.key, algorithms.all) {
            return if issuer.signs_lists { Ok(issuer) } else { Err(ListFault::NotASigner) };
        }
    }
    Err(fault)
}
