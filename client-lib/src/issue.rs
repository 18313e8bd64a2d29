//! Asks a broker for a delegation token: one call, nothing is kept.

use lakegate_domain::{Principal, Secret, Timestamp};
use lakegate_proto::v1::delegation_token_service_client::DelegationTokenServiceClient;
use lakegate_proto::v1::issue_delegation_token_request::BindTo;
use lakegate_proto::{timestamp_from_wire, v1};
use tonic::Request;

use crate::answer::audit_id;
use crate::config::ClientConfig;
use crate::endpoints::errand;
use crate::error::{AnswerFault, ClientError};

/// A fresh delegation token. Whoever holds it has its owner's rights until it ends.
#[derive(Debug)]
#[non_exhaustive]
pub struct IssuedDelegationToken {
    /// The token as a url string.
    pub token: Secret,
    /// Until when it must be renewed.
    pub renew_before: Timestamp,
    /// Beyond which no renewal goes.
    pub max_date: Timestamp,
    /// Finds the record in the broker's audit log.
    pub audit_id: String,
}

/// What a connection must prove over which a delegation token is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenBinding {
    /// A client certificate with this public key: the SHA-256 of its `SubjectPublicKeyInfo` in DER. A renewed certificate
    /// of the same key will do.
    PublicKeySha256([u8; 32]),
    /// A client certificate that vouches for the pod with this UID.
    PodUid(String),
}

/// Asks the brokers of a configuration, one after the other until one answers, for a delegation token of the caller's,
/// which `renewer` may renew and whoever holds it may use.
///
/// # Errors
/// [`ClientError::Denied`] when the caller itself came by a delegation token; else see [`ClientError`].
pub async fn issue_delegation_token(
    config: ClientConfig,
    renewer: Option<&Principal>,
) -> Result<IssuedDelegationToken, ClientError> {
    issue(config, renewer, None).await
}

/// The same for a token that is of use only over connections which prove `binding`.
///
/// # Errors
/// As [`issue_delegation_token`].
pub async fn issue_bound_delegation_token(
    config: ClientConfig,
    renewer: Option<&Principal>,
    binding: TokenBinding,
) -> Result<IssuedDelegationToken, ClientError> {
    let bind_to = match binding {
        TokenBinding::PublicKeySha256(digest) => BindTo::PublicKeySha256(digest.to_vec()),
        TokenBinding::PodUid(uid) => BindTo::PodUid(uid),
    };
    issue(config, renewer, Some(bind_to)).await
}

async fn issue(
    config: ClientConfig,
    renewer: Option<&Principal>,
    bind_to: Option<BindTo>,
) -> Result<IssuedDelegationToken, ClientError> {
    let wish = v1::IssueDelegationTokenRequest {
        renewer: renewer.map(|renewer| renewer.as_str().to_owned()).unwrap_or_default(),
        on_behalf_of: config.on_behalf_of.clone().unwrap_or_default(),
        bind_to,
    };
    let ask = |channel, left| {
        let mut request = Request::new(wish.clone());
        request.set_timeout(left);
        async move { DelegationTokenServiceClient::new(channel).issue(request).await }
    };
    let answer = errand(config, ask).await?.into_inner();
    if answer.token.is_empty() {
        return Err(AnswerFault::Credential.into());
    }
    Ok(IssuedDelegationToken {
        renew_before: timestamp_from_wire(answer.renew_before.as_ref()).map_err(|_| AnswerFault::Instant)?,
        max_date: timestamp_from_wire(answer.max_date.as_ref()).map_err(|_| AnswerFault::Instant)?,
        audit_id: audit_id(&answer.audit_id).ok_or(AnswerFault::Name)?,
        token: Secret::new(answer.token),
    })
}
