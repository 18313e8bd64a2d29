//! What goes on record of a certificate that names nobody here, so that an operator finds it. Nobody is believed by it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use lakegate_domain::Principal;
use serde::{Serialize, Serializer};

use crate::identity::Identities;
use crate::tls::AuthorityName;

/// A verified certificate that names nobody.
#[derive(Debug, Clone)]
pub(crate) struct Nameless {
    /// The authority that vouched for it.
    pub(crate) authority: Option<AuthorityName>,
    /// What it can be told by.
    pub(crate) fingerprint: Fingerprint,
    /// The name that it claims, before mapping.
    pub(crate) claimed: Option<Principal>,
}

impl Nameless {
    /// What a leaf says; `read` is the name that a profile read off it, which a mapping then refused.
    pub(crate) fn of(leaf: &[u8], authority: Option<&AuthorityName>, read: Option<Principal>) -> Self {
        let claimed = read.or_else(|| Identities::claimed(leaf));
        Self { authority: authority.cloned(), fingerprint: Fingerprint::of(leaf), claimed }
    }
}

/// The SHA-256 of a certificate in DER; written in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint([u8; SHA256_OUTPUT_LEN]);

impl Fingerprint {
    fn of(der: &[u8]) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.iter_mut().zip(digest(&SHA256, der).as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_what_openssl_prints_without_colons() {
        // The test vector of FIPS 180-4 for three letters.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Fingerprint::of(b"abc").to_string(), abc);
        assert_eq!(serde_json::to_value(Fingerprint::of(b"abc")).unwrap(), abc);
    }
}
