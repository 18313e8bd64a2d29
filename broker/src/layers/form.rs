//! What a request must look like before anything reads its message.
//!
//! Metadata is ASCII, and binary metadata is base64 (gRPC over HTTP/2, `Custom-Metadata`); what HTTP/2 forbids,
//! such as line ends, does not come here. What may be said once is said once: two readers must not see two things.

use http::header::{AUTHORIZATION, CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::Failure;

/// How a message is packed.
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// How long its sender waits.
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// What may be said once.
const SINGLE: [HeaderName; 5] = [AUTHORIZATION, CONTENT_TYPE, TE, ENCODING, TIMEOUT];

/// Checks the method and the metadata of a request.
///
/// # Errors
/// [`Failure::Metadata`] or [`Failure::Compressed`]; neither repeats what was sent.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<(), Failure> {
    if method != Method::POST || !headers.iter().all(|(name, value)| is_sound(name, value)) {
        return Err(Failure::Metadata);
    }
    if SINGLE.iter().any(|name| headers.get_all(name).iter().nth(1).is_some()) {
        return Err(Failure::Metadata);
    }
    match headers.get(ENCODING) {
        Some(encoding) if encoding != "identity" => Err(Failure::Compressed),
        _ => Ok(()),
    }
}

fn is_sound(name: &HeaderName, value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    if name.as_str().ends_with("-bin") {
        return bytes.split(|byte| *byte == b',').all(|part| is_base64(part.trim_ascii()));
    }
    bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// Base64 of RFC 4648, section 4, with or without its padding.
fn is_base64(bytes: &[u8]) -> bool {
    let text = bytes.strip_suffix(b"==").or_else(|| bytes.strip_suffix(b"=")).unwrap_or(bytes);
    let is_padded = text.len() != bytes.len();
    let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.iter().all(in_alphabet) && text.len() % 4 != 1 && (!is_padded || bytes.len().is_multiple_of(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check of a call.
    fn check(headers: &HeaderMap) -> Result<(), Failure> {
        super::check(&Method::POST, headers)
    }

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn gh11_what_grpc_allows_is_sound() {
        for good in [
            ("user-agent", &b"grpc-rust/0.14 (linux; x86_64) ~"[..]),
            ("x-empty", b""),
            ("grpc-trace-bin", b""),
            ("grpc-trace-bin", b"AAEC"),
            ("grpc-trace-bin", b"AA"),
            ("grpc-trace-bin", b"AA=="),
            ("grpc-trace-bin", b"AAE=,AAEC, +/8"),
            ("grpc-encoding", b"identity"),
        ] {
            assert!(check(&headers(&[good])).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn gh11_what_it_does_not_is_refused() {
        for bad in [
            ("x-name", &b"\xc3\xa9"[..]),
            ("x-name", b"a\tb"),
            ("x-broken-bin", b"!!!"),
            ("x-broken-bin", b"A"),
            ("x-broken-bin", b"AA="),
            ("x-broken-bin", b"A==="),
            ("x-broken-bin", b"AA==AA=="),
            ("x-broken-bin", b"AAEC,?"),
        ] {
            assert!(matches!(check(&headers(&[bad])), Err(Failure::Metadata)), "{bad:?}");
        }
    }

    #[test]
    fn gh11_what_may_be_said_once_is_said_once() {
        for name in ["authorization", "content-type", "te", "grpc-encoding", "grpc-timeout"] {
            let twice = headers(&[(name, b"identity"), (name, b"identity")]);
            assert!(matches!(check(&twice), Err(Failure::Metadata)), "{name}");
        }
        assert!(check(&headers(&[("x-any", b"1"), ("x-any", b"2")])).is_ok());
    }

    #[test]
    fn gh08_a_call_is_a_post() {
        for method in [Method::GET, Method::PUT, Method::CONNECT, Method::OPTIONS] {
            let refused = super::check(&method, &HeaderMap::new());
            assert!(matches!(refused, Err(Failure::Metadata)), "{method}");
        }
    }

    #[test]
    fn gh02_only_plain_messages_are_read() {
        for encoding in [&b"gzip"[..], b"zstd", b"", b"identity,gzip", b"Identity"] {
            assert!(matches!(check(&headers(&[("grpc-encoding", encoding)])), Err(Failure::Compressed)));
        }
    }
}
