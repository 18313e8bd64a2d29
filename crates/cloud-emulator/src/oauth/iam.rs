//! `generateAccessToken`: a source token of another account, for as long as asked.
//!
//! Wire format: Google, IAM Service Account Credentials API, `projects.serviceAccounts.generateAccessToken`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use lakegate_domain::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{CLOUD_PLATFORM, Denial, body_of};
use crate::accounts::Account;
use crate::cloud::Cloud;
use crate::reply;
use crate::tokens::TokenRecord;

const HOUR: Duration = Duration::from_hours(1);
const TWELVE_HOURS: Duration = Duration::from_hours(12);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(default)]
    delegates: Vec<String>,
    #[serde(default)]
    scope: Vec<String>,
    lifetime: Option<String>,
}

/// Answers with a token of the account named in the path.
pub(crate) async fn impersonate(
    State(cloud): State<Arc<Cloud>>,
    Path((project, account)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let target = account.strip_suffix(":generateAccessToken").filter(|_| project == "-");
    let Some(target) = target else {
        return Denial::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Not found.").as_api();
    };
    let granted = body_of(body)
        .await
        .ok_or_else(|| invalid("Request body is too large."))
        .and_then(|body| grant(&cloud, target, &headers, &body));
    granted.unwrap_or_else(|denial| denial.as_api())
}

fn grant(cloud: &Cloud, target: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, Denial> {
    let caller = source(cloud, headers)?;
    let wish: Wish = serde_json::from_slice(body).map_err(|_| invalid("Invalid JSON payload received."))?;
    if wish.scope.iter().all(|scope| scope != CLOUD_PLATFORM) {
        return Err(invalid("The scope field is required and must hold the cloud-platform scope."));
    }
    let life = wanted_life(cloud, wish.lifetime.as_deref())?;
    let account = follow(cloud, &caller.account, &wish.delegates, target).ok_or_else(denied)?;
    let expires_at = Timestamp::from_seconds(cloud.now().plus(life).as_seconds());
    let record = TokenRecord { account, expires_at, boundary: None };
    let token = cloud
        .tokens
        .issue(record, cloud.now())
        .map_err(|_| Denial::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "Internal error."))?;
    let answer = json!({ "accessToken": token.expose(), "expireTime": expires_at.to_string() });
    Ok(reply::json(StatusCode::OK, &answer))
}

/// The source token behind the request; a downscoped one has no rights outside Cloud Storage.
fn source(cloud: &Cloud, headers: &HeaderMap) -> Result<Arc<TokenRecord>, Denial> {
    let unauthenticated = || {
        let message = "Request had invalid authentication credentials.";
        Denial::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    };
    let bearer = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(unauthenticated)?;
    let record = cloud.tokens.find(token, cloud.now()).ok_or_else(unauthenticated)?;
    if record.boundary.is_some() { Err(denied()) } else { Ok(record) }
}

/// `"3600s"`, one hour when absent, within the longest life granted.
fn wanted_life(cloud: &Cloud, text: Option<&str>) -> Result<Duration, Denial> {
    let Some(text) = text else { return Ok(HOUR) };
    let seconds = text.strip_suffix('s').and_then(|digits| digits.parse::<u64>().ok());
    let longest = cloud.source_life.clamp(HOUR, TWELVE_HOURS);
    seconds
        .map(Duration::from_secs)
        .filter(|life| !life.is_zero() && *life <= longest)
        .ok_or_else(|| invalid("The lifetime is not a positive duration within the longest allowed."))
}

/// Walks the chain of delegates: each must be allowed to make tokens for the next.
fn follow(cloud: &Cloud, caller: &Account, delegates: &[String], target: &str) -> Option<Arc<Account>> {
    let names = delegates.iter().map(|name| name.strip_prefix("projects/-/serviceAccounts/").unwrap_or(name));
    let mut reached: Option<Arc<Account>> = None;
    for name in names.chain([target]) {
        if !reached.as_deref().unwrap_or(caller).may_impersonate(name) {
            return None;
        }
        reached = Some(Arc::clone(cloud.accounts.find(name)?));
    }
    reached
}

fn invalid(message: &'static str) -> Denial {
    Denial::refused("INVALID_ARGUMENT", message)
}

fn denied() -> Denial {
    let message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
    Denial::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
}
