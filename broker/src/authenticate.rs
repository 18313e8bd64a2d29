//! Authentication: from a peer and a request's metadata to a caller.

use http::HeaderMap;
use lakegate_domain::{Caller, Proof};
use thiserror::Error;

use crate::Peer;
use crate::tls::IdentityError;

/// Why nobody is known to be asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthenticationError {
    /// The certificate names nobody.
    #[error("certificate names no principal")]
    Certificate(#[source] IdentityError),
    /// A credential was sent beside the certificate; two identities are an error, never "first wins".
    #[error("an authorization entry was sent beside a client certificate")]
    TwoIdentities,
}

/// Makes the caller of one request.
///
/// # Errors
/// When the peer's certificate names nobody, or a second credential accompanies it.
pub(crate) fn authenticate(peer: &Peer, headers: &HeaderMap) -> Result<Caller, AuthenticationError> {
    if headers.contains_key(http::header::AUTHORIZATION) {
        return Err(AuthenticationError::TwoIdentities);
    }
    let principal = peer.identity().map_err(AuthenticationError::Certificate)?;
    Ok(Caller::new(principal.clone(), Proof::ClientCertificate))
}
