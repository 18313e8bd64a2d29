//! `POST /v1/token`: a source token and a boundary for a downscoped token (RFC 8693).
//!
//! Wire format: Google, "Security Token Service API, method token". A downscoped token ends with its source and
//! cannot be downscoped again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::{Denial, Form, body_of};
use crate::cloud::Cloud;
use crate::faults::IgnoreBoundary;
use crate::reply;
use crate::tokens::TokenRecord;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Answers an exchange, within the quota.
pub(crate) async fn exchange(
    State(cloud): State<Arc<Cloud>>,
    ignore: Option<Extension<IgnoreBoundary>>,
    body: Body,
) -> Response {
    if !cloud.sts_quota.take(cloud.now()) {
        let description = "Quota exceeded for quota metric 'Token exchange requests' and limit 'per minute'.";
        return Denial::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", description).as_oauth();
    }
    let form = body_of(body).await.and_then(|body| Form::read(&body));
    let granted = form
        .ok_or(Denial::refused("invalid_request", "Malformed or oversized form."))
        .and_then(|form| downscope(&cloud, &form))
        .and_then(|record| issue(&cloud, record, ignore.map(|Extension(ignore)| ignore)));
    granted.unwrap_or_else(|denial| denial.as_oauth())
}

/// What the new token can do: its source's rights, cut down by the boundary, until its source ends.
fn downscope(cloud: &Cloud, form: &Form) -> Result<TokenRecord, Denial> {
    if form.get("grant_type") != Some(GRANT_TYPE) {
        return Err(Denial::refused("unsupported_grant_type", "Invalid grant_type."));
    }
    for name in ["subject_token_type", "requested_token_type"] {
        if form.get(name) != Some(ACCESS_TOKEN_TYPE) {
            return Err(Denial::refused("unsupported_token_type", format!("Invalid value for {name}.")));
        }
    }
    let missing = |description: &'static str| Denial::refused("invalid_request", description);
    let subject = form.get("subject_token").ok_or_else(|| missing("Missing parameter: subject_token."))?;
    let source = cloud
        .tokens
        .find(subject, cloud.now())
        .ok_or(Denial::refused("invalid_grant", "The subject token is not a live access token."))?;
    if source.boundary.is_some() {
        return Err(Denial::refused("invalid_grant", "The subject token is downscoped already."));
    }
    let options = form.get("options").ok_or_else(|| missing("Missing parameter: options."))?;
    let boundary = cloud
        .boundaries
        .load(options)
        .map_err(|reason| Denial::refused("invalid_request", reason.to_string()))?;
    Ok(TokenRecord {
        account: Arc::clone(&source.account),
        expires_at: source.expires_at,
        boundary: Some(boundary),
    })
}

fn issue(cloud: &Cloud, record: TokenRecord, ignore: Option<IgnoreBoundary>) -> Result<Response, Denial> {
    let now = cloud.now();
    let expires_in = record.expires_at.since(now).as_secs();
    let boundary = if ignore.is_some() { None } else { record.boundary };
    let token = cloud
        .tokens
        .issue(TokenRecord { boundary, ..record }, now)
        .map_err(|_| Denial::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Internal error."))?;
    let answer = json!({
        "access_token": token.expose(),
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "Bearer",
        "expires_in": expires_in,
    });
    Ok(reply::json(StatusCode::OK, &answer))
}
