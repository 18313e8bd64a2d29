//! The endpoints that hand out tokens: signed assertion, impersonation, exchange, metadata server.

mod iam;
mod jwt;
mod metadata;
mod sts;

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};

pub(crate) use iam::impersonate;
pub(crate) use jwt::assertion;
pub(crate) use metadata::{MetadataCache, metadata};
pub(crate) use sts::exchange;

use crate::reply;

/// The scope that source tokens are for.
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The largest request body of a token endpoint: the documented limit of `options` and some room.
const MAX_BODY: usize = 8 << 20;

/// Why a token endpoint hands out nothing.
#[derive(Debug)]
struct Denial {
    status: StatusCode,
    /// `error` in OAuth's shape, `status` in that of the newer APIs.
    code: &'static str,
    description: Cow<'static, str>,
}

impl Denial {
    fn new(status: StatusCode, code: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, description: description.into() }
    }

    /// A request that OAuth refuses with 400.
    fn refused(code: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, description)
    }

    /// In the shape of OAuth errors.
    fn as_oauth(&self) -> Response {
        reply::oauth_error(self.status, self.code, &self.description)
    }

    /// In the shape of the newer Google APIs.
    fn as_api(&self) -> Response {
        reply::api_error(self.status, self.code, &self.description)
    }
}

/// A request body, unless it is too long or breaks off.
async fn body_of(body: Body) -> Option<Bytes> {
    Limited::new(body, MAX_BODY).collect().await.ok().map(http_body_util::Collected::to_bytes)
}

/// A form, each parameter at most once.
struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`; `None` when a parameter is repeated or the text is not UTF-8.
    fn read(body: &[u8]) -> Option<Self> {
        std::str::from_utf8(body).ok()?;
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
        let repeated =
            pairs.iter().enumerate().any(|(at, (name, _))| pairs.iter().take(at).any(|(n, _)| n == name));
        if repeated { None } else { Some(Self(pairs)) }
    }

    /// A parameter that is there and not empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in09_each_form_parameter_is_seen_once_with_its_exact_value() {
        let form = Form::read(b"subject_token=a%26grant_type%3Dx%2B%25+%0Ab&grant_type=y").unwrap();
        assert_eq!(form.get("subject_token"), Some("a&grant_type=x+% \nb"));
        assert_eq!(form.get("grant_type"), Some("y"));
        assert!(Form::read(b"grant_type=x&grant_type=y").is_none());
    }
}
