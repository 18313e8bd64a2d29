//! Why there is no token, in one enum.
//!
//! Each text says what is wrong and what to do, holds no path, token or certificate, and may be logged. Errors are
//! `Clone`, because everybody who waited for one call gets its outcome.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use lakegate_delegation::CredentialsError;
use lakegate_domain::{InvalidOperations, InvalidPath, Timestamp};
use thiserror::Error;

/// A cause that several waiting requests share.
pub type SharedCause = Arc<dyn StdError + Send + Sync>;

/// Why a client could not be made, or a token not be had.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// A path handed to the client is not one.
    #[error("path is not valid: {0}")]
    InvalidPath(InvalidPath),
    /// The operations handed to the client are none.
    #[error("operations are not valid: {0}")]
    InvalidOperations(InvalidOperations),
    /// Not 1 to 4 parts.
    #[error("a token is for 1 to 4 parts")]
    InvalidParts,
    /// The broker says that the request breaks its rules.
    #[error("the broker refused the request as invalid ({0}); asking again will not help")]
    InvalidRequest(Refusal),
    /// Policy says no.
    #[error("access is denied by policy ({0}); the audit id finds the decision in the broker's audit log")]
    Denied(Refusal),
    /// The broker does not know who is asking.
    #[error(
        "the broker did not accept the credential presented ({0}); renew the client certificate, or get a new delegation token"
    )]
    Unauthenticated(Refusal),
    /// The delegation token is at its end. There is no other credential; storage tokens that are there live on.
    #[error("{end}{}; get a new delegation token", .refusal.as_ref().map(|said| format!(" ({said})")).unwrap_or_default())]
    DelegationToken {
        /// What is known of its end.
        end: TokenEnd,
        /// What the broker said; none when it was not asked any more.
        refusal: Option<Refusal>,
    },
    /// Policy allows what was asked, but not what a token for it could also do.
    #[error(
        "policy allows this, but the storage cannot make a token that does no more ({0}); ask for other operations"
    )]
    NotSeparable(Refusal),
    /// The permission ends before a token could.
    #[error("the permission ends sooner than the shortest token lives ({0})")]
    GrantEndsTooSoon(Refusal),
    /// The storage cannot express the scope, or refuses it.
    #[error("the storage cannot make a token for this path ({0}); an administrator has to look at it")]
    NotExpressible(Refusal),
    /// A limit per caller is reached.
    #[error("the broker limits how often this caller may ask ({refusal}); ask again later")]
    RateLimited {
        /// What the broker said.
        refusal: Refusal,
        /// How long to wait at least, when the broker said so.
        retry_after: Option<Duration>,
    },
    /// A share or quota is spent.
    #[error("a quota of this caller is spent ({refusal}); use fewer different paths or ask again later")]
    Exhausted {
        /// What the broker said.
        refusal: Refusal,
        /// How long to wait at least, when the broker said so.
        retry_after: Option<Duration>,
    },
    /// The broker, or something it needs, is down.
    #[error("the broker cannot serve now ({refusal}); ask again later")]
    Unavailable {
        /// What the broker said.
        refusal: Refusal,
        /// How long to wait at least, when the broker said so.
        retry_after: Option<Duration>,
    },
    /// No broker could be reached, or the connection broke before the answer was here.
    #[error("no broker could be reached; check the endpoints and the network")]
    Connect(#[source] SharedCause),
    /// The broker's certificate, or ours, was not accepted.
    #[error(
        "the TLS handshake with the broker failed; check the authority, the server name and the client certificate"
    )]
    Handshake(#[source] SharedCause),
    /// The broker did not answer in time.
    #[error("the broker did not answer within the request timeout")]
    Timeout,
    /// The broker failed.
    #[error("the broker failed ({0}); the audit id finds the cause in its log")]
    BrokerFault(Refusal),
    /// The answer is not one that this client understands; nothing of it was used.
    #[error("the broker's answer is not usable: {0}")]
    BadAnswer(AnswerFault),
    /// Two tokens in a row had ended when they arrived.
    #[error("tokens end before they arrive; check this machine's clock")]
    ExpiredOnArrival,
    /// The storage refused a token and its replacement.
    #[error("the storage refuses the tokens that the broker gives; an administrator has to look at it")]
    RefusedByStorage,
    /// The runtime that carried the call went away.
    #[error("the call was interrupted because its runtime is shutting down")]
    Interrupted,
}

// These tell all in their own text, so they are no causes besides: whoever prints a chain would say them twice.
impl From<InvalidPath> for ClientError {
    fn from(fault: InvalidPath) -> Self {
        Self::InvalidPath(fault)
    }
}

impl From<InvalidOperations> for ClientError {
    fn from(fault: InvalidOperations) -> Self {
        Self::InvalidOperations(fault)
    }
}

impl From<AnswerFault> for ClientError {
    fn from(fault: AnswerFault) -> Self {
        Self::BadAnswer(fault)
    }
}

