//! `DelegationTokenService.Renew`: the named renewer keeps a token alive, up to its max date.

use lakegate_proto::{timestamp_to_wire, v1};

use super::issue_delegation_token::primary;
use super::{Desk, RequestContext};
use crate::Failure;
use crate::audit::Record;
use crate::delegation::Named;

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
) -> Result<lakegate_domain::Timestamp, Failure> {
    primary(context)?;
    let delegation = desk.delegation.as_ref().ok_or(Failure::NotServed)?;
    let mut named = None;
    let renewed = delegation.renew(&request.token, context.caller.principal(), &mut named).await;
    record.named = named.as_ref().map(Named::on_record);
    renewed
}
