//! The shapes of answers: OAuth errors, Google API errors, plain JSON.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// An answer with a body of that type.
pub(crate) fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    with_body(status, "application/json; charset=UTF-8", value.to_string())
}

/// An error as the OAuth and STS endpoints spell it (RFC 6749, section 5.2).
pub(crate) fn oauth_error(status: StatusCode, code: &str, description: &str) -> Response {
    json(status, &json!({ "error": code, "error_description": description }))
}

/// An error as the newer Google APIs spell it, IAM credentials among them.
pub(crate) fn api_error(status: StatusCode, name: &str, message: &str) -> Response {
    json(status, &json!({ "error": { "code": status.as_u16(), "message": message, "status": name } }))
}

/// Sets a header; a value that HTTP cannot carry leaves it out.
pub(crate) fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