impl ClientError {
    /// How long to wait before asking again helps, when the broker said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. }
            | Self::Exhausted { retry_after, .. }
            | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What the broker said, when it was the broker that refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::InvalidRequest(refusal)
            | Self::Denied(refusal)
            | Self::Unauthenticated(refusal)
            | Self::NotSeparable(refusal)
            | Self::GrantEndsTooSoon(refusal)
            | Self::NotExpressible(refusal)
            | Self::BrokerFault(refusal)
            | Self::RateLimited { refusal, .. }
            | Self::Exhausted { refusal, .. }
            | Self::Unavailable { refusal, .. }
            | Self::DelegationToken { refusal: Some(refusal), .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether brokers decided on what was asked, and the decision is no.
    pub(crate) fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Denied(_) | Self::NotSeparable(_) | Self::GrantEndsTooSoon(_) | Self::NotExpressible(_)
        )
    }

    /// Whether the error is about the broker or this client rather than about the paths asked for, so that
    /// asking for a neighbouring path would meet the same.
    pub(crate) fn concerns_everybody(&self) -> bool {
        matches!(
            self,
            Self::Unauthenticated(_)
                | Self::DelegationToken { .. }
                | Self::RateLimited { .. }
                | Self::Unavailable { .. }
                | Self::Connect(_)
                | Self::Handshake(_)
                | Self::Timeout
                | Self::BrokerFault(_)
                | Self::ExpiredOnArrival
                | Self::Interrupted
        )
    }
}

/// How a delegation token ended, as far as its holder can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenEnd {
    /// Its max date is past, by this machine's clock: no renewal helps.
    #[error("the delegation token has reached its max date, {0}")]
    Expired(Timestamp),
    /// A broker refused it, and the date until which it was good by itself is past: it was not renewed, or not in time,
    /// or it was cancelled.
    #[error("the broker refused the delegation token, which was to be renewed before {0}")]
    NotRenewed(Timestamp),
    /// A broker refused it before any of its dates: it was cancelled, is bound to another certificate, is for other
    /// brokers, or was changed.
    #[error(
        "the broker refused the delegation token: it was cancelled, is bound to another certificate, or is not one of this cluster's"
    )]
    Refused,
}

/// What a broker said with its refusal: a reason of `docs/errors.md` and the audit id of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The reason; `None` when there was none, or none that this client knows.
    pub reason: Option<&'static str>,
    /// Finds the decision in the audit log.
    pub audit_id: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason.unwrap_or("no known reason"))?;
        match &self.audit_id {
            Some(audit_id) => write!(f, ", audit id {audit_id}"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ConfigFault {
    /// No endpoint at all.
    #[error("no broker endpoint is given")]
    NoEndpoint,
    /// An endpoint that is not `https://host[:port]`; plaintext is never spoken.
    #[error("an endpoint is not of the form https://host:port")]
    NotHttps,
    /// An endpoint with a path, a query or user information.
    #[error("an endpoint has more than a host and a port")]
    EndpointParts,
    /// No certificate authority; there is no default and no insecure mode.
    #[error("no certificate authority is given for the broker's certificate")]
    NoAuthority,
    /// A name that cannot stand in a certificate.
    #[error("the server name is neither a DNS name nor an address")]
    ServerName,
    /// A certificate or key that TLS does not take.
    #[error("the certificates or the key are not usable")]
    Tls(#[source] SharedCause),
    /// A client certificate beside a delegation token or a carrier; a client has one identity.
    #[error(
        "a client certificate beside a delegation token or its carrier makes two identities; give one of them"
    )]
    TwoIdentities,
    /// A carrier certificate and nothing that it carries.
    #[error("a carrier certificate gives no rights; give the delegation token that it goes with")]
    CarrierAlone,
    /// A text that is no delegation token.
    #[error("the delegation token is not a url string: base64url without padding, at most 3072 bytes")]
    DelegationToken,
    /// The file of a delegation token cannot be read.
    #[error("the file of the delegation token cannot be read")]
    TokenFile(#[source] SharedCause),
    /// The file of a delegation token can be read by others.
    #[error("the file of the delegation token can be read by others; make it 0600")]
    TokenFileExposed,
    /// A token-storage file from which no token can be taken.
    #[error(transparent)]
    TokenStorage(CredentialsError),
    /// A text and a file.
    #[error("a delegation token and a file with one are two; give one of them")]
    TwoTokens,
    /// A file that came to hold the token of somebody else.
    #[error(
        "the file of the delegation token holds one of another owner or cluster; make a client of its own for it"
    )]
    TokenOfAnother,
    /// The client was made outside a tokio runtime.
    #[error("the client has to be made inside a tokio runtime")]
    NoRuntime,
    /// A storage address that is not https, nor http on a loopback address with `allow_http`.
    #[error("the storage address must be https; http is for loopback addresses and has to be allowed")]
    StorageAddress,
    /// A bucket whose storage speaks another protocol than this store.
    #[error("the bucket is not one of Google Cloud Storage")]
    Bucket,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerFault {
    /// The bytes are no message of the schema.
    #[error("message is malformed")]
    Malformed,
    /// There is no credential, or one of an unknown kind.
    #[error("credential is missing or of an unknown kind")]
    Credential,
    /// A credential that cannot be put into a header.
    #[error("credential holds characters that no header may hold")]
    CredentialText,
    /// An instant is missing or out of range.
    #[error("an instant is missing or out of range")]
    Instant,
    /// The covered parts are missing, too many, or one is not understood.
    #[error("covered parts are missing or not understood")]
    Covered,
    /// The token does not cover what was asked.
    #[error("token does not cover what was asked")]
    CoversTooLittle,
    /// The closure is missing, not understood, or less than what is covered.
    #[error("closure is missing or not understood")]
    Closure,
    /// The audit id or the storage name is missing or not one.
    #[error("audit id or storage name is missing or not one")]
    Name,
    /// The method is not served.
    #[error("the broker does not serve this method")]
    NotServed,
}
