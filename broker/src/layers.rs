//! What happens to every request, in order, before and after its method:
//!
//! 1. authenticate: a request without a caller goes no further, whatever its method;
//! 2. an id, under which the request is found in the audit log;
//! 3. a deadline and a net for panics, so that no request hangs or takes the process down;
//! 4. the method;
//! 5. a record, if the method did not come to write one (undecodable, unknown, late, panicked);
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
use crate::audit::Decision;
use crate::authenticate::authenticate;
use crate::peer::Peer;
use crate::rpc::{DEADLINE_EXCEEDED, Desk, INTERNAL, RequestContext, fixed_status, to_status};

/// The longest a request may take, its body included.
const DEADLINE: Duration = Duration::from_secs(10);

/// One refusal in so many is logged before authentication; all are counted.
const SAMPLE: u64 = 100;

/// Answers one request of a connection.
pub(crate) async fn handle<B>(
    desk: Arc<Desk>,
    routes: Routes,
    peer: Peer,
    mut request: Request<B>,
) -> Result<Response<Body>, Infallible>
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let audit_id = desk.ids.next();
    let caller = match authenticate(&peer, request.headers()) {
        Ok(caller) => caller,
        Err(error) => {
            count_unauthenticated(&desk, &peer, error);
            return Ok(to_status(&Failure::Unauthenticated(error), &audit_id).into_http());
        }
    };
    let context = RequestContext::new(peer, caller, audit_id);
    request.extensions_mut().insert(context.clone());
    let method = AssertUnwindSafe(routes.oneshot(request)).catch_unwind();
    let response = match tokio::time::timeout(DEADLINE, method).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_panic)) => {
            desk.metrics.panics.inc();
            tracing::error!(audit_id = context.audit_id.as_str(), "a handler panicked");
            fixed_status(INTERNAL, &context.audit_id).into_http()
        }
        Err(_late) => fixed_status(DEADLINE_EXCEEDED, &context.audit_id).into_http(),
    };
    if context.is_audited() {
        return Ok(response);
    }
    Ok(unaudited(&desk, &context, response).await)
}

/// Writes the record that the method did not come to write, and gives the error its shape.
async fn unaudited(desk: &Desk, context: &RequestContext, response: Response<Body>) -> Response<Body> {
    let code = grpc_code(response.headers());
    let mut record = context.record("unknown", desk.pipeline.now());
    (record.decision, record.reason) = match code {
        12 => (Decision::Deny, "unknown_method"),
        DEADLINE_EXCEEDED => (Decision::Error, "deadline"),
        INTERNAL => (Decision::Error, "internal"),
        _ => (Decision::Deny, "request_form"),
    };
    desk.metrics.requests.with_label_values(&[record.rpc, record.reason]).inc();
    match desk.write(context, &record).await {
        Ok(()) if response.status() != http::StatusCode::OK => response,
        Ok(()) => fixed_status(code, &context.audit_id).into_http(),
        Err(failure) => to_status(&failure, &context.audit_id).into_http(),
    }
}

/// The gRPC code that a response without a body carries; -1 for none.
fn grpc_code(headers: &HeaderMap) -> i32 {
    let text = headers.get("grpc-status").map(HeaderValue::to_str);
    text.and_then(Result::ok).and_then(|code| code.parse().ok()).unwrap_or(-1)
}

fn count_unauthenticated(desk: &Desk, peer: &Peer, error: crate::AuthenticationError) {
    let counter = desk.metrics.requests.with_label_values(&["unknown", "unauthenticated"]);
    counter.inc();
    if counter.get() % SAMPLE == 1 {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::info!(peer = %peer.address(), %error, cause, "request without a caller refused");
    }
}
