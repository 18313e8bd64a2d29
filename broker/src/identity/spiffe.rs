//! SPIFFE IDs. Source: SPIFFE-ID sections 2.1 to 2.4 and X509-SVID sections 2 to 5.

use lakegate_domain::Principal;

use super::IdentityError;
use super::leaf::Leaf;
use super::oid::{CLIENT_AUTH, SERVER_AUTH};

/// What every SPIFFE ID begins with.
const SCHEME: &str = "spiffe://";

/// The longest trust domain, in bytes.
const MAX_DOMAIN: usize = 255;

/// A SPIFFE ID of a workload: never a trust domain by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpiffeId<'a> {
    /// Everything after the scheme.
    id: &'a str,
    pub(super) domain: &'a str,
    /// Without the slash before it.
    pub(super) path: &'a str,
}

impl<'a> SpiffeId<'a> {
    /// Reads an ID; byte for byte in its canonical form, since two forms of one name are two names to somebody.
    ///
    /// # Errors
    /// When the URI is no canonical SPIFFE ID with a path.
    pub(super) fn parse(uri: &'a str) -> Result<Self, IdentityError> {
        let id = uri.strip_prefix(SCHEME).ok_or(IdentityError::Name)?;
        let (domain, path) = id.split_once('/').ok_or(IdentityError::Name)?;
        if is_trust_domain(domain) && path.bytes().all(is_path_byte) {
            Ok(Self { id, domain, path })
        } else {
            Err(IdentityError::Name)
        }
    }

    /// The principal: `spiffe:domain/path`. Empty and dot segments are no principals either.
    ///
    /// # Errors
    /// When it is longer than a principal may be, or has such a segment.
    pub(super) fn principal(self) -> Result<Principal, IdentityError> {
        Principal::parse(&["spiffe:", self.id].concat()).map_err(|_| IdentityError::Name)
    }
}

/// Whether a text is a trust domain in canonical form.
pub(super) fn is_trust_domain(text: &str) -> bool {
    let is_domain_byte =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    (1..=MAX_DOMAIN).contains(&text.len()) && text.bytes().all(is_domain_byte)
}

/// Whether a byte may stand in a path.
pub(super) fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/')
}

/// Checks what a certificate with a SPIFFE ID is good for: its key signs data, and its purposes, where it names any, are
/// those of both ends of a connection.
///
/// # Errors
/// [`IdentityError::Spiffe`].
pub(super) fn check_usage(leaf: &Leaf) -> Result<(), IdentityError> {
    let has = |purposes: &[String], oid: &str| purposes.iter().any(|purpose| purpose == oid);
    let both_ends = leaf
        .purposes
        .as_ref()
        .is_none_or(|purposes| has(purposes, CLIENT_AUTH) && has(purposes, SERVER_AUTH));
    if leaf.may_sign_data && both_ends { Ok(()) } else { Err(IdentityError::Spiffe) }
}
