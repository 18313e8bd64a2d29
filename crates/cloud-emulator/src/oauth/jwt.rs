//! `POST /token`: a source token for a signed assertion (RFC 7523).
//!
//! Wire format: Google, "Using OAuth 2.0 for server to server applications"; RS256, claims `iss`, `scope`, `aud`,
//! `iat`, `exp`, at most one hour apart.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::json;

use super::{CLOUD_PLATFORM, Denial, Form, body_of};
use crate::accounts::Account;
use crate::cloud::Cloud;
use crate::reply;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const GOOGLE_AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// The longest an assertion may live, in seconds.
const MAX_LIFE: i64 = 3600;
/// How far the caller's clock may run ahead, in seconds.
const MAX_AHEAD: i64 = 300;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    scope: String,
    sub: Option<String>,
}

/// Answers a signed assertion with a source token.
pub(crate) async fn assertion(State(cloud): State<Arc<Cloud>>, body: Body) -> Response {
    let form = body_of(body).await.and_then(|body| Form::read(&body));
    let granted = form
        .ok_or(Denial::refused("invalid_request", "Malformed form."))
        .and_then(|form| grant(&cloud, &form));
    granted.unwrap_or_else(|denial| denial.as_oauth())
}

fn grant(cloud: &Cloud, form: &Form) -> Result<Response, Denial> {
    if form.get("grant_type") != Some(GRANT_TYPE) {
        return Err(Denial::refused("unsupported_grant_type", "Invalid grant_type."));
    }
    let assertion =
        form.get("assertion").ok_or(Denial::refused("invalid_request", "Missing parameter: assertion."))?;
    let account = verify(cloud, assertion)?;
    let token = cloud
        .issue_source(&account, cloud.source_life)
        .map_err(|_| Denial::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Internal error."))?;
    let answer = json!({
        "access_token": token.expose(),
        "expires_in": cloud.source_life.as_secs(),
        "token_type": "Bearer",
    });
    Ok(reply::json(StatusCode::OK, &answer))
}

/// The account that signed the assertion, for this server and for now.
fn verify(cloud: &Cloud, assertion: &str) -> Result<Arc<Account>, Denial> {
    let invalid = |description: &'static str| Denial::refused("invalid_grant", description);
    let claims: Claims = jsonwebtoken::dangerous::insecure_decode(assertion)
        .map_err(|_| invalid("Bad Request: malformed assertion."))?
        .claims;
    let account =
        cloud.accounts.find(&claims.iss).ok_or_else(|| invalid("Invalid grant: account not found."))?;
    check_signature(account, assertion).ok_or_else(|| invalid("Invalid JWT Signature."))?;
    let now = cloud.now().as_seconds();
    if claims.exp <= now || claims.iat > now + MAX_AHEAD || claims.exp.saturating_sub(claims.iat) > MAX_LIFE {
        return Err(invalid("Invalid JWT: token must be a short-lived token and in a reasonable timeframe."));
    }
    if claims.aud != GOOGLE_AUDIENCE && claims.aud != format!("{}/token", cloud.url) {
        return Err(invalid("Invalid JWT: failed audience check."));
    }
    if claims.sub.is_some_and(|subject| subject != claims.iss) {
        let description = "Client is unauthorized to act for another subject.";
        return Err(Denial::refused("unauthorized_client", description));
    }
    if claims.scope.split(' ').all(|scope| scope != CLOUD_PLATFORM) {
        return Err(Denial::refused("invalid_scope", "Empty or missing scope not allowed."));
    }
    Ok(Arc::clone(account))
}

/// Signature and key id; times and audience are compared by the emulator's own clock and address.
fn check_signature(account: &Account, assertion: &str) -> Option<()> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let token = jsonwebtoken::decode::<Claims>(assertion, &account.key, &validation).ok()?;
    token.header.kid.is_none_or(|kid| kid == account.key_id).then_some(())
}
