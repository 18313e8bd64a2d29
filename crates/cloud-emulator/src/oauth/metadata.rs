//! The metadata server: a cached token of the first service account, for whoever is on the machine.
//!
//! Wire format: Google, "About VM metadata". The token is handed out again until it has less than
//! [`RENEW_BELOW`] to live, so a caller may get one with little life left and cannot force a fresh one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use lakegate_domain::{Secret, Timestamp};
use serde_json::json;

use super::CLOUD_PLATFORM;
use crate::cloud::Cloud;
use crate::reply;

const RENEW_BELOW: Duration = Duration::from_mins(5);
const ACCOUNT: &str = "v1/instance/service-accounts/default/";

/// The token that is handed out at present.
#[derive(Debug, Default)]
pub(crate) struct MetadataCache(Mutex<Option<(Secret, Timestamp)>>);

/// Answers below `/computeMetadata/`.
pub(crate) async fn metadata(
    State(cloud): State<Arc<Cloud>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut response = answer(&cloud, &path, &headers);
    reply::set(&mut response, "metadata-flavor", "Google");
    response
}

fn answer(cloud: &Cloud, path: &str, headers: &HeaderMap) -> Response {
    let flavor = headers.get("metadata-flavor").is_some_and(|value| value == "Google");
    if !flavor || headers.contains_key("x-forwarded-for") {
        return reply::with_body(StatusCode::FORBIDDEN, "text/plain", "Missing or forbidden header.\n");
    }
    let account = cloud.accounts.default_account();
    match (path.strip_prefix(ACCOUNT), account) {
        (Some("token"), Some(_)) => token(cloud),
        (Some("email"), Some(account)) => {
            reply::with_body(StatusCode::OK, "text/plain", account.email.clone())
        }
        (Some(""), Some(account)) => {
            let about = json!({ "aliases": ["default"], "email": account.email, "scopes": [CLOUD_PLATFORM] });
            reply::json(StatusCode::OK, &about)
        }
        _ => reply::with_body(StatusCode::NOT_FOUND, "text/plain", "Not found.\n"),
    }
}

fn token(cloud: &Cloud) -> Response {
    let now = cloud.now();
    let mut cache = cloud.metadata.0.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.as_ref().is_none_or(|(_, expires_at)| expires_at.since(now) < RENEW_BELOW) {
        *cache = fresh(cloud);
    }
    match cache.as_ref() {
        Some((token, expires_at)) => {
            let answer = json!({
                "access_token": token.expose(),
                "expires_in": expires_at.since(now).as_secs(),
                "token_type": "Bearer",
            });
            reply::json(StatusCode::OK, &answer)
        }
        None => reply::with_body(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "Try again later.\n"),
    }
}

fn fresh(cloud: &Cloud) -> Option<(Secret, Timestamp)> {
    let account = cloud.accounts.default_account()?;
    let expires_at = cloud.now().plus(cloud.source_life);
    let token = cloud.issue_source(account, cloud.source_life).ok()?;
    Some((token, expires_at))
}
