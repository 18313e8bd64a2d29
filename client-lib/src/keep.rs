//! Keeps a delegation token alive, or ends it: one call, nothing is kept.
//!
//! Both may be asked for twice: a token is renewed until an instant, and what is cancelled stays so. They go to the next
//! broker when one does not answer.

use lakegate_domain::{Secret, Timestamp};
use lakegate_proto::v1::delegation_token_service_client::DelegationTokenServiceClient;
use lakegate_proto::{timestamp_from_wire, v1};
use tonic::Request;

use crate::answer::audit_id;
use crate::config::ClientConfig;
use crate::endpoints::errand;
use crate::error::{AnswerFault, ClientError};

/// A delegation token that lives on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewedDelegationToken {
    /// Until when it must be renewed again; the max date it was issued with still stands above it.
    pub renew_before: Timestamp,
    /// Finds the record in the broker's audit log.
    pub audit_id: String,
}

/// A delegation token that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelledDelegationToken {
    /// Finds the record in the broker's audit log.
    pub audit_id: String,
}

/// Renews a delegation token, a url string, as its renewer.
///
/// # Errors
/// [`ClientError::Denied`] when the caller is not the renewer that the token names, or the token is not genuine;
/// [`ClientError::InvalidRequest`] when it is over, or no token at all; else see [`ClientError`].
pub async fn renew_delegation_token(
    config: ClientConfig,
    token: &Secret,
) -> Result<RenewedDelegationToken, ClientError> {
    let ask = |channel, left| {
        let mut request = Request::new(v1::RenewDelegationTokenRequest { token: token.expose().to_owned() });
        request.set_timeout(left);
        async move { DelegationTokenServiceClient::new(channel).renew(request).await }
    };
    let answer = errand(config, ask).await?.into_inner();
    Ok(RenewedDelegationToken {
        renew_before: timestamp_from_wire(answer.renew_before.as_ref()).map_err(|_| AnswerFault::Instant)?,
        audit_id: audit_id(&answer.audit_id).ok_or(AnswerFault::Name)?,
    })
}

/// Cancels a delegation token, a url string, as its owner or its renewer. Brokers refuse it within seconds; storage
/// tokens that were got with it live to their end.
///
/// # Errors
/// [`ClientError::Denied`] when the caller is neither, or the token is not genuine; [`ClientError::Unavailable`] when no
/// broker could write it down: cancel it again until that is done; else see [`ClientError`].
pub async fn cancel_delegation_token(
    config: ClientConfig,
    token: &Secret,
) -> Result<CancelledDelegationToken, ClientError> {
    let ask = |channel, left| {
        let mut request = Request::new(v1::CancelDelegationTokenRequest { token: token.expose().to_owned() });
        request.set_timeout(left);
        async move { DelegationTokenServiceClient::new(channel).cancel(request).await }
    };
    let answer = errand(config, ask).await?.into_inner();
    Ok(CancelledDelegationToken { audit_id: audit_id(&answer.audit_id).ok_or(AnswerFault::Name)? })
}
