//! What a token may be bound to, so that whoever steals it cannot use it.
//!
//! The binding is under the MAC and not in the token: the bytes of a token are fixed. A bound token is signed with a
//! key of its own purpose over the identifier and the binding, so a broker that is shown it over any other connection
//! finds a wrong MAC, without having heard of the token before.
//!
//! A certificate is named by its public key, not by itself: a job's certificate is renewed many times within a token's
//! life, and its key outlives that where the one who renews it wants it to.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// What the connection must prove over which a bound token is presented.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding {
    kind: BindingKind,
    digest: [u8; 32],
}

/// In what a connection proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingKind {
    /// A client certificate with this public key.
    PublicKey,
    /// A client certificate that vouches for this pod.
    Pod,
}

impl BindingKind {
    /// The word for it in audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "public_key",
            Self::Pod => "pod",
        }
    }

    /// The byte for it in records.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::PublicKey => 1,
            Self::Pod => 2,
        }
    }

    pub(crate) const fn of_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::PublicKey),
            2 => Some(Self::Pod),
            _ => None,
        }
    }
}

impl Binding {
    /// To a public key: the SHA-256 of the certificate's `SubjectPublicKeyInfo` in DER.
    pub const fn public_key(sha256: [u8; 32]) -> Self {
        Self { kind: BindingKind::PublicKey, digest: sha256 }
    }

    /// To the public key in this `SubjectPublicKeyInfo` in DER.
    pub fn of_public_key(subject_public_key_info: &[u8]) -> Self {
        Self::public_key(sha256(subject_public_key_info))
    }

    /// To the pod with this UID, as the workloads of this trust domain know it: another domain's authority vouches for
    /// none of its pods.
    pub fn pod(trust_domain: &str, uid: &str) -> Self {
        // Neither holds a slash, so no two pairs read alike.
        Self { kind: BindingKind::Pod, digest: sha256([trust_domain, "/", uid].concat().as_bytes()) }
    }

    pub(crate) const fn from_parts(kind: BindingKind, digest: [u8; 32]) -> Self {
        Self { kind, digest }
    }

    /// In what a connection proves it.
    pub const fn kind(&self) -> BindingKind {
        self.kind
    }

    /// The SHA-256 of what it is bound to.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({} ", self.kind.as_str())?;
        self.digest.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}
