//! Authentication: from a peer and a request's metadata to a caller.
//!
//! A caller has one credential: the client certificate of the connection, or a delegation token in
//! `authorization: Lakegate-DT <url string>` on a connection without one. Two are an error, never "first wins", and
//! be it that both name the same. A carrier's certificate is no credential: it may stand beside a token, and is nobody
//! by itself.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use lakegate_delegation::{DelegationRefusal, Identifier, TokenId};
use lakegate_domain::{Caller, Proof, Timestamp};
use thiserror::Error;

use crate::delegation::{Bearer, NotBelieved, PresentedTokens};
use crate::identity::{Identity, IdentityError, Standing};
use crate::tls::Distrust;
use crate::{DelegationStateError, Peer};

/// The scheme of delegation tokens; as all schemes of HTTP its case does not matter (RFC 9110, section 11.1).
const SCHEME: &str = "Lakegate-DT";

/// Why nobody is known to be asking.
#[derive(Debug, Error)]
pub enum AuthenticationError {
    /// Neither a client certificate nor a delegation token.
    #[error("no credential was presented")]
    NoCredential,
    /// The certificate names nobody.
    #[error("certificate names no principal")]
    Certificate(#[source] IdentityError),
    /// The certificate was good in the handshake and is so no more.
    #[error("certificate is trusted no more")]
    Distrusted(#[source] Distrust),
    /// A credential was sent beside the certificate, or two tokens; two identities are an error.
    #[error("more than one credential was presented")]
    TwoIdentities,
    /// A carrier's certificate and nothing else.
    #[error("a carrier brought no delegation token")]
    Carrier,
    /// The authorization entry is no delegation token, or none is believed here.
    #[error("authorization entry is of another scheme")]
    Scheme,
    /// The delegation token is not believed.
    #[error("delegation token is not believed")]
    DelegationToken(#[source] DelegationRefusal),
    /// The delegation token's owner, or its project, has left the policy.
    #[error("owner of the delegation token is gone")]
    OwnerGone,
    /// Too little is known of what became of delegation tokens: nobody is refused, and nobody can be believed.
    #[error("what became of delegation tokens is not known")]
    DelegationState(#[source] DelegationStateError),
}

impl AuthenticationError {
    /// The word for it in audit records; from a closed list.
    pub(crate) const fn audit_reason(&self) -> &'static str {
        match self {
            Self::NoCredential => "no_credential",
            Self::Certificate(IdentityError::NoProfile) => "x509_profile",
            Self::Certificate(IdentityError::NoLogin) => "service_login",
            Self::Certificate(IdentityError::NotMapped) => "x509_not_mapped",
            Self::Certificate(IdentityError::Foreign) => "x509_foreign_name",
            Self::Certificate(_) => "x509_identity",
            Self::Carrier => "carrier_alone",
            Self::Distrusted(distrust) => distrust.audit_reason(),
            Self::TwoIdentities => "two_identities",
            Self::Scheme => "authorization_scheme",
            Self::DelegationToken(refusal) => refusal.as_str(),
            Self::OwnerGone => "dt_owner_gone",
            Self::DelegationState(_) => "dt_state_unavailable",
        }
    }
}

/// Who is asking, and by which token.
#[derive(Debug, Clone)]
pub(crate) struct Authenticated {
    pub(crate) caller: Caller,
    /// The delegation token that proved it.
    pub(crate) token: Option<Bearer>,
}

/// Nobody is asking; and whose token it was, when it was somebody's.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) error: AuthenticationError,
    pub(crate) bearer: Option<Box<(Caller, TokenId)>>,
}

impl From<AuthenticationError> for Rejected {
    fn from(error: AuthenticationError) -> Self {
        Self { error, bearer: None }
    }
}

impl From<NotBelieved> for Rejected {
    fn from(not_believed: NotBelieved) -> Self {
        match not_believed {
            NotBelieved::Refused { refusal, identifier } => Self {
                error: AuthenticationError::DelegationToken(refusal),
                bearer: identifier.map(|identifier| Box::new((bearer(&identifier), identifier.id))),
            },
            NotBelieved::Unknown(state) => AuthenticationError::DelegationState(state).into(),
        }
    }
}

/// Makes the caller of one request. `tokens` is there when delegation tokens are believed at all.
///
/// # Errors
/// When there is no credential, more than one, or one that is not believed.
pub(crate) fn authenticate(
    peer: &Peer,
    headers: &HeaderMap,
    tokens: Option<&PresentedTokens>,
    now: Timestamp,
) -> Result<Authenticated, Rejected> {
    let mut entries = headers.get_all(AUTHORIZATION).iter();
    let entry = entries.next();
    if entries.next().is_some() {
        return Err(AuthenticationError::TwoIdentities.into());
    }
    match (peer.identity(), entry) {
        (Err(IdentityError::Missing), None) => Err(AuthenticationError::NoCredential.into()),
        (Err(IdentityError::Missing) | Ok(Identity { standing: Standing::Carrier, .. }), Some(entry)) => {
            by_token(entry, tokens.ok_or(AuthenticationError::Scheme)?, now)
        }
        (_, Some(_)) => Err(AuthenticationError::TwoIdentities.into()),
        (identity, None) => Ok(by_certificate(identity.map_err(AuthenticationError::Certificate)?)?),
    }
}

fn by_certificate(identity: &Identity) -> Result<Authenticated, AuthenticationError> {
    let credentials = identity.credentials().ok_or(AuthenticationError::Carrier)?;
    let caller = Caller::new(identity.principal.clone(), Proof::ClientCertificate);
    Ok(Authenticated { caller: caller.with_credentials(credentials), token: None })
}

fn by_token(
    entry: &HeaderValue,
    tokens: &PresentedTokens,
    now: Timestamp,
) -> Result<Authenticated, Rejected> {
    let (scheme, url) =
        entry.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(AuthenticationError::Scheme)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(AuthenticationError::Scheme.into());
    }
    let token = tokens.verify(url, now)?;
    Ok(Authenticated { caller: bearer(token.verified().identifier()), token: Some(token) })
}

/// Who comes by a token: its owner, or the proxy that got it on its owner's behalf.
fn bearer(identifier: &Identifier) -> Caller {
    let Identifier { owner, real_user, .. } = identifier;
    match real_user {
        None => Caller::new(owner.clone(), Proof::DelegationToken),
        Some(real) => Caller::new(real.clone(), Proof::DelegationToken).acting_for(owner.clone()),
    }
}
