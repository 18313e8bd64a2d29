//! The layer before all handlers: counts the call, then behaves or misbehaves.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};

use super::{Fault, rewrite};
use crate::cloud::Cloud;
use crate::reply;
use crate::route::{Call, Dialect, Endpoint};
use crate::server::ConnectionHandle;

/// Asks the exchange to ignore the boundary of the request that carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IgnoreBoundary;

/// Counts the call, waits the planned delay, and answers well or as planned.
pub(crate) async fn misbehave(State(cloud): State<Arc<Cloud>>, request: Request, next: Next) -> Response {
    let uri = request.uri();
    let call = Call::of(request.method(), uri.path(), uri.query().unwrap_or_default());
    cloud.counters.note(call, cloud.now());
    let (delay, fault) = cloud.faults.take(call.endpoint());
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match fault {
        None => next.run(request).await,
        Some(fault) => wrong(&cloud, call.endpoint(), fault, request, next).await,
    }
}

async fn wrong(
    cloud: &Cloud,
    endpoint: Endpoint,
    fault: Fault,
    mut request: Request,
    next: Next,
) -> Response {
    match fault {
        Fault::Status { code, retry_after } => {
            let dialect = Dialect::of(request.uri().path());
            error_status(endpoint, dialect, code, retry_after.as_deref())
        }
        Fault::Body(bytes) => reply::with_body(StatusCode::OK, "application/json; charset=UTF-8", bytes),
        Fault::Html => reply::with_body(
            StatusCode::OK,
            "text/html; charset=UTF-8",
            "<!doctype html><html><body>Please sign in to this network.</body></html>",
        ),
        Fault::MalformedJson => reply::with_body(
            StatusCode::OK,
            "application/json; charset=UTF-8",
            "{\"access_token\": \"ya29.broken\", \"expires_in\": 36",
        ),
        Fault::HugeBody(size) => {
            reply::with_body(StatusCode::OK, "application/json; charset=UTF-8", vec![b' '; size])
        }
        Fault::Redirect(location) => {
            let mut response = reply::empty(StatusCode::TEMPORARY_REDIRECT);
            reply::set(&mut response, "location", &location);
            response
        }
        Fault::ConnectionReset => reset(request.extensions().get().cloned()).await,
        Fault::TruncatedBody => truncated(next.run(request).await).await,
        Fault::SlowDrip(pause) => dripping(next.run(request).await, pause).await,
        Fault::BoundaryIgnored => {
            request.extensions_mut().insert(IgnoreBoundary);
            next.run(request).await
        }
        fault => rewrite::token_answer(&fault, next.run(request).await, cloud.now()).await,
    }
}

/// The error that the endpoint itself would spell with this status.
fn error_status(endpoint: Endpoint, dialect: Dialect, code: u16, retry_after: Option<&str>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match endpoint {
        Endpoint::Storage => crate::storage::unavailable(dialect, status),
        Endpoint::Iam => reply::api_error(status, api_status(status), "Planned fault."),
        Endpoint::Oauth | Endpoint::Sts | Endpoint::Metadata => {
            reply::oauth_error(status, oauth_code(status), "Planned fault.")
        }
    };
    if let Some(after) = retry_after {
        reply::set(&mut response, "retry-after", after);
    }
    response
}

fn oauth_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "quota_exceeded",
        StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        StatusCode::UNAUTHORIZED => "invalid_client",
        StatusCode::FORBIDDEN => "access_denied",
        s if s.is_client_error() => "invalid_grant",
        _ => "server_error",
    }
}

fn api_status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::FORBIDDEN => "PERMISSION_DENIED",
        s if s.is_client_error() => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

async fn reset(connection: Option<ConnectionHandle>) -> Response {
    match connection {
        Some(connection) => {
            connection.reset();
            std::future::pending().await
        }
        None => reply::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The length of the whole answer, half of its bytes, and a pause of a moment so that they are on their way before
/// the connection ends.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = rewrite::collect(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len().max(1)));
    let half = Some(bytes.slice(..bytes.len() / 2));
    let short = stream::unfold(half, |half| async move {
        if half.is_none() {
            tokio::task::yield_now().await;
        }
        half.map(|bytes| (Ok::<_, Infallible>(bytes), None))
    });
    Response::from_parts(parts, Body::from_stream(short))
}

/// One byte, a pause, one byte.
async fn dripping(response: Response, pause: Duration) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = rewrite::collect(body).await;
    let drops = stream::unfold(bytes, move |mut rest: Bytes| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let drop = rest.split_to(1);
        Some((Ok::<_, Infallible>(drop), rest))
    });
    Response::from_parts(parts, Body::from_stream(drops))
}
