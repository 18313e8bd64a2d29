//! An object's content as an HTTP answer; the same in both dialects.

use axum::response::Response;
use http::StatusCode;
use lakegate_domain::Timestamp;

use super::{Incoming, NewObject, Object, Refusal, range};
use crate::reply;

/// The content, or the part of it that `Range` asks for, with everything headers say about an object.
pub(crate) fn media(object: &Object, incoming: &Incoming) -> Result<Response, Refusal> {
    let content = &object.new.content;
    let mut response = match range::asked(incoming.header("range"), content.len())? {
        None => reply::with_body(StatusCode::OK, "application/octet-stream", content.clone()),
        Some(range) => {
            let content_range =
                format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), content.len());
            let part = content.slice(range);
            let mut response =
                reply::with_body(StatusCode::PARTIAL_CONTENT, "application/octet-stream", part);
            reply::set(&mut response, "content-range", &content_range);
            response
        }
    };
    describe(&mut response, object);
    Ok(response)
}

fn describe(response: &mut Response, object: &Object) {
    let attributes = &object.new.attributes;
    let optional = [
        ("content-type", &attributes.content_type),
        ("content-encoding", &attributes.content_encoding),
        ("content-disposition", &attributes.content_disposition),
        ("content-language", &attributes.content_language),
        ("cache-control", &attributes.cache_control),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            reply::set(response, name, value);
        }
    }
    for (name, value) in &attributes.metadata {
        let name = http::HeaderName::try_from(format!("x-goog-meta-{name}"));
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    reply::set(response, "accept-ranges", "bytes");
    reply::set(response, "x-goog-stored-content-length", &object.new.content.len().to_string());
    reply::set(response, "x-goog-storage-class", "STANDARD");
    reply::set(response, "last-modified", &http_date(object.updated));
    stamp(response, object);
}

/// The headers that say which version of an object an answer is about.
pub(crate) fn stamp(response: &mut Response, object: &Object) {
    stamp_hashes(response, &object.new);
    reply::set(response, "x-goog-generation", &object.generation.to_string());
    reply::set(response, "x-goog-metageneration", &object.metageneration.to_string());
    reply::set(response, "etag", &quoted_etag(object));
}

/// `x-goog-hash` with the hashes that there are; clients compare them with what they sent or got.
pub(crate) fn stamp_hashes(response: &mut Response, new: &NewObject) {
    let hashes = match new.md5_base64() {
        Some(md5) => format!("crc32c={},md5={md5}", new.crc32c),
        None => format!("crc32c={}", new.crc32c),
    };
    reply::set(response, "x-goog-hash", &hashes);
}

/// The entity tag in its quotes.
pub(crate) fn quoted_etag(object: &Object) -> String {
    format!("\"{}\"", object.etag)
}

/// An instant as listings and metadata spell it: RFC 3339 with milliseconds.
pub(crate) fn instant(at: Timestamp) -> String {
    formatted(at, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// RFC 9110, section 5.6.7.
fn http_date(at: Timestamp) -> String {
    formatted(at, "%a, %d %b %Y %H:%M:%S GMT")
}

fn formatted(at: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default().strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_spelled_as_headers_and_bodies_want_them() {
        let at = Timestamp::from_millis(784_111_777_005);
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(instant(at), "1994-11-06T08:49:37.005Z");
    }
}
