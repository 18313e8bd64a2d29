//! Which endpoint a request is for, and which kind of call it is.

use http::Method;

/// A part of the pretend cloud that can be counted and made to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /token`.
    Oauth,
    /// `POST /v1/projects/-/serviceAccounts/{email}:generateAccessToken`.
    Iam,
    /// `POST /v1/token`.
    Sts,
    /// Everything below `/computeMetadata/`.
    Metadata,
    /// Everything else: Cloud Storage in both dialects.
    Storage,
}

/// First path segments that an endpoint other than XML storage owns; a bucket cannot be called so.
pub(crate) const RESERVED_SEGMENTS: [&str; 7] =
    ["token", "v1", "computeMetadata", "storage", "upload", "download", "batch"];

/// A call, as the counters know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Oauth,
    Iam,
    Sts,
    Metadata,
    Storage(StorageCall),
}

/// What a storage call does, told from its request line alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StorageCall {
    Read,
    Write,
    List,
    Delete,
    Other,
}

/// The two languages of Cloud Storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Json,
    Xml,
}

impl Dialect {
    /// The dialect of a storage request, by its path.
    pub(crate) fn of(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if matches!(first, "storage" | "upload" | "download" | "batch") { Self::Json } else { Self::Xml }
    }
}

impl Call {
    /// Tells a call from its method, raw path and raw query.
    pub(crate) fn of(method: &Method, path: &str, query: &str) -> Self {
        if path == "/token" {
            Self::Oauth
        } else if path == "/v1/token" {
            Self::Sts
        } else if path.starts_with("/v1/") {
            Self::Iam
        } else if path.starts_with("/computeMetadata/") {
            Self::Metadata
        } else {
            Self::Storage(StorageCall::of(method, path, query))
        }
    }

    /// The endpoint that the call is for.
    pub(crate) fn endpoint(self) -> Endpoint {
        match self {
            Self::Oauth => Endpoint::Oauth,
            Self::Iam => Endpoint::Iam,
            Self::Sts => Endpoint::Sts,
            Self::Metadata => Endpoint::Metadata,
            Self::Storage(_) => Endpoint::Storage,
        }
    }
}

impl StorageCall {
    fn of(method: &Method, path: &str, query: &str) -> Self {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let on_object = match Dialect::of(path) {
            Dialect::Json => {
                segments.iter().position(|s| *s == "o").is_some_and(|at| at + 1 < segments.len())
            }
            Dialect::Xml => segments.len() > 1,
        };
        let on_objects = match Dialect::of(path) {
            Dialect::Json => segments.last() == Some(&"o"),
            Dialect::Xml => segments.len() == 1 && !segments.contains(&""),
        };
        match *method {
            Method::DELETE => Self::Delete,
            Method::GET if on_objects => Self::List,
            Method::GET if on_object && query.split('&').any(|pair| pair.starts_with("uploadId=")) => {
                Self::List
            }
            Method::GET | Method::HEAD if on_object => Self::Read,
            Method::PUT | Method::POST | Method::PATCH => Self::Write,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_apart_by_their_request_line() {
        let storage = Call::Storage;
        let cases = [
            (Method::POST, "/token", "", Call::Oauth),
            (Method::POST, "/v1/token", "", Call::Sts),
            (Method::POST, "/v1/projects/-/serviceAccounts/a:generateAccessToken", "", Call::Iam),
            (Method::GET, "/lake", "list-type=2", storage(StorageCall::List)),
            (Method::GET, "/lake/wh%2Fa", "", storage(StorageCall::Read)),
            (Method::HEAD, "/lake/wh/a", "", storage(StorageCall::Read)),
            (Method::GET, "/lake/wh%2Fa", "uploadId=7", storage(StorageCall::List)),
            (Method::PUT, "/lake/wh%2Fa", "", storage(StorageCall::Write)),
            (Method::GET, "/storage/v1/b/lake", "", storage(StorageCall::Other)),
            (Method::GET, "/storage/v1/b/lake/o", "", storage(StorageCall::List)),
            (Method::GET, "/download/storage/v1/b/lake/o/a", "alt=media", storage(StorageCall::Read)),
            (Method::POST, "/upload/storage/v1/b/lake/o", "", storage(StorageCall::Write)),
            (Method::DELETE, "/storage/v1/b/lake/o/a", "", storage(StorageCall::Delete)),
        ];
        for (method, path, query, call) in cases {
            assert_eq!(Call::of(&method, path, query), call, "{method} {path}?{query}");
        }
    }
}
