//! `ListDatasets`: the datasets of which the caller may use something.

use lakegate_domain::{DatasetName, Principal};
use lakegate_proto::v1;

use super::{Desk, RequestContext};
use crate::Failure;
use crate::audit::Record;

/// The most datasets on one page.
const PAGE: usize = 1000;

/// Answers, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::ListDatasetsRequest,
) -> Result<v1::ListDatasetsResponse, Failure> {
    let effective = desk.effective(context, &request.on_behalf_of);
    let mut record = context.record("ListDatasets", desk.pipeline.now());
    let outcome = run(desk, context, (request, effective), &mut record).await;
    desk.close(context, record, outcome).await
}

async fn run(
    desk: &Desk,
    context: &RequestContext,
    (request, effective): (&v1::ListDatasetsRequest, Result<Option<Principal>, Failure>),
    record: &mut Record,
) -> Result<v1::ListDatasetsResponse, Failure> {
    let caller = desk.caller(context, effective).await?;
    let after = match &*request.page_token {
        "" => None,
        token => {
            Some(DatasetName::parse(token).map_err(|_| Failure::Field("page_token is not one of ours"))?)
        }
    };
    let size = match usize::try_from(request.page_size) {
        Ok(size @ 1..PAGE) => size,
        _ => PAGE,
    };
    let snapshot = desk.pipeline.snapshot()?;
    record.snapshot = Some(snapshot.number());
    let mut names = snapshot.datasets_visible_to(&caller, desk.pipeline.now());
    names.sort();
    names.retain(|name| after.as_ref().is_none_or(|after| name > after));
    let more = names.len() > size;
    names.truncate(size);
    let next_page_token = names.last().filter(|_| more).map_or_else(String::new, ToString::to_string);
    let datasets = snapshot
        .datasets()
        .filter(|(name, ..)| names.binary_search(name).is_ok())
        .map(|(name, prefix, project, class)| v1::Dataset {
            name: name.to_string(),
            prefix: prefix.to_string(),
            project: project.to_string(),
            class_name: class.to_string(),
        })
        .collect();
    Ok(v1::ListDatasetsResponse { datasets, next_page_token, audit_id: context.audit_id.as_str().to_owned() })
}
