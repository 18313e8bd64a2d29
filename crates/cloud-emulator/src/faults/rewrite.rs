//! Token answers, changed after they were made.
//!
//! Works on both spellings: `access_token` with `expires_in` (OAuth, STS, metadata) and `accessToken` with
//! `expireTime` (IAM credentials).

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header;
use http_body_util::BodyExt;
use lakegate_domain::Timestamp;
use serde_json::{Map, Value};

use super::{Expiry, Fault};

/// The answer with the fault in it; answers without a token stay as they are.
pub(super) async fn token_answer(fault: &Fault, response: Response, now: Timestamp) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = collect(body).await;
    let changed = match serde_json::from_slice(&bytes) {
        Ok(Value::Object(mut fields)) if token_field(&fields).is_some() => {
            change(&mut fields, fault, now);
            Bytes::from(Value::Object(fields).to_string())
        }
        _ => bytes,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(changed))
}

/// A whole body; one that breaks off is what came of it, because our own handlers make it in memory.
pub(super) async fn collect(body: Body) -> Bytes {
    body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

fn token_field(fields: &Map<String, Value>) -> Option<&'static str> {
    ["access_token", "accessToken"].into_iter().find(|name| fields.contains_key(*name))
}

fn change(fields: &mut Map<String, Value>, fault: &Fault, now: Timestamp) {
    let token = token_field(fields).unwrap_or("access_token");
    match fault {
        Fault::Expiry(expiry) => change_expiry(fields, expiry, now),
        Fault::TokenType(other) => {
            fields.insert("token_type".to_owned(), other.as_str().into());
        }
        Fault::EmptyAccessToken => {
            fields.insert(token.to_owned(), "".into());
        }
        Fault::AccessTokenWithLineBreak => {
            fields.insert(token.to_owned(), "ya29.emu-broken\r\nx-injected: 1".into());
        }
        Fault::LongAccessToken(length) => {
            fields.insert(token.to_owned(), "a".repeat(*length).into());
        }
        Fault::ResultAndError => {
            fields.insert("error".to_owned(), "invalid_grant".into());
        }
        _ => {}
    }
}

fn change_expiry(fields: &mut Map<String, Value>, expiry: &Expiry, now: Timestamp) {
    let name = if fields.contains_key("accessToken") { "expireTime" } else { "expires_in" };
    let value = match expiry {
        Expiry::Missing => {
            fields.remove(name);
            return;
        }
        Expiry::Seconds(seconds) if name == "expires_in" => (*seconds).into(),
        Expiry::Seconds(seconds) => instant_after(now, *seconds).to_string().into(),
        Expiry::Text(text) => text.as_str().into(),
    };
    fields.insert(name.to_owned(), value);
}

fn instant_after(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_seconds(now.as_seconds().saturating_add(seconds))
}
