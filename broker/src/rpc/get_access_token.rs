//! `GetAccessToken`: one token for one scope.

use lakegate_domain::{Credential, Principal, Timestamp};
use lakegate_proto::{operations_to_wire, part_to_wire, timestamp_to_wire, v1};
use prost::Message;

use super::desk::parts_of;
use super::{Desk, RequestContext};
use crate::audit::{HandedOut, Record};
use crate::{Answer, Ask, Failure};

/// The largest message, in bytes.
const LARGEST: usize = 64 * 1024;

/// Answers, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::GetAccessTokenRequest,
) -> Result<v1::GetAccessTokenResponse, Failure> {
    let effective = desk.effective(context, &request.on_behalf_of);
    let mut record = context.record("GetAccessToken", desk.pipeline.now());
    let timer = desk.metrics.latency.start_timer();
    let outcome = run(desk, context, (request, effective), &mut record).await;
    timer.observe_duration();
    let answer = desk.close(context, record, outcome).await?;
    desk.metrics.tokens.with_label_values(&[answer.served.tier.as_str()]).inc();
    Ok(to_wire(context, &answer))
}

async fn run(
    desk: &Desk,
    context: &RequestContext,
    (request, effective): (&v1::GetAccessTokenRequest, Result<Option<Principal>, Failure>),
    record: &mut Record,
) -> Result<Answer, Failure> {
    if request.encoded_len() > LARGEST {
        return Err(Failure::TooLarge);
    }
    let ask = Ask { parts: parts_of(&request.parts)?, rejected: rejected(&request.rejected_token_sha256)? };
    record.parts.clone_from(&ask.parts);
    let caller = desk.caller(context, effective).await?;
    let answer = desk.pipeline.answer((&caller, context), &ask).await?;
    record.snapshot = Some(answer.grant.snapshot());
    record.token = Some(handed_out(&answer));
    Ok(answer)
}

fn rejected(bytes: &[u8]) -> Result<Option<[u8; 32]>, Failure> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let digest = bytes.try_into().map_err(|_| Failure::Field("rejected_token_sha256 is not 32 bytes"))?;
    Ok(Some(digest))
}

fn handed_out(answer: &Answer) -> HandedOut {
    let scope = answer.grant.scope();
    HandedOut {
        scope: scope.key().to_string(),
        covered: scope.parts().to_vec(),
        closure: scope.closure().to_string(),
        datasets: answer.grant.datasets().to_vec(),
        expires_at: answer.served.token.expires_at,
        tier: answer.served.tier.as_str(),
    }
}

fn to_wire(context: &RequestContext, answer: &Answer) -> v1::GetAccessTokenResponse {
    let scope = answer.grant.scope();
    let token = &answer.served.token;
    v1::GetAccessTokenResponse {
        credential: Some(credential(&token.credential)),
        expires_at: Some(timestamp_to_wire(token.expires_at)),
        refresh_after: Some(timestamp_to_wire(refresh_after(token))),
        covered: scope.parts().iter().map(part_to_wire).collect(),
        closure: operations_to_wire(scope.closure()),
        audit_id: context.audit_id.as_str().to_owned(),
        ends_early: answer.served.ends_early,
        storage: scope.storage().as_str().to_owned(),
    }
}

/// From when on a client asks again: when less than 0.8 of the hand-out floor is left (design, section 6).
fn refresh_after(token: &lakegate_domain::AccessToken) -> Timestamp {
    token.expires_at.minus(token.hand_out_floor().mul_f64(0.8))
}

fn credential(credential: &Credential) -> v1::get_access_token_response::Credential {
    use v1::get_access_token_response::Credential as Wire;
    match credential {
        Credential::Bearer(token) => Wire::Bearer(v1::BearerCredential { token: token.expose().to_owned() }),
        Credential::Aws { access_key_id, secret_access_key, session_token } => Wire::Aws(v1::AwsCredential {
            access_key_id: access_key_id.clone(),
            secret_access_key: secret_access_key.expose().to_owned(),
            session_token: session_token.expose().to_owned(),
        }),
        Credential::Sas(query) => Wire::Sas(v1::SasCredential { query: query.expose().to_owned() }),
    }
}
