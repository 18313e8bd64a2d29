//! Cloud Storage in JSON: what Google's client libraries, gcsfs and the Hadoop connector speak.
//!
//! Wire format: Google, "Cloud Storage JSON API". An object name is one path segment, percent-encoded, decoded
//! exactly once.

mod bucket;
mod object;
mod related;
mod resource;
mod upload;

use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::json;

use crate::cloud::Cloud;
use crate::reply;
use crate::storage::{Access, Incoming, Missing, Name, Refusal, decode};

/// Answers a JSON call.
pub(crate) fn answer(cloud: &Cloud, incoming: &Incoming) -> Result<Response, Refusal> {
    let segments = incoming.segments();
    match segments.as_slice() {
        ["upload", "storage", "v1", "b", bucket, "o"] => upload::answer(cloud, incoming, &decode(bucket)?),
        ["download", "storage", "v1", "b", bucket, "o", key] if incoming.method == Method::GET => {
            let access = Access::authenticate(cloud, incoming)?;
            object::download(&access, incoming, Name { bucket: &decode(bucket)?, key: &decode(key)? })
        }
        ["storage", "v1", "b", bucket, rest @ ..] => {
            let access = Access::authenticate(cloud, incoming)?;
            on_bucket(&access, incoming, &decode(bucket)?, rest)
        }
        _ => {
            Access::authenticate(cloud, incoming)?;
            Err(Refusal::NotFound(Missing::Page))
        }
    }
}

fn on_bucket(
    access: &Access<'_>,
    incoming: &Incoming,
    bucket: &str,
    rest: &[&str],
) -> Result<Response, Refusal> {
    match (&incoming.method, rest) {
        (&Method::GET, []) => bucket::get(access, bucket),
        (&Method::GET, ["o"]) => bucket::list(access, incoming, bucket),
        (method, ["o", key]) => {
            let name = Name { bucket, key: &decode(key)? };
            match *method {
                Method::GET => object::get(access, incoming, name),
                Method::PATCH => object::patch(access, incoming, name),
                Method::PUT => object::update(access, incoming, name),
                Method::DELETE => object::delete(access, incoming, name),
                _ => Err(Refusal::Unsupported),
            }
        }
        (&Method::POST, ["o", key, "compose"]) => {
            object::compose(access, incoming, Name { bucket, key: &decode(key)? })
        }
        (&Method::POST, ["o", key, verb @ ("copyTo" | "rewriteTo"), "b", target_bucket, "o", target]) => {
            let source = Name { bucket, key: &decode(key)? };
            let target = Name { bucket: &decode(target_bucket)?, key: &decode(target)? };
            let copied = object::copy(access, incoming, source, target)?;
            Ok(if *verb == "copyTo" { copied.as_object() } else { copied.as_rewrite() })
        }
        _ => Err(Refusal::Unsupported),
    }
}

/// The error document of a refusal.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let status = refusal.status();
    if status == StatusCode::NOT_MODIFIED {
        return reply::empty(status);
    }
    let mut detail = json!({ "domain": "global", "reason": reason(*refusal), "message": refusal.message() });
    if let (Refusal::LoginRequired | Refusal::InvalidCredentials, Some(detail)) =
        (refusal, detail.as_object_mut())
    {
        detail.insert("locationType".to_owned(), "header".into());
        detail.insert("location".to_owned(), "Authorization".into());
    }
    let body =
        json!({ "error": { "code": status.as_u16(), "message": refusal.message(), "errors": [detail] } });
    let mut response = reply::json(status, &body);
    match refusal {
        Refusal::LoginRequired | Refusal::InvalidCredentials => {
            reply::set(&mut response, "www-authenticate", "Bearer realm=\"https://accounts.google.com/\"");
        }
        Refusal::Range(size) => reply::set(&mut response, "content-range", &format!("bytes */{size}")),
        _ => {}
    }
    response
}

fn reason(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::LoginRequired => "required",
        Refusal::InvalidCredentials => "authError",
        Refusal::Forbidden(_) | Refusal::Unsupported => "forbidden",
        Refusal::NotFound(_) => "notFound",
        Refusal::Precondition => "conditionNotMet",
        Refusal::NotModified => "notModified",
        Refusal::Range(_) => "requestedRangeNotSatisfiable",
        Refusal::Invalid(_) | Refusal::BadDigest => "invalid",
        Refusal::TooLarge => "uploadTooLarge",
        Refusal::Cancelled => "clientClosedRequest",
        Refusal::Planned(StatusCode::TOO_MANY_REQUESTS) => "rateLimitExceeded",
        Refusal::Planned(_) => "backendError",
    }
}
