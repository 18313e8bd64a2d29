//! `DelegationTokenService.Renew`: the named renewer keeps a token alive, up to its max date.

use lakegate_domain::{Caller, Timestamp};
use lakegate_proto::{timestamp_to_wire, v1};

use super::issue_delegation_token::primary;
use super::{Desk, RequestContext};
use crate::Failure;
use crate::audit::Record;
use crate::delegation::{DelegationDesk, Named};

/// Answers, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::RenewDelegationTokenRequest,
) -> Result<v1::RenewDelegationTokenResponse, Failure> {
    let mut record = context.record("RenewDelegationToken", desk.pipeline.now());
    let outcome = run(desk, context, request, &mut record).await;
    let renew_before = desk.close(context, record, outcome).await?;
    Ok(v1::RenewDelegationTokenResponse {
        renew_before: Some(timestamp_to_wire(renew_before)),
        audit_id: context.audit_id.as_str().to_owned(),
    })
}

async fn run(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::RenewDelegationTokenRequest,
    record: &mut Record,
) -> Result<Timestamp, Failure> {
    primary(context)?;
    let delegation = desk.delegation.as_ref().ok_or(Failure::NotServed)?;
    let mut named = None;
    let renewed = renew(desk, delegation, (&context.caller, &request.token), &mut named).await;
    record.named = named.as_ref().map(Named::on_record);
    renewed
}

/// Renews a token, unless the right is gone by which a proxy got it.
async fn renew(
    desk: &Desk,
    delegation: &DelegationDesk,
    (caller, token): (&Caller, &str),
    named: &mut Option<Named>,
) -> Result<Timestamp, Failure> {
    let identifier = delegation.genuine(token, named).await?;
    let snapshot = desk.pipeline.snapshot()?;
    desk.acting.still_stands(&identifier.owner, identifier.real_user.as_ref(), &snapshot).await?;
    delegation.renew(identifier, caller.principal(), named).await
}
