//! Calls on one object.

use axum::response::Response;
use http::StatusCode;

use super::documents::{self, CopyObjectResult};
use crate::reply;
use crate::storage::{
    Access, Attributes, Conditions, Incoming, Name, NewObject, Refusal, Source, decode, instant, media,
    quoted_etag, stamp,
};

/// `GET` and `HEAD`, with `Range`, preconditions and `?generation=`.
pub(super) fn get(access: &Access<'_>, incoming: &Incoming, name: Name<'_>) -> Result<Response, Refusal> {
    let object = access.get(name, &Conditions::of_headers(incoming)?.of_version(incoming)?)?;
    media(&object, incoming)
}

/// `PUT`: an upload, or a copy when `x-goog-copy-source` says so.
pub(super) fn put(access: &Access<'_>, incoming: &Incoming, target: Name<'_>) -> Result<Response, Refusal> {
    if let Some(source) = incoming.header("x-goog-copy-source") {
        return copy(access, incoming, source, target);
    }
    let conditions = Conditions::of_headers(incoming)?;
    let new = NewObject::new(incoming.body.clone(), attributes(incoming));
    check_hashes(incoming, &new)?;
    let object = access.put(target, new, &conditions)?;
    let mut response = reply::empty(StatusCode::OK);
    stamp(&mut response, &object);
    Ok(response)
}

fn copy(
    access: &Access<'_>,
    incoming: &Incoming,
    source: &str,
    target: Name<'_>,
) -> Result<Response, Refusal> {
    let invalid = Refusal::Invalid("Invalid x-goog-copy-source header.");
    let (bucket, key) = source.strip_prefix('/').unwrap_or(source).split_once('/').ok_or(invalid)?;
    let (bucket, key) = (decode(bucket)?, decode(key)?);
    let replaced = incoming.header("x-goog-metadata-directive") == Some("REPLACE");
    let attributes = replaced.then(|| attributes(incoming));
    let name = Name { bucket: &bucket, key: &key };
    let source = Source { name, conditions: Conditions::of_source_headers(incoming)? };
    let object = access.copy(&source, target, attributes, &Conditions::of_headers(incoming)?)?;
    let document = CopyObjectResult { last_modified: instant(object.updated), etag: quoted_etag(&object) };
    let mut response = documents::answer(StatusCode::OK, "CopyObjectResult", &document);
    stamp(&mut response, &object);
    Ok(response)
}

/// `DELETE`.
pub(super) fn delete(access: &Access<'_>, incoming: &Incoming, name: Name<'_>) -> Result<Response, Refusal> {
    access.delete(name, &Conditions::of_headers(incoming)?.of_version(incoming)?)?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// What the headers of an upload say about the object.
pub(super) fn attributes(incoming: &Incoming) -> Attributes {
    let text = |name: &str| incoming.header(name).map(str::to_owned);
    let metadata = incoming.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-goog-meta-")?;
        Some((name.to_owned(), value.to_str().ok()?.to_owned()))
    });
    Attributes {
        content_type: text("content-type"),
        content_encoding: text("content-encoding"),
        content_disposition: text("content-disposition"),
        content_language: text("content-language"),
        cache_control: text("cache-control"),
        metadata: metadata.collect(),
    }
}

/// Compares `Content-MD5` and `x-goog-hash` with the content.
pub(super) fn check_hashes(incoming: &Incoming, new: &NewObject) -> Result<(), Refusal> {
    let md5 = new.md5_base64();
    let declared = incoming.headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
    let wrong_hash = declared.flat_map(|value| value.split(',')).map(str::trim).any(|hash| {
        hash.strip_prefix("crc32c=").is_some_and(|wanted| wanted != new.crc32c)
            || hash.strip_prefix("md5=").is_some_and(|wanted| Some(wanted) != md5.as_deref())
    });
    let wrong_md5 = incoming.header("content-md5").is_some_and(|wanted| Some(wanted) != md5.as_deref());
    if wrong_hash || wrong_md5 { Err(Refusal::BadDigest) } else { Ok(()) }
}
