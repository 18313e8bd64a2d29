//! Calls on a bucket: its metadata and the listing of its objects.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::resource;
use crate::reply;
use crate::storage::{Access, Incoming, ListQuery, Name, Refusal};

/// `GET /storage/v1/b/B`.
pub(super) fn get(access: &Access<'_>, bucket: &str) -> Result<Response, Refusal> {
    access.bucket(bucket)?;
    let body = json!({
        "kind": "storage#bucket",
        "id": bucket,
        "name": bucket,
        "projectNumber": "100000000001",
        "metageneration": "1",
        "location": "EU",
        "locationType": "multi-region",
        "storageClass": "STANDARD",
        "iamConfiguration": { "uniformBucketLevelAccess": { "enabled": true } },
    });
    Ok(reply::json(StatusCode::OK, &body))
}

/// `GET /storage/v1/b/B/o`.
pub(super) fn list(access: &Access<'_>, incoming: &Incoming, bucket: &str) -> Result<Response, Refusal> {
    let text = |name: &str| incoming.query(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let query = ListQuery {
        prefix: text("prefix").unwrap_or_default(),
        delimiter: text("delimiter").unwrap_or_default(),
        from: text("startOffset"),
        before: text("endOffset"),
        limit: incoming.query_number("maxResults")?.filter(|limit| *limit > 0),
        token: text("pageToken"),
        ..ListQuery::default()
    };
    let page = access.list(bucket, &query)?;
    let items: Vec<Value> = page
        .objects
        .iter()
        .map(|(key, object)| resource::object(access.url(), Name { bucket, key }, object))
        .collect();
    let mut body = json!({ "kind": "storage#objects" });
    if let Some(fields) = body.as_object_mut() {
        let members = [
            ("items", (!items.is_empty()).then(|| items.into())),
            ("prefixes", (!page.prefixes.is_empty()).then(|| page.prefixes.into())),
            ("nextPageToken", page.next.map(Value::from)),
        ];
        let present = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        fields.extend(present);
    }
    Ok(reply::json(StatusCode::OK, &body))
}
