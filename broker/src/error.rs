//! Why a broker does not start, and why a request is not answered with what it asked for.

use std::sync::Arc;
use std::time::Duration;

use lakegate_delegation::{BookError, DelegationRefusal, IssueError, QuotaExceeded};
use lakegate_domain::{RuleId, Timestamp};
use lakegate_policy::Refusal;
use lakegate_proto::InvalidRequest;
use lakegate_sts::MintError;
use lakegate_token_store::LogError;
use thiserror::Error;

use crate::acting::MappingError;
use crate::authenticate::AuthenticationError;
use crate::identity::Unresolved;
use crate::tls::{AuthorityFault, AuthorityName};

/// Why a broker does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no authority for client certificates; without one everybody or nobody would be let in.
    #[error("no client certificate authority is configured")]
    NoClientCa,
    /// Certificates are no authority.
    #[error("client certificate authority {name} is not usable")]
    ClientAuthority {
        /// The authority.
        name: AuthorityName,
        /// What is wrong with it.
        #[source]
        source: AuthorityFault,
    },
    /// A name stands for two authorities.
    #[error("client certificate authority {name} is configured twice")]
    AuthorityTwice {
        /// The name.
        name: AuthorityName,
    },
    /// Both authorities would vouch for the same certificates.
    #[error("client certificate authorities {one} and {other} share an issuer")]
    SharedAuthority {
        /// The first.
        one: AuthorityName,
        /// The second.
        other: AuthorityName,
    },
    /// Certificate and key are not usable together, or a certificate does not parse.
    #[error("server certificate or key is not usable")]
    Tls(#[source] rustls::Error),
    /// The server's certificate has ended or has not begun.
    #[error("server certificate is not valid now but from {begins} to {ends}")]
    ServerCertificate {
        /// Its first instant.
        begins: Timestamp,
        /// Its last instant.
        ends: Timestamp,
    },
    /// The audit log cannot be opened.
    #[error("audit log cannot be opened")]
    Audit(#[source] std::io::Error),
    /// The listening address cannot be bound.
    #[error("address cannot be bound")]
    Listen(#[source] std::io::Error),
    /// Strict classes would be served for too long without certainty.
    #[error("strict classes may be served for at most 10 seconds without certainty")]
    StrictStaleness,
    /// A cancelled token would be good elsewhere for too long, or the log would be read without end.
    #[error("the log of delegation tokens is looked at every 1 to 5 seconds")]
    Following,
    /// Names would be mapped as they must not be.
    #[error("mapping")]
    Mapping(#[source] MappingError),
    /// A metric is registered twice.
    #[error("metrics cannot be registered")]
    Metrics(#[source] prometheus::Error),
}

/// Why a broker does not know, or cannot write down, what becomes of delegation tokens.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DelegationStateError {
    /// The log cannot be read or written, or is not to be believed.
    #[error("the log of delegation tokens is not usable")]
    Log(#[from] LogError),
    /// The log was opened, and does not fit what was read before.
    #[error("the log of delegation tokens does not fit together")]
    Book(#[from] BookError),
    /// The log did not answer in time.
    #[error("the log of delegation tokens did not answer in time")]
    Late,
    /// The log says that there is more, and does not say it.
    #[error("the log of delegation tokens cannot be read to its end")]
    Stuck,
    /// Other brokers were faster each time.
    #[error("too many brokers write to the log of delegation tokens")]
    Contended,
    /// The log of keys was never read.
    #[error("the keys of delegation tokens are not known yet")]
    NoKeys,
    /// The log of keys was not read for too long to tell an unknown key from a new one.
    #[error("what is known of the keys of delegation tokens is too old")]
    KeysTooOld,
    /// The log was not read for too long.
    #[error("what is known of delegation tokens is too old")]
    TooOld,
}

impl DelegationStateError {
    /// The word for it in logs and metrics; from a closed list.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Log(error) => error.as_str(),
            Self::Book(BookError::Forked) => "forked",
            Self::Book(_) => "malformed",
            Self::Late => "store",
            Self::Stuck => "gap",
            Self::Contended => "contended",
            Self::NoKeys => "no_keys",
            Self::KeysTooOld => "keys_too_old",
            Self::TooOld => "too_old",
        }
    }

    /// Whether somebody must look: waiting does not mend it.
    pub(crate) fn is_alarming(&self) -> bool {
        match self {
            Self::Log(error) => error.is_alarming(),
            Self::Book(_) | Self::Stuck => true,
            Self::Late | Self::Contended | Self::NoKeys | Self::KeysTooOld | Self::TooOld => false,
        }
    }
}

/// Why a request is not answered with what it asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// Nobody is known to be asking.
    #[error("caller is not authenticated")]
    Unauthenticated(#[from] AuthenticationError),
    /// A field of the request breaks its rule.
    #[error("request is not valid")]
    Invalid(#[from] InvalidRequest),
    /// Another field is not valid; the text is fixed.
    #[error("request is not valid: {0}")]
    Field(&'static str),
    /// A batch of nothing, or of too much.
    #[error("a batch holds at least one request and at most 100 parts")]
    BatchSize,
    /// The request is larger than one of its kind may be.
    #[error("request is too large")]
    TooLarge,
    /// The metadata is not what gRPC allows.
    #[error("metadata is malformed")]
    Metadata,
    /// The message is compressed; none is unpacked.
    #[error("message is compressed")]
    Compressed,
    /// The address or the identity asks too often.
    #[error("too many requests")]
    RateLimited {
        /// When one more is taken.
        retry_after: Duration,
    },
    /// The request took longer than its client or the broker waits.
    #[error("request took too long")]
    Late,
    /// The broker goes away and waits no longer for the request.
    #[error("broker is going away")]
    Draining,
    /// Policy refuses.
    #[error("policy refuses")]
    Refused(#[from] Refusal),
    /// The path lies in a bucket that holds the broker's own state.
    #[error("bucket is the broker's own")]
    OwnBucket,
    /// A service calls from somewhere else than its host.
    #[error("service is not at its host")]
    Elsewhere,
    /// Nobody can say where a service's host is.
    #[error("host of the service is not known")]
    HostUnknown(#[source] Arc<Unresolved>),
    /// Acting on behalf of somebody is not allowed.
    #[error("caller may not act on behalf of another principal")]
    OnBehalfOf,
    /// One of the caller's names is blocked.
    #[error("caller or whom it acts for is blocked")]
    Blocked,
    /// The principal never uses rights of its own.
    #[error("principal only acts on behalf of others")]
    OnlyForOthers,
    /// Nobody can say at present in which groups somebody is.
    #[error("groups cannot be found out")]
    GroupsUnavailable,
    /// Nobody can say at present who may act for whom.
    #[error("rules of acting for others are too old")]
    ActingUnavailable,
    /// A delegation token was used for what needs a certificate.
    #[error("caller came by a delegation token")]
    NotPrimary,
    /// The method is not served here.
    #[error("method is not served")]
    NotServed,
    /// The method is for administrators.
    #[error("caller is no administrator")]
    NotAdministrator,
    /// There is no policy in force, or it is older than its class allows.
    #[error("policy is missing or too old")]
    PolicyUnavailable,
    /// No configured minter serves the storage.
    #[error("storage has no source credential here")]
    StorageNotServed,
    /// The grant ends before a token could.
    #[error("grant ends before a token could")]
    GrantEndsTooSoon,
    /// The caller's share of narrowed scopes is spent.
    #[error("caller spent its share of narrowed scopes")]
    Fragmented {
        /// When the share has room again.
        retry_after: Duration,
    },
    /// No token could be made.
    #[error("token was not minted")]
    Mint(#[from] MintError),
    /// No delegation token could be made.
    #[error("delegation token was not issued")]
    Issue(#[from] IssueError),
    /// There are too many delegation tokens already.
    #[error("delegation token is beyond a quota")]
    TokenQuota(#[from] QuotaExceeded),
    /// A text in place of a delegation token is genuine here in no way.
    #[error("delegation token in the request is not genuine")]
    TokenNotGenuine(#[source] DelegationRefusal),
    /// Somebody else than its renewer wants to renew a delegation token.
    #[error("caller is not the renewer of the delegation token")]
    NotRenewer,
    /// Somebody else than its owner or its renewer wants to cancel a delegation token.
    #[error("caller is neither owner nor renewer of the delegation token")]
    NotCanceller,
    /// The delegation token to be renewed is over.
    #[error("delegation token is over")]
    TokenOver(#[source] DelegationRefusal),
    /// What becomes of delegation tokens can be neither read nor written.
    #[error("delegation tokens cannot be read or written")]
    DelegationState(#[from] DelegationStateError),
    /// The audit record was not accepted.
    #[error("audit record was not accepted")]
    Audit,
    /// Something that cannot be, was.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl Failure {
    /// The word for it in audit records; from a closed list.
    pub(crate) fn audit_reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(error) => error.audit_reason(),
            Self::Invalid(InvalidRequest::Path(_)) => "path_form",
            Self::Invalid(_) | Self::Field(_) | Self::BatchSize | Self::TooLarge | Self::Metadata => {
                "request_form"
            }
            Self::Compressed => "compressed",
            Self::RateLimited { .. } => "rate_limited",
            Self::Late => "deadline",
            Self::Draining => "draining",
            Self::Refused(refusal) => match refusal {
                Refusal::Denied { .. } => "policy_deny",
                Refusal::UnknownBucket => "unknown_bucket",
                Refusal::NotSeparable { .. } => "not_separable",
                Refusal::SeveralStorages | Refusal::PartCount => "request_form",
            },
            Self::OwnBucket => "own_bucket",
            Self::Elsewhere => "service_host",
            Self::HostUnknown(_) => "host_unknown",
            Self::OnBehalfOf => "proxy_rule",
            Self::Blocked => "blocked",
            Self::OnlyForOthers => "on_behalf_of_required",
            Self::GroupsUnavailable => "groups_unavailable",
            Self::ActingUnavailable => "proxy_rules_unavailable",
            Self::NotPrimary => "not_primary",
            Self::NotServed => "unknown_method",
            Self::NotAdministrator => "not_administrator",
            Self::PolicyUnavailable => "policy_unavailable",
            Self::StorageNotServed => "storage_not_served",
            Self::GrantEndsTooSoon => "grant_ends_too_soon",
            Self::Fragmented { .. } => "scope_fragmented",
            Self::Mint(_) => "mint_failed",
            Self::TokenQuota(_) => "dt_quota",
            Self::TokenNotGenuine(refusal) | Self::TokenOver(refusal) => refusal.as_str(),
            Self::NotRenewer => "dt_not_renewer",
            Self::NotCanceller => "dt_not_canceller",
            Self::DelegationState(_) => "dt_state_unavailable",
            Self::Audit => "audit_unavailable",
            Self::Issue(_) | Self::Internal(_) => "internal",
        }
    }

    /// The deny rule that decided, for audit.
    pub(crate) fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::Refused(Refusal::Denied { rule }) => rule.as_ref(),
            _ => None,
        }
    }

    /// Whether somebody refused, as opposed to something failing.
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::PolicyUnavailable
                | Self::GroupsUnavailable
                | Self::ActingUnavailable
                | Self::StorageNotServed
                | Self::HostUnknown(_)
                | Self::Mint(_)
                | Self::Issue(_)
                | Self::DelegationState(_)
                | Self::Unauthenticated(AuthenticationError::DelegationState(_))
                | Self::Audit
                | Self::Late
                | Self::Draining
                | Self::Internal(_)
        )
    }
}
