//! `BatchGetAccessTokens`: several requests at once, each decided, audited and answered by itself.
//!
//! A few are served at the same time, so that one that waits for the cloud holds up few others. Requests for one
//! scope make one token, whether they meet on the way (single flight) or in the tiers.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};
use lakegate_proto::v1;
use lakegate_proto::v1::batch_result::Outcome;
use prost::Message;

use super::{Desk, RequestContext, get_access_token, status};
use crate::Failure;

/// The most parts over all requests of a batch.
const MOST_PARTS: usize = 100;

/// The largest message, in bytes.
const LARGEST: usize = 128 * 1024;

/// Requests of one batch that are served at the same time.
const AT_ONCE: usize = 8;

/// Answers every request of the batch, in order.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
    batch: &v1::BatchGetAccessTokensRequest,
) -> Result<v1::BatchGetAccessTokensResponse, Failure> {
    if let Some(name) = only_name(batch) {
        // Whether it is one is told for each item.
        let _noted = desk.effective(context, name);
    }
    if let Err(failure) = check(desk, context, batch) {
        let record = context.record("BatchGetAccessTokens", desk.pipeline.now());
        return desk.close(context, record, Err(failure)).await;
    }
    let mut answer = v1::BatchGetAccessTokensResponse::default();
    let mut seen = HashMap::new();
    let items: Vec<_> = batch.requests.iter().map(|request| serve(desk, context, request)).collect();
    let mut served = stream::iter(items).buffered(AT_ONCE);
    while let Some((item, outcome)) = served.next().await {
        let outcome = match outcome {
            Ok(token) => Outcome::Token(place(token, &mut answer.tokens, &mut seen)?),
            Err(failure) => Outcome::Error(status::to_batch_error(&failure)),
        };
        let audit_id = item.audit_id.as_str().to_owned();
        answer.results.push(v1::BatchResult { outcome: Some(outcome), audit_id });
    }
    // Its items have records of their own. Until all are done the batch has none, and gets one if it ends here.
    context.mark_audited();
    Ok(answer)
}

/// One request of the batch, under an id of its own.
async fn serve(
    desk: &Desk,
    context: &RequestContext,
    request: &v1::GetAccessTokenRequest,
) -> (RequestContext, Result<v1::GetAccessTokenResponse, Failure>) {
    let item = context.item(desk.ids.next());
    let outcome = get_access_token::handle(desk, &item, request).await;
    (item, outcome)
}

/// On whose behalf all requests ask; none when they differ, or there are none.
fn only_name(batch: &v1::BatchGetAccessTokensRequest) -> Option<&str> {
    let mut names = batch.requests.iter().map(|request| request.on_behalf_of.as_str());
    let first = names.next()?;
    names.all(|other| other == first).then_some(first)
}

fn check(
    desk: &Desk,
    context: &RequestContext,
    batch: &v1::BatchGetAccessTokensRequest,
) -> Result<(), Failure> {
    if batch.encoded_len() > LARGEST {
        return Err(Failure::TooLarge);
    }
    let parts: usize = batch.requests.iter().map(|request| request.parts.len()).sum();
    if !batch.requests.is_empty() && only_name(batch).is_none() {
        return Err(Failure::Field("a batch is for one principal: on_behalf_of differs"));
    }
    if batch.requests.is_empty() || parts > MOST_PARTS || batch.requests.len() > MOST_PARTS {
        return Err(Failure::BatchSize);
    }
    let identity = context.caller.principal();
    desk.rates
        .rest_of_batch(identity, batch.requests.len())
        .map_err(|retry_after| Failure::RateLimited { retry_after })
}

/// Puts a token into the answer unless the same one is there, and tells its index.
fn place(
    token: v1::GetAccessTokenResponse,
    tokens: &mut Vec<v1::GetAccessTokenResponse>,
    seen: &mut HashMap<Vec<u8>, u32>,
) -> Result<u32, Failure> {
    let token = v1::GetAccessTokenResponse { audit_id: String::new(), ..token };
    let next = u32::try_from(tokens.len()).map_err(|_| Failure::Internal("too many tokens in a batch"))?;
    let index = *seen.entry(token.encode_to_vec()).or_insert(next);
    if index == next {
        tokens.push(token);
    }
    Ok(index)
}
