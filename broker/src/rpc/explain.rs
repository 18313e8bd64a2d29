//! `Explain`: what policy says about one part, without handing out a token.
//!
//! Administrators see every rule. Others learn of a refusal no more than `GetAccessToken` would tell them.

use lakegate_domain::{Caller, Principal};
use lakegate_proto::v1;

use super::{Desk, RequestContext};
use crate::Failure;
use crate::audit::Record;

/// Answers, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::ExplainRequest,
) -> Result<v1::ExplainResponse, Failure> {
    let mut record = context.record("Explain", desk.pipeline.now());
    let outcome = run(desk, context, request, &mut record);
    desk.close(context, record, outcome).await
}

fn run(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::ExplainRequest,
    record: &mut Record,
) -> Result<v1::ExplainResponse, Failure> {
    let caller = subject(desk, context, &request.principal, record)?;
    let part = request.part.as_ref().ok_or(Failure::Field("part is missing"))?;
    let part = lakegate_proto::part_from_wire(part)?;
    record.parts = vec![part.clone()];
    let snapshot = desk.pipeline.snapshot()?;
    record.snapshot = Some(snapshot.number());
    let mut explanation = snapshot.explain(&caller, &part, desk.pipeline.now());
    if desk.pipeline.is_own_bucket(part.target().bucket()) {
        explanation = explanation.refused();
    } else if !desk.is_administrator(context.caller.principal()) {
        explanation = explanation.for_its_subject();
    }
    let document = serde_json::to_string(&explanation).map_err(|_| Failure::Internal("explanation"))?;
    Ok(v1::ExplainResponse {
        allowed: explanation.is_allowed(),
        snapshot: snapshot.number(),
        document,
        audit_id: context.audit_id.as_str().to_owned(),
    })
}

/// Whose rights are explained: the caller's, or for administrators anybody's.
fn subject(
    desk: &Desk,
    context: &RequestContext,
    principal: &str,
    record: &mut Record,
) -> Result<Caller, Failure> {
    if principal.is_empty() || principal == context.caller.principal().as_str() {
        return Ok(context.caller.clone());
    }
    let principal = Principal::parse(principal).map_err(|_| Failure::Field("principal is not one"))?;
    record.on_behalf_of = Some(principal.clone());
    if !desk.is_administrator(context.caller.principal()) {
        return Err(Failure::NotAdministrator);
    }
    Ok(Caller::new(principal, context.caller.proof()))
}
