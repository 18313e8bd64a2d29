//! `DelegationTokenService.Issue`: a token that a job carries instead of its owner's certificate.

use lakegate_delegation::Issued;
use lakegate_domain::{Principal, Proof};
use lakegate_proto::{timestamp_to_wire, v1};

use super::{Desk, RequestContext};
use crate::Failure;
use crate::audit::{IssuedToken, Record};

/// Answers, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::IssueDelegationTokenRequest,
) -> Result<v1::IssueDelegationTokenResponse, Failure> {
    let mut record = context.record("IssueDelegationToken", desk.pipeline.now());
    let outcome = run(desk, context, request, &mut record);
    let issued = desk.close(context, record, outcome).await?;
    Ok(v1::IssueDelegationTokenResponse {
        token: issued.token.expose().to_owned(),
        renew_before: Some(timestamp_to_wire(issued.identifier.first_renew_date)),
        max_date: Some(timestamp_to_wire(issued.identifier.max_date)),
        audit_id: context.audit_id.as_str().to_owned(),
    })
}

fn run(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::IssueDelegationTokenRequest,
    record: &mut Record,
) -> Result<Issued, Failure> {
    primary(context)?;
    let delegation = desk.delegation.as_ref().ok_or(Failure::NotServed)?;
    if !request.on_behalf_of.is_empty() {
        record.on_behalf_of = Some(principal(&request.on_behalf_of, "on_behalf_of is no principal")?);
        return Err(Failure::OnBehalfOf);
    }
    let renewer = match &*request.renewer {
        "" => None,
        renewer => Some(principal(renewer, "renewer is no principal")?),
    };
    let issued = delegation.issue(context.caller.principal().clone(), renewer, desk.pipeline.now())?;
    record.issued = Some(IssuedToken {
        id: issued.identifier.id,
        renewer: issued.identifier.renewer.clone(),
        renew_before: issued.identifier.first_renew_date,
        max_date: issued.identifier.max_date,
        key: issued.identifier.key.as_u32(),
    });
    Ok(issued)
}

/// Refuses a caller who came by a delegation token: a token cannot make, keep or end another.
pub(super) fn primary(context: &RequestContext) -> Result<(), Failure> {
    match context.caller.proof() {
        Proof::ClientCertificate => Ok(()),
        Proof::DelegationToken => Err(Failure::NotPrimary),
    }
}

fn principal(text: &str, fault: &'static str) -> Result<Principal, Failure> {
    Principal::parse(text).map_err(|_| Failure::Field(fault))
}
