//! Multipart uploads: begin, part, complete, abort, list parts.

use axum::response::Response;
use http::StatusCode;

use super::documents::{
    self, CompleteMultipartUpload, CompleteMultipartUploadResult, InitiateMultipartUploadResult,
    ListPartsResult, PartEntry,
};
use super::object::{attributes, check_hashes};
use crate::reply;
use crate::storage::{
    Access, Attributes, Conditions, Incoming, Name, NewObject, Part, Refusal, instant, quoted_etag, stamp,
    stamp_hashes,
};

/// `POST /B/KEY?uploads`.
pub(super) fn begin(access: &Access<'_>, incoming: &Incoming, object: Name<'_>) -> Result<Response, Refusal> {
    let id = access.begin_upload(object, attributes(incoming))?;
    let document = InitiateMultipartUploadResult::new(object, id);
    Ok(documents::answer(StatusCode::OK, "InitiateMultipartUploadResult", &document))
}

/// `PUT /B/KEY?partNumber=N&uploadId=U`.
pub(super) fn part(
    access: &Access<'_>,
    incoming: &Incoming,
    object: Name<'_>,
    id: &str,
) -> Result<Response, Refusal> {
    let number = incoming.query_number("partNumber")?.ok_or(Refusal::Invalid("Missing partNumber."))?;
    let new = NewObject::new(incoming.body.clone(), Attributes::default());
    check_hashes(incoming, &new)?;
    let part = access.upload_part(object, id, number, new)?;
    let mut response = reply::empty(StatusCode::OK);
    reply::set(&mut response, "etag", &format!("\"{}\"", part.etag));
    stamp_hashes(&mut response, &part.new);
    Ok(response)
}

/// `POST /B/KEY?uploadId=U` with the parts.
pub(super) fn complete(
    access: &Access<'_>,
    incoming: &Incoming,
    object: Name<'_>,
    id: &str,
) -> Result<Response, Refusal> {
    let wanted: CompleteMultipartUpload = quick_xml::de::from_reader(incoming.body.as_ref())
        .map_err(|_| Refusal::Invalid("The XML you provided was not well-formed."))?;
    let parts: Vec<(u32, String)> =
        wanted.part.into_iter().map(|part| (part.part_number, part.etag)).collect();
    let written = access.complete_upload(object, id, &parts, &Conditions::of_headers(incoming)?)?;
    let document = CompleteMultipartUploadResult::new(object, quoted_etag(&written));
    let mut response = documents::answer(StatusCode::OK, "CompleteMultipartUploadResult", &document);
    stamp(&mut response, &written);
    Ok(response)
}

/// `DELETE /B/KEY?uploadId=U`.
pub(super) fn abort(access: &Access<'_>, object: Name<'_>, id: &str) -> Result<Response, Refusal> {
    access.abort_upload(object, id)?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /B/KEY?uploadId=U`.
pub(super) fn list_parts(access: &Access<'_>, object: Name<'_>, id: &str) -> Result<Response, Refusal> {
    let parts = access.list_parts(object, id)?;
    let entry = |(part_number, part): (u32, Part)| PartEntry {
        part_number,
        last_modified: instant(part.uploaded),
        etag: format!("\"{}\"", part.etag),
        size: part.new.content.len(),
    };
    let document = ListPartsResult::new(object, id, parts.into_iter().map(entry).collect());
    Ok(documents::answer(StatusCode::OK, "ListPartsResult", &document))
}
