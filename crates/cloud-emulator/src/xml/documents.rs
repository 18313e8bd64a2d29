//! The XML documents, written and read by a serialiser.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::reply;
use crate::storage::Name;

/// The name space that client libraries expect.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const DECLARATION: &str = "<?xml version='1.0' encoding='UTF-8'?>";

/// A document as an answer.
pub(super) fn answer<T: Serialize>(status: StatusCode, root: &str, document: &T) -> Response {
    match quick_xml::se::to_string_with_root(root, document) {
        Ok(text) => {
            reply::with_body(status, "application/xml; charset=UTF-8", format!("{DECLARATION}{text}"))
        }
        Err(_) => reply::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Error {
    code: &'static str,
    message: String,
}

impl Error {
    pub(super) fn new(code: &'static str, message: String) -> Self {
        Self { code, message }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListBucketResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    pub(super) name: String,
    pub(super) prefix: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) delimiter: String,
    pub(super) key_count: usize,
    pub(super) is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_continuation_token: Option<String>,
    pub(super) contents: Vec<Contents>,
    pub(super) common_prefixes: Vec<CommonPrefix>,
}

impl ListBucketResult {
    pub(super) fn new(name: &str, prefix: &str, delimiter: &str) -> Self {
        Self {
            xmlns: NAMESPACE,
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            delimiter: delimiter.to_owned(),
            key_count: 0,
            is_truncated: false,
            next_continuation_token: None,
            contents: Vec::new(),
            common_prefixes: Vec::new(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Contents {
    pub(super) key: String,
    pub(super) generation: u64,
    pub(super) meta_generation: u64,
    pub(super) last_modified: String,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
    pub(super) size: usize,
    pub(super) storage_class: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CommonPrefix {
    pub(super) prefix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMultipartUploadsResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    bucket: String,
    is_truncated: bool,
    upload: Vec<UploadEntry>,
}

impl ListMultipartUploadsResult {
    pub(super) fn new(bucket: &str, uploads: Vec<(String, String)>) -> Self {
        let upload = uploads.into_iter().map(|(key, upload_id)| UploadEntry { key, upload_id }).collect();
        Self { xmlns: NAMESPACE, bucket: bucket.to_owned(), is_truncated: false, upload }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UploadEntry {
    key: String,
    upload_id: String,
}

/// The answer to the beginning of a multipart upload.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InitiateMultipartUploadResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    bucket: String,
    key: String,
    upload_id: String,
}

impl InitiateMultipartUploadResult {
    pub(super) fn new(name: Name<'_>, upload_id: String) -> Self {
        Self { xmlns: NAMESPACE, bucket: name.bucket.to_owned(), key: name.key.to_owned(), upload_id }
    }
}

/// The parts that shall make the object, as a client sends them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CompleteMultipartUpload {
    #[serde(default)]
    pub(super) part: Vec<NamedPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedPart {
    pub(super) part_number: u32,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CompleteMultipartUploadResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    bucket: String,
    key: String,
    #[serde(rename = "ETag")]
    etag: String,
}

impl CompleteMultipartUploadResult {
    pub(super) fn new(name: Name<'_>, etag: String) -> Self {
        Self { xmlns: NAMESPACE, bucket: name.bucket.to_owned(), key: name.key.to_owned(), etag }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CopyObjectResult {
    pub(super) last_modified: String,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListPartsResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    bucket: String,
    key: String,
    upload_id: String,
    is_truncated: bool,
    part: Vec<PartEntry>,
}

impl ListPartsResult {
    pub(super) fn new(name: Name<'_>, upload_id: &str, part: Vec<PartEntry>) -> Self {
        Self {
            xmlns: NAMESPACE,
            bucket: name.bucket.to_owned(),
            key: name.key.to_owned(),
            upload_id: upload_id.to_owned(),
            is_truncated: false,
            part,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PartEntry {
    pub(super) part_number: u32,
    pub(super) last_modified: String,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
    pub(super) size: usize,
}
