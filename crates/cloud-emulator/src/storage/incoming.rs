//! A storage request, its body read and its path still encoded.

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Limited};
use percent_encoding::percent_decode_str;

use super::Refusal;

/// The largest body that the emulator takes in one request.
const MAX_BODY: usize = 512 << 20;

/// A storage request.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// The path as it came, percent-encoded.
    path: String,
    query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Incoming {
    /// Reads the request to its end.
    pub(crate) async fn read(request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: parts.headers,
            body: collect(body).await?,
        })
    }

    /// The segments of the path as they came, without the first slash.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }

    /// Bucket and object of an XML path, decoded once; the object is empty when the path names the bucket.
    pub(crate) fn bucket_and_key(&self) -> Result<(String, String), Refusal> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Ok((decode(bucket)?, decode(key)?))
    }

    /// A query parameter, percent-decoded; the first of that name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that is a number.
    pub(crate) fn query_number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Refusal> {
        let parse =
            |text: &str| text.parse().map_err(|_| Refusal::Invalid("Invalid numeric query parameter."));
        self.query(name).map(parse).transpose()
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header that is a number.
    pub(crate) fn header_number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Refusal> {
        let parse = |text: &str| text.parse().map_err(|_| Refusal::Invalid("Invalid numeric header."));
        self.header(name).map(parse).transpose()
    }
}

/// Percent-decodes exactly once.
pub(crate) fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| Refusal::Invalid("The name is not valid UTF-8."))
}

async fn collect(body: Body) -> Result<Bytes, Refusal> {
    Limited::new(body, MAX_BODY)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .map_err(|_| Refusal::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rp05_names_are_decoded_exactly_once() {
        let uri = "/lake/dt=1%2Fhour%3D10%253A00/a%2B?prefix=a%2Fb%252F+c";
        let incoming = Incoming::read(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap();
        let (bucket, key) = incoming.bucket_and_key().unwrap();
        assert_eq!((bucket.as_str(), key.as_str()), ("lake", "dt=1/hour=10%3A00/a+"));
        assert_eq!(incoming.query("prefix"), Some("a/b%2F c"));
    }

    #[tokio::test]
    async fn rp07_a_name_that_is_not_utf8_is_refused() {
        let incoming = Incoming::read(Request::get("/lake/%FF").body(Body::empty()).unwrap()).await.unwrap();
        assert!(matches!(incoming.bucket_and_key(), Err(Refusal::Invalid(_))));
    }
}
