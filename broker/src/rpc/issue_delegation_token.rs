//! `DelegationTokenService.Issue`: a token that a job carries instead of its owner's certificate.

use lakegate_delegation::{Binding, Issued};
use lakegate_domain::{Principal, Proof};
use lakegate_proto::v1::issue_delegation_token_request::BindTo;
use lakegate_proto::{timestamp_to_wire, v1};

use super::{Desk, RequestContext};
use crate::audit::{IssuedToken, Record};
use crate::delegation::{Wish, pod_binding};
use crate::{Failure, Proven};

/// Answers, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::IssueDelegationTokenRequest,
) -> Result<v1::IssueDelegationTokenResponse, Failure> {
    let effective = desk.effective(context, &request.on_behalf_of);
    let mut record = context.record("IssueDelegationToken", desk.pipeline.now());
    let outcome = run(desk, context, (request, effective), &mut record).await;
    let issued = desk.close(context, record, outcome).await?;
    Ok(v1::IssueDelegationTokenResponse {
        token: issued.token.expose().to_owned(),
        renew_before: Some(timestamp_to_wire(issued.identifier.first_renew_date)),
        max_date: Some(timestamp_to_wire(issued.identifier.max_date)),
        audit_id: context.audit_id.as_str().to_owned(),
    })
}

async fn run(
    desk: &Desk,
    context: &RequestContext,
    (request, effective): (&v1::IssueDelegationTokenRequest, Result<Option<Principal>, Failure>),
    record: &mut Record,
) -> Result<Issued, Failure> {
    if request.on_behalf_of.is_empty() {
        primary(context)?;
    }
    let delegation = desk.delegation.as_ref().ok_or(Failure::NotServed)?;
    // Refuses who came by a token and would act for somebody, with both names on record.
    let caller = desk.caller(context, effective).await?;
    primary(context)?;
    let renewer = match &*request.renewer {
        "" => None,
        renewer => Some(desk.principal(renewer, "renewer is no principal")?),
    };
    let wish = Wish {
        owner: caller.principal().clone(),
        renewer,
        real_user: caller.real().cloned(),
        binding: request.bind_to.as_ref().map(|bind_to| binding(desk, bind_to)).transpose()?,
    };
    let issued = delegation.issue(&wish).await?;
    context.holds(desk.pipeline.now())?;
    record.issued = Some(IssuedToken {
        id: issued.identifier.id,
        renewer: issued.identifier.renewer.clone(),
        bound_to: issued.binding.map(|binding| binding.kind().as_str()),
        renew_before: issued.identifier.first_renew_date,
        max_date: issued.identifier.max_date,
        key: issued.identifier.key.as_u32(),
    });
    Ok(issued)
}

/// What a token is to be bound to.
fn binding(desk: &Desk, bind_to: &BindTo) -> Result<Binding, Failure> {
    match bind_to {
        BindTo::PublicKeySha256(digest) => {
            let digest = digest.as_slice().try_into();
            Ok(Binding::public_key(digest.map_err(|_| Failure::Field("public_key_sha256 is not 32 bytes"))?))
        }
        BindTo::PodUid(pod) => pod_binding(pod, &desk.identities.carriers_domains()),
    }
}

/// Refuses a caller who came by a delegation token: a token cannot make, keep or end another.
pub(super) fn primary(context: &RequestContext) -> Result<(), Failure> {
    match context.caller.proof() {
        Proof::ClientCertificate => Ok(()),
        Proof::DelegationToken => Err(Failure::NotPrimary),
    }
}
