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
    let effective = desk.effective(context, &request.on_behalf_of);
    let mut record = context.record("Explain", desk.pipeline.now());
    let outcome = run(desk, context, (request, effective), &mut record).await;
    desk.close(context, record, outcome).await
}

async fn run(
    desk: &Desk,
    context: &RequestContext,
    (request, effective): (&v1::ExplainRequest, Result<Option<Principal>, Failure>),
    record: &mut Record,
) -> Result<v1::ExplainResponse, Failure> {
    let caller = desk.caller(context, effective).await?;
    let of = subject(desk, &caller, &request.principal, record).await?;
    let part = request.part.as_ref().ok_or(Failure::Field("part is missing"))?;
    let part = lakegate_proto::part_from_wire(part)?;
    record.parts = vec![part.clone()];
    let snapshot = desk.pipeline.snapshot()?;
    record.snapshot = Some(snapshot.number());
    let mut explanation = snapshot.explain(&of, &part, desk.pipeline.now());
    if desk.pipeline.is_own_bucket(part.target().bucket()) || desk.acting.is_blocked(of.principal()) {
        explanation = explanation.refused();
    } else if !desk.is_administrator(caller.principal()) {
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
async fn subject(
    desk: &Desk,
    caller: &Caller,
    principal: &str,
    record: &mut Record,
) -> Result<Caller, Failure> {
    if principal.is_empty() {
        return Ok(caller.clone());
    }
    let principal = desk.principal(principal, "principal is not one")?;
    if principal == *caller.principal() {
        return Ok(caller.clone());
    }
    record.about = Some(principal.clone());
    if !desk.is_administrator(caller.principal()) {
        return Err(Failure::NotAdministrator);
    }
    desk.acting.with_groups(Caller::new(principal, caller.proof())).await
}
