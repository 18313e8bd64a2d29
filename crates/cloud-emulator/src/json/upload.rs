//! Uploads: at once (`media`, `multipart`) and resumable.

use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode};
use url::form_urlencoded;

use super::{related, resource};
use crate::cloud::Cloud;
use crate::reply;
use crate::storage::{
    Access, Conditions, Incoming, Name, NewObject, Object, Progress, Refusal, cancel_session,
    continue_session,
};

use resource::Sent;

/// Answers below `/upload/storage/v1/b/B/o`.
pub(super) fn answer(cloud: &Cloud, incoming: &Incoming, bucket: &str) -> Result<Response, Refusal> {
    match (incoming.query("uploadType"), incoming.query("upload_id"), &incoming.method) {
        (_, Some(id), &Method::PUT | &Method::POST) => resume(cloud, incoming, id),
        (_, Some(id), &Method::DELETE) => {
            cancel_session(cloud, id)?;
            Err(Refusal::Cancelled)
        }
        (kind, None, &Method::POST) => {
            let access = Access::authenticate(cloud, incoming)?;
            match kind {
                Some("media") => media(&access, incoming, bucket),
                Some("multipart") => multipart(&access, incoming, bucket),
                Some("resumable") => begin(&access, incoming, bucket),
                _ => Err(Refusal::Invalid("Invalid uploadType.")),
            }
        }
        _ => Err(Refusal::Unsupported),
    }
}

/// The body is the content.
fn media(access: &Access<'_>, incoming: &Incoming, bucket: &str) -> Result<Response, Refusal> {
    let name = Name { bucket, key: incoming.query("name").ok_or(REQUIRED)? };
    let attributes = Sent::default().into_attributes(incoming.header("content-type"));
    let new = NewObject::new(incoming.body.clone(), attributes);
    let object = access.put(name, new, &Conditions::of_query(incoming)?)?;
    Ok(written(access.url(), name, &object))
}

/// The body is the resource and the content.
fn multipart(access: &Access<'_>, incoming: &Incoming, bucket: &str) -> Result<Response, Refusal> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    let parts =
        related::read(content_type, &incoming.body).ok_or(Refusal::Invalid("Malformed multipart body."))?;
    let sent = Sent::read(&parts.resource)?;
    let key = key(incoming, &sent)?;
    let (crc32c, md5) = (sent.crc32c.clone(), sent.md5_hash.clone());
    let new = NewObject::new(parts.content, sent.into_attributes(parts.content_type.as_deref()));
    let wrong =
        crc32c.is_some_and(|wanted| wanted != new.crc32c) || md5.is_some_and(|m| Some(m) != new.md5_base64());
    if wrong {
        return Err(Refusal::BadDigest);
    }
    let object = access.put(Name { bucket, key: &key }, new, &Conditions::of_query(incoming)?)?;
    Ok(written(access.url(), Name { bucket, key: &key }, &object))
}

/// The beginning of a resumable upload: the answer's `Location` is the session.
fn begin(access: &Access<'_>, incoming: &Incoming, bucket: &str) -> Result<Response, Refusal> {
    let sent = Sent::read(&incoming.body)?;
    let key = key(incoming, &sent)?;
    let name = Name { bucket, key: &key };
    let crc32c = sent.crc32c.clone();
    let attributes = sent.into_attributes(incoming.header("x-upload-content-type"));
    let id = access.begin_session(name, attributes, Conditions::of_query(incoming)?, crc32c)?;
    let query: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("uploadType", "resumable"), ("name", &key), ("upload_id", &id)])
        .finish();
    let mut response = reply::empty(StatusCode::OK);
    let location = format!("{}/upload/storage/v1/b/{bucket}/o?{query}", access.url());
    reply::set(&mut response, "location", &location);
    reply::set(&mut response, "x-guploader-uploadid", &id);
    Ok(response)
}

/// A chunk, or the question how far the upload is. Some clients `PUT` it, some `POST` it.
fn resume(cloud: &Cloud, incoming: &Incoming, id: &str) -> Result<Response, Refusal> {
    let (bucket, key) = cloud.storage.sessions.target(id)?;
    let body: &Bytes = &incoming.body;
    match continue_session(cloud, id, incoming.header("content-range"), body)? {
        Progress::Done(object) => Ok(written(&cloud.url, Name { bucket: &bucket, key: &key }, &object)),
        Progress::Incomplete(received) => {
            let mut response = reply::empty(StatusCode::PERMANENT_REDIRECT);
            if let Some(last) = received.checked_sub(1) {
                reply::set(&mut response, "range", &format!("bytes=0-{last}"));
            }
            Ok(response)
        }
    }
}

const REQUIRED: Refusal = Refusal::Invalid("Required parameter: name");

/// The object's name, from the resource or from the query.
fn key(incoming: &Incoming, sent: &Sent) -> Result<String, Refusal> {
    sent.name.as_deref().or(incoming.query("name")).map(str::to_owned).ok_or(REQUIRED)
}

fn written(url: &str, name: Name<'_>, object: &Object) -> Response {
    reply::json(StatusCode::OK, &resource::object(url, name, object))
}
