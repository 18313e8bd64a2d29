//! What happens to every request, in order, before and after its method:
//!
//! 1. an id, under which the request is found in the audit log;
//! 2. authenticate: a request without a caller goes no further, whatever its method;
//! 3. a deadline and a net for panics, so that no request hangs or takes the process down;
//! 4. the method;
//! 5. a record, if the method did not come to write one (no caller, undecodable, unknown, late, panicked,
//!    cancelled);
//! 6. one shape for errors that tonic made by itself.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::Failure;
use crate::audit::{AuditId, Decision, Record};
use crate::authenticate::{Rejected, authenticate};
use crate::delegation::PresentedTokens;
use crate::peer::Peer;
use crate::rpc::{
    DEADLINE_EXCEEDED, Desk, INTERNAL, MALFORMED, RequestContext, UNIMPLEMENTED, Unfinished, fixed_status,
    to_status,
};

/// What every request of a connection goes through to.
#[derive(Debug, Clone)]
pub(crate) struct Handler {
    pub(crate) desk: Arc<Desk>,
    pub(crate) routes: Routes,
    pub(crate) peer: Peer,
    /// What the connection presented, where delegation tokens are believed.
    pub(crate) tokens: Option<PresentedTokens>,
    /// The longest a request may take, its body included.
    pub(crate) deadline: Duration,
}

impl Handler {
    /// Answers one request.
    pub(crate) async fn handle<B>(self, mut request: Request<B>) -> Result<Response<Body>, Infallible>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        let Self { desk, routes, peer, tokens, deadline } = self;
        let audit_id = desk.ids.next();
        let rpc = method_in(request.uri().path());
        let now = desk.pipeline.now();
        let authenticated = match authenticate(&peer, request.headers(), tokens.as_ref(), now) {
            Ok(authenticated) => authenticated,
            Err(rejected) => return Ok(unauthenticated(&desk, &peer, (rpc, audit_id), rejected).await),
        };
        let context = RequestContext::new(peer, authenticated, audit_id);
        request.extensions_mut().insert(context.clone());
        let _unless_cancelled = Unfinished::new(&desk, &context, rpc);
        let method = AssertUnwindSafe(routes.oneshot(request)).catch_unwind();
        let (code, response) = match tokio::time::timeout(deadline, method).await {
            Ok(Ok(Ok(response))) => (of_tonic(grpc_code(response.headers())), Some(response)),
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_panic)) => {
                desk.metrics.panics.inc();
                tracing::error!(audit_id = context.audit_id.as_str(), "a handler panicked");
                (INTERNAL, None)
            }
            Err(_late) => (DEADLINE_EXCEEDED, None),
        };
        let by_method = context.is_audited();
        if !by_method && let Err(failure) = record_end(&desk, &context, (rpc, code)).await {
            return Ok(to_status(&failure, &context.audit_id).into_http());
        }
        Ok(match response {
            Some(response) if by_method || response.status() != http::StatusCode::OK => response,
            _ => fixed_status(code, &context.audit_id).into_http(),
        })
    }
}

/// Writes the record that the method did not come to write.
async fn record_end(
    desk: &Desk,
    context: &RequestContext,
    (rpc, code): (&'static str, i32),
) -> Result<(), Failure> {
    let mut record = context.record(rpc, desk.pipeline.now());
    (record.decision, record.reason) = match code {
        UNIMPLEMENTED => (Decision::Deny, "unknown_method"),
        DEADLINE_EXCEEDED => (Decision::Error, "deadline"),
        INTERNAL => (Decision::Error, "internal"),
        _ => (Decision::Deny, "request_form"),
    };
    desk.metrics.requests.with_label_values(&[record.rpc, record.reason]).inc();
    desk.write(context, &record).await
}

/// What tonic calls internal is a request whose frames do not fit together; its own panics do not come here.
fn of_tonic(code: i32) -> i32 {
    if code == INTERNAL { MALFORMED } else { code }
}

/// The gRPC code that a response without a body carries; -1 for none.
fn grpc_code(headers: &HeaderMap) -> i32 {
    let text = headers.get("grpc-status").map(HeaderValue::to_str);
    text.and_then(Result::ok).and_then(|code| code.parse().ok()).unwrap_or(-1)
}

/// The method that a path is for; `unknown` for all that are not ours.
fn method_in(path: &str) -> &'static str {
    match path {
        "/lakegate.v1.AccessTokenService/GetAccessToken" => "GetAccessToken",
        "/lakegate.v1.AccessTokenService/BatchGetAccessTokens" => "BatchGetAccessTokens",
        "/lakegate.v1.DelegationTokenService/Issue" => "IssueDelegationToken",
        "/lakegate.v1.DelegationTokenService/Renew" => "RenewDelegationToken",
        "/lakegate.v1.DelegationTokenService/Cancel" => "CancelDelegationToken",
        "/lakegate.v1.PolicyService/Explain" => "Explain",
        "/lakegate.v1.PolicyService/ListDatasets" => "ListDatasets",
        _ => "unknown",
    }
}

/// Refuses a request without a caller. A peer with a certificate is on record like any other; of those without, as many
/// as are reasonable.
async fn unauthenticated(
    desk: &Desk,
    peer: &Peer,
    (rpc, audit_id): (&'static str, AuditId),
    rejected: Rejected,
) -> Response<Body> {
    let failure = Failure::Unauthenticated(rejected.error);
    desk.metrics.requests.with_label_values(&[rpc, failure.audit_reason()]).inc();
    if !peer.has_certificate() && !desk.rejects.may_be_recorded() {
        desk.metrics.unrecorded_rejects.inc();
        return to_status(&failure, &audit_id).into_http();
    }
    let (owner, delegation_token) = rejected.owner.unzip();
    let record = Record {
        principal: peer.identity().ok().cloned().or(owner),
        delegation_token,
        reason: failure.audit_reason(),
        ..Record::new(desk.pipeline.now(), audit_id.clone(), rpc, peer.address())
    };
    let failure = desk.accept(&record).await.err().unwrap_or(failure);
    to_status(&failure, &audit_id).into_http()
}
