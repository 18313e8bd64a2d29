//! Calls on a bucket: listings, and whether it is there.

use axum::response::Response;
use http::StatusCode;

use super::documents::{self, CommonPrefix, Contents, ListBucketResult, ListMultipartUploadsResult};
use crate::reply;
use crate::storage::{Access, Incoming, ListQuery, Refusal, instant, quoted_etag};

/// `GET /B?list-type=2&prefix=…`, and the older form with `marker`.
pub(super) fn list(access: &Access<'_>, incoming: &Incoming, bucket: &str) -> Result<Response, Refusal> {
    let text = |name: &str| incoming.query(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let query = ListQuery {
        prefix: text("prefix").unwrap_or_default(),
        delimiter: text("delimiter").unwrap_or_default(),
        after: text("start-after").or_else(|| text("marker")),
        limit: incoming.query_number("max-keys")?,
        token: text("continuation-token"),
        ..ListQuery::default()
    };
    let page = access.list(bucket, &query)?;
    let mut document = ListBucketResult::new(bucket, &query.prefix, &query.delimiter);
    document.key_count = page.objects.len() + page.prefixes.len();
    document.is_truncated = page.next.is_some();
    document.next_continuation_token = page.next;
    let entry = |(key, object): (String, std::sync::Arc<crate::storage::Object>)| Contents {
        key,
        generation: object.generation,
        meta_generation: object.metageneration,
        last_modified: instant(object.updated),
        etag: quoted_etag(&object),
        size: object.new.content.len(),
        storage_class: "STANDARD",
    };
    document.contents = page.objects.into_iter().map(entry).collect();
    document.common_prefixes = page.prefixes.into_iter().map(|prefix| CommonPrefix { prefix }).collect();
    Ok(documents::answer(StatusCode::OK, "ListBucketResult", &document))
}

/// `GET /B?uploads`.
pub(super) fn uploads(access: &Access<'_>, bucket: &str) -> Result<Response, Refusal> {
    let document = ListMultipartUploadsResult::new(bucket, access.list_uploads(bucket)?);
    Ok(documents::answer(StatusCode::OK, "ListMultipartUploadsResult", &document))
}

/// `HEAD /B`.
pub(super) fn head(access: &Access<'_>, bucket: &str) -> Result<Response, Refusal> {
    access.bucket(bucket)?;
    Ok(reply::empty(StatusCode::OK))
}
