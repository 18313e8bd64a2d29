//! Why no authority vouches for a client's certificate.

use std::sync::Arc;

use rustls::{CertificateError, OtherError};
use thiserror::Error;

/// Why no authority vouches for a chain. The texts are for logs; a client learns a TLS alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Distrust {
    /// A certificate does not parse, or holds what has no place in it.
    #[error("certificate does not parse")]
    Malformed,
    /// No authority of the configuration issued it.
    #[error("certificate is of no known authority")]
    UnknownIssuer,
    /// A certificate of the path has ended, the root's included.
    #[error("certificate or its authority has ended")]
    Ended,
    /// A certificate of the path has not begun.
    #[error("certificate or its authority has not begun")]
    NotBegun,
    /// A certificate may not be used as it is used: purpose, key usage, an authority's as a client's.
    #[error("certificate may not be used for this")]
    Usage,
    /// A rule of the path is broken: authorities, path length, name constraints, critical extensions.
    #[error("certificate breaks a constraint of its path")]
    Constraint,
    /// A signature is wrong, or made by a key or an algorithm that is not believed.
    #[error("signature of a certificate is not believed")]
    Signature,
    /// The chain is longer, or looking for a path is more work, than any honest one.
    #[error("certificate chain is too much work")]
    Limits,
    /// A certificate of the path was taken back by its issuer.
    #[error("certificate was revoked")]
    Revoked,
    /// There is no list that says whether a certificate of the path was taken back.
    #[error("nobody knows whether the certificate was revoked")]
    RevocationUnknown,
    /// The list that would say it is too old.
    #[error("revocation list is too old")]
    RevocationStale,
    /// Two authorities vouch for the chain, so it is not known whose it is.
    #[error("certificate is of two authorities")]
    Ambiguous,
}

impl Distrust {
    /// The word for it in metrics; from a closed list.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownIssuer => "unknown_issuer",
            Self::Ended => "ended",
            Self::NotBegun => "not_begun",
            Self::Usage => "usage",
            Self::Constraint => "constraint",
            Self::Signature => "signature",
            Self::Limits => "limits",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation_unknown",
            Self::RevocationStale => "revocation_stale",
            Self::Ambiguous => "ambiguous",
        }
    }

    /// The word for it in audit records, where a connection was let in and is trusted no more; from a closed list.
    pub(crate) const fn audit_reason(self) -> &'static str {
        match self {
            Self::Revoked => "x509_revoked",
            Self::Ended | Self::NotBegun => "x509_ended",
            Self::RevocationUnknown | Self::RevocationStale => "x509_revocation_unknown",
            _ => "x509_untrusted",
        }
    }

    /// What rustls makes an alert of.
    pub(super) fn as_tls(self) -> rustls::Error {
        let error = match self {
            Self::Malformed => CertificateError::BadEncoding,
            Self::UnknownIssuer => CertificateError::UnknownIssuer,
            Self::Ended => CertificateError::Expired,
            Self::NotBegun => CertificateError::NotValidYet,
            Self::Usage => CertificateError::InvalidPurpose,
            Self::Signature => CertificateError::BadSignature,
            Self::Revoked => CertificateError::Revoked,
            Self::RevocationUnknown => CertificateError::UnknownRevocationStatus,
            Self::RevocationStale => CertificateError::ExpiredRevocationList,
            Self::Constraint | Self::Limits | Self::Ambiguous => {
                CertificateError::Other(OtherError(Arc::new(self)))
            }
        };
        rustls::Error::InvalidCertificate(error)
    }

    /// What webpki found.
    pub(super) fn of(error: &webpki::Error) -> Self {
        use webpki::Error as Found;
        match error {
            Found::UnknownIssuer => Self::UnknownIssuer,
            Found::CertExpired { .. } | Found::InvalidCertValidity => Self::Ended,
            Found::CertNotValidYet { .. } => Self::NotBegun,
            Found::CaUsedAsEndEntity | Found::EmptyEkuExtension | Found::RequiredEkuNotFoundContext(_) => {
                Self::Usage
            }
            Found::EndEntityUsedAsCa
            | Found::PathLenConstraintViolated
            | Found::NameConstraintViolation
            | Found::MalformedNameConstraint
            | Found::InvalidNetworkMaskConstraint
            | Found::UnsupportedCriticalExtension
            | Found::UnsupportedNameType
            | Found::CertDistrusted => Self::Constraint,
            Found::InvalidSignatureForPublicKey
            | Found::SignatureAlgorithmMismatch
            | Found::UnsupportedSignatureAlgorithmContext(_)
            | Found::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Self::Signature,
            Found::MaximumNameConstraintComparisonsExceeded
            | Found::MaximumPathBuildCallsExceeded
            | Found::MaximumPathDepthExceeded
            | Found::MaximumSignatureChecksExceeded => Self::Limits,
            _ => Self::Malformed,
        }
    }
}
