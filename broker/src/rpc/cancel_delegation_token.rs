//! `DelegationTokenService.Cancel`: its owner or its renewer ends a token, everywhere and for good.

use lakegate_proto::v1;

use super::issue_delegation_token::primary;
use super::{Desk, RequestContext};
use crate::Failure;
use crate::audit::Record;
use crate::delegation::Named;

/// Answers, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::CancelDelegationTokenRequest,
) -> Result<v1::CancelDelegationTokenResponse, Failure> {
    let mut record = context.record("CancelDelegationToken", desk.pipeline.now());
    let outcome = run(desk, context, request, &mut record).await;
    desk.close(context, record, outcome).await?;
    Ok(v1::CancelDelegationTokenResponse { audit_id: context.audit_id.as_str().to_owned() })
}

async fn run(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::CancelDelegationTokenRequest,
    record: &mut Record,
) -> Result<(), Failure> {
    primary(context)?;
    let delegation = desk.delegation.as_ref().ok_or(Failure::NotServed)?;
    let mut named = None;
    let cancelled = delegation.cancel(&request.token, context.caller.principal(), &mut named).await;
    record.named = named.as_ref().map(Named::on_record);
    cancelled
}
