//! Cloud Storage in XML: what `object_store` and transfer managers speak.
//!
//! Wire format: Google, "XML API overview" and "XML API multipart uploads". The path is `/BUCKET` or
//! `/BUCKET/OBJECT`, the object percent-encoded whole or by segment and decoded exactly once.

mod bucket;
mod documents;
mod object;
mod upload;

use axum::response::Response;
use http::{Method, StatusCode};

use crate::cloud::Cloud;
use crate::reply;
use crate::storage::{Access, Incoming, Missing, Name, Refusal};

/// Query parameters that ask for something else than the object or the listing, and that nobody is granted here.
/// Ignoring them would write an ACL over an object's content, or list names in a spelling that was not asked for.
const UNSUPPORTED: [&str; 16] = [
    "acl",
    "billing",
    "compose",
    "cors",
    "encoding-type",
    "encryption",
    "encryptionConfig",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "policy",
    "restore",
    "retention",
    "tagging",
    "versions",
];

/// Answers an XML call.
pub(crate) fn answer(cloud: &Cloud, incoming: &Incoming) -> Result<Response, Refusal> {
    let access = Access::authenticate(cloud, incoming)?;
    if UNSUPPORTED.iter().any(|name| incoming.query(name).is_some()) {
        return Err(Refusal::Unsupported);
    }
    let (bucket, key) = incoming.bucket_and_key()?;
    match (bucket.is_empty(), key.is_empty()) {
        (true, _) => Err(Refusal::Unsupported),
        (false, true) => on_bucket(&access, incoming, &bucket),
        (false, false) => on_object(&access, incoming, Name { bucket: &bucket, key: &key }),
    }
}

fn on_bucket(access: &Access<'_>, incoming: &Incoming, bucket: &str) -> Result<Response, Refusal> {
    match incoming.method {
        Method::GET if incoming.query("uploads").is_some() => bucket::uploads(access, bucket),
        Method::GET => bucket::list(access, incoming, bucket),
        Method::HEAD => bucket::head(access, bucket),
        _ => Err(Refusal::Unsupported),
    }
}

fn on_object(access: &Access<'_>, incoming: &Incoming, object: Name<'_>) -> Result<Response, Refusal> {
    let upload = incoming.query("uploadId");
    match (&incoming.method, upload) {
        (&Method::POST, None) if incoming.query("uploads").is_some() => {
            upload::begin(access, incoming, object)
        }
        (&Method::PUT, Some(id)) => upload::part(access, incoming, object, id),
        (&Method::POST, Some(id)) => upload::complete(access, incoming, object, id),
        (&Method::DELETE, Some(id)) => upload::abort(access, object, id),
        (&Method::GET, Some(id)) => upload::list_parts(access, object, id),
        (&Method::GET | &Method::HEAD, None) => object::get(access, incoming, object),
        (&Method::PUT, None) => object::put(access, incoming, object),
        (&Method::DELETE, None) => object::delete(access, incoming, object),
        _ => Err(Refusal::Unsupported),
    }
}

/// The error document of a refusal.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let status = refusal.status();
    if status == StatusCode::NOT_MODIFIED {
        return reply::empty(status);
    }
    let mut response =
        documents::answer(status, "Error", &documents::Error::new(code(*refusal), refusal.message()));
    match refusal {
        Refusal::LoginRequired | Refusal::InvalidCredentials => {
            reply::set(&mut response, "www-authenticate", "Bearer realm=\"https://accounts.google.com/\"");
        }
        Refusal::Range(size) => reply::set(&mut response, "content-range", &format!("bytes */{size}")),
        _ => {}
    }
    response
}

fn code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::LoginRequired | Refusal::InvalidCredentials => "AuthenticationRequired",
        Refusal::Forbidden(_) | Refusal::Unsupported => "AccessDenied",
        Refusal::NotFound(Missing::Bucket) => "NoSuchBucket",
        Refusal::NotFound(Missing::Object) => "NoSuchKey",
        Refusal::NotFound(Missing::Upload) => "NoSuchUpload",
        Refusal::NotFound(Missing::Page) => "NotFound",
        Refusal::Precondition => "PreconditionFailed",
        Refusal::NotModified => "NotModified",
        Refusal::Range(_) => "InvalidRange",
        Refusal::Invalid(_) | Refusal::Cancelled => "InvalidArgument",
        Refusal::BadDigest => "BadDigest",
        Refusal::TooLarge => "EntityTooLarge",
        Refusal::Planned(StatusCode::TOO_MANY_REQUESTS) => "SlowDown",
        Refusal::Planned(StatusCode::SERVICE_UNAVAILABLE) => "ServiceUnavailable",
        Refusal::Planned(_) => "InternalError",
    }
}
