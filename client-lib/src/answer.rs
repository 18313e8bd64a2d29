//! From the wire to a token: everything is checked, and what is not understood is an error.
//!
//! Wire format: `lakegate/v1/access.proto`, `GetAccessTokenResponse`.

use lakegate_domain::{Credential, Part, Secret, StorageId};
use lakegate_proto::v1::{self, get_access_token_response::Credential as Wire};
use lakegate_proto::{operations_from_wire, part_from_wire, timestamp_from_wire};

use crate::error::AnswerFault;
use crate::freshness::{Life, Moment};
use crate::token::{BrokeredToken, Origin};

/// A token covers as many parts as a request may name.
pub(crate) const MAX_PARTS: usize = 4;
/// Longer audit ids are not shown to anybody.
const MAX_AUDIT_ID_BYTES: usize = 128;

/// What was asked, and when the answer came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) asked: &'a [Part],
    pub(crate) received: Moment,
    pub(crate) origin: Origin,
}

/// Reads an answer to a request.
///
/// # Errors
/// The first field that is missing, not understood, or does not fit what was asked.
pub(crate) fn read(
    answer: v1::GetAccessTokenResponse,
    context: Context<'_>,
) -> Result<BrokeredToken, AnswerFault> {
    let covered = covered(&answer.covered)?;
    let closure = operations_from_wire(&answer.closure).map_err(|_| AnswerFault::Closure)?;
    if !covered.iter().all(|part| closure.is_superset(part.operations())) {
        return Err(AnswerFault::Closure);
    }
    let expires_at = timestamp_from_wire(answer.expires_at.as_ref()).map_err(|_| AnswerFault::Instant)?;
    let refresh_after = match &answer.refresh_after {
        Some(instant) => Some(timestamp_from_wire(Some(instant)).map_err(|_| AnswerFault::Instant)?),
        None => None,
    };
    let token = BrokeredToken {
        credential: credential(answer.credential)?,
        expires_at,
        refresh_after,
        covered,
        closure,
        audit_id: audit_id(&answer.audit_id).ok_or(AnswerFault::Name)?,
        ends_early: answer.ends_early,
        storage: StorageId::parse(&answer.storage).map_err(|_| AnswerFault::Name)?,
        life: Life::new(context.received, expires_at, refresh_after),
        origin: context.origin,
    };
    if token.covers_all(context.asked) { Ok(token) } else { Err(AnswerFault::CoversTooLittle) }
}

/// An audit id that may be shown: short and printable.
pub(crate) fn audit_id(text: &str) -> Option<String> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    (!text.is_empty() && text.len() <= MAX_AUDIT_ID_BYTES && printable).then(|| text.to_owned())
}

fn covered(parts: &[v1::Part]) -> Result<Vec<Part>, AnswerFault> {
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Err(AnswerFault::Covered);
    }
    parts.iter().map(|part| part_from_wire(part).map_err(|_| AnswerFault::Covered)).collect()
}

fn credential(wire: Option<Wire>) -> Result<Credential, AnswerFault> {
    match wire.ok_or(AnswerFault::Credential)? {
        Wire::Bearer(bearer) => Ok(Credential::Bearer(secret(bearer.token)?)),
        Wire::Sas(sas) => Ok(Credential::Sas(secret(sas.query)?)),
        Wire::Aws(aws) => Ok(Credential::Aws {
            access_key_id: header_text(aws.access_key_id)?,
            secret_access_key: secret(aws.secret_access_key)?,
            session_token: secret(aws.session_token)?,
        }),
    }
}

fn secret(text: String) -> Result<Secret, AnswerFault> {
    let secret = Secret::new(text);
    check_header_text(secret.expose())?;
    Ok(secret)
}

fn header_text(text: String) -> Result<String, AnswerFault> {
    check_header_text(&text)?;
    Ok(text)
}

/// Credentials travel in headers and query strings; a line break in one would be a second header.
fn check_header_text(text: &str) -> Result<(), AnswerFault> {
    if text.is_empty() {
        return Err(AnswerFault::Credential);
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err(AnswerFault::CredentialText) }
}

#[cfg(test)]
mod tests;
