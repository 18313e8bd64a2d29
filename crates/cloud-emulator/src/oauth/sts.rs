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

use super::{Form, body_of};
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
        return reply::oauth_error(
            StatusCode::TOO_MANY_REQUESTS,
            "quota_exceeded",
            "Quota exceeded for quota metric 'Token exchange requests' and limit 'per minute'.",
        );
    }
    let Some(form) = body_of(body).await.and_then(|body| Form::read(&body)) else {
        return refused("invalid_request", "Malformed or oversized form.");
    };
    match downscope(&cloud, &form) {
        Ok(record) => issue(&cloud, record, ignore.is_some()),
        Err((code, description)) => refused(code, &description),
    }
}

/// What the new token can do: its source's rights, cut down by the boundary, until its source ends.
fn downscope(cloud: &Cloud, form: &Form) -> Result<TokenRecord, (&'static str, String)> {
    let invalid = |description: &str| ("invalid_request", description.to_owned());
    if form.get("grant_type") != Some(GRANT_TYPE) {
        return Err(("unsupported_grant_type", "Invalid grant_type.".to_owned()));
    }
    for name in ["subject_token_type", "requested_token_type"] {
        if form.get(name) != Some(ACCESS_TOKEN_TYPE) {
            return Err(("unsupported_token_type", format!("Invalid value for {name}.")));
        }
    }
    let subject = form.get("subject_token").ok_or_else(|| invalid("Missing parameter: subject_token."))?;
    let source = cloud
        .tokens
        .find(subject, cloud.now())
        .ok_or_else(|| ("invalid_grant", "The subject token is not a live access token.".to_owned()))?;
    if source.boundary.is_some() {
        return Err(("invalid_grant", "The subject token is downscoped already.".to_owned()));
    }
    let options = form.get("options").ok_or_else(|| invalid("Missing parameter: options."))?;
    let boundary = cloud.boundaries.load(options).map_err(|reason| invalid(&reason.to_string()))?;
    Ok(TokenRecord {
        account: Arc::clone(&source.account),
        expires_at: source.expires_at,
        boundary: Some(boundary),
    })
}

fn issue(cloud: &Cloud, record: TokenRecord, boundary_ignored: bool) -> Response {
    let now = cloud.now();
    let expires_in = record.expires_at.since(now).as_secs();
    let record = if boundary_ignored { TokenRecord { boundary: None, ..record } } else { record };
    let Ok(token) = cloud.tokens.issue(record, now) else {
        return reply::oauth_error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Internal error.");
    };
    let answer = json!({
        "access_token": token.expose(),
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "Bearer",
        "expires_in": expires_in,
    });
    reply::json(StatusCode::OK, &answer)
}

fn refused(code: &str, description: &str) -> Response {
    reply::oauth_error(StatusCode::BAD_REQUEST, code, description)
}
