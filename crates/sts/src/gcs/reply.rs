//! What comes back from token endpoints, read strictly and rebuilt as our own types.
//!
//! Nothing is passed on as it came: a field is checked and copied, the rest is dropped. A field named twice, a
//! number written as text, a success with an error inside: each makes the whole reply unusable. Depth is bounded
//! by the parser, size by the HTTP client.

use std::time::Duration;

use lakegate_domain::Secret;
use serde::{Deserialize, Deserializer};

use crate::BadReply;

/// The longest token, in bytes. Google documents 12,288 as the maximum for downscoped ones.
const MAX_TOKEN_BYTES: usize = 12_288;

/// The longest life that is believed; longer ones are cut to it before any arithmetic.
const LONGEST_LIFE: u64 = 12 * 3600;

/// A token that an OAuth endpoint granted.
pub(super) struct Granted {
    pub(super) token: Secret,
    /// How long it lives from the request on; none when the endpoint does not say.
    pub(super) life: Option<Duration>,
}

/// An error in OAuth's shape (RFC 6749, section 5.2), as far as it decides anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OAuthError {
    /// `invalid_grant`: the subject token or assertion is not accepted.
    InvalidGrant,
    /// `quota_exceeded`.
    QuotaExceeded,
    /// Any other, or none that can be read.
    Other,
}

#[derive(Deserialize)]
struct RawGranted {
    #[serde(default, deserialize_with = "present")]
    access_token: Option<String>,
    #[serde(default, deserialize_with = "present")]
    token_type: Option<String>,
    #[serde(default, deserialize_with = "present")]
    issued_token_type: Option<String>,
    #[serde(default, deserialize_with = "present")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    error: Option<serde::de::IgnoredAny>,
}

/// A field that is there must hold its type: `null` is not the same as absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct RawError {
    error: String,
}

/// Reads the body of a status 200. `issued` is the token type that was requested, for exchanges.
pub(super) fn granted(body: &[u8], issued: Option<&str>) -> Result<Granted, BadReply> {
    let raw: RawGranted = serde_json::from_slice(body).map_err(|_| BadReply::Malformed)?;
    // Taken into custody first, so that it is overwritten whatever is wrong with the rest.
    let token = raw.access_token.map(Secret::new);
    if raw.error.is_some() {
        return Err(BadReply::ErrorBesideToken);
    }
    let token = token.ok_or(BadReply::Malformed)?;
    if !raw.token_type.is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")) {
        return Err(BadReply::TokenType);
    }
    if let (Some(wanted), Some(got)) = (issued, &raw.issued_token_type)
        && wanted != got
    {
        return Err(BadReply::TokenType);
    }
    Ok(Granted { token: usable(token)?, life: raw.expires_in.map(life).transpose()? })
}

/// Reads the body of a refusal. What cannot be read is [`OAuthError::Other`].
pub(super) fn refused(body: &[u8]) -> OAuthError {
    match serde_json::from_slice::<RawError>(body).as_ref().map(|raw| raw.error.as_str()) {
        Ok("invalid_grant") => OAuthError::InvalidGrant,
        Ok("quota_exceeded") => OAuthError::QuotaExceeded,
        _ => OAuthError::Other,
    }
}

/// Lets a token pass that can stand in a header as it is.
pub(super) fn usable(token: Secret) -> Result<Secret, BadReply> {
    let text = token.expose();
    let sized = (1..=MAX_TOKEN_BYTES).contains(&text.len());
    if sized && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(token)
    } else {
        Err(BadReply::TokenText)
    }
}

fn life(seconds: i64) -> Result<Duration, BadReply> {
    match u64::try_from(seconds) {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.min(LONGEST_LIFE))),
        _ => Err(BadReply::Expiry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "urn:ietf:params:oauth:token-type:access_token";

    fn read(body: &str) -> Result<Option<Duration>, BadReply> {
        granted(body.as_bytes(), Some(KIND)).map(|granted| granted.life)
    }

    fn with_life(life: &str) -> Result<Option<Duration>, BadReply> {
        read(&[r#"{"access_token":"t","token_type":"Bearer","expires_in":"#, life, "}"].concat())
    }

    #[test]
    fn st05_a_life_is_a_positive_whole_number_or_absent() {
        assert_eq!(with_life("3599"), Ok(Some(Duration::from_secs(3599))));
        assert_eq!(with_life("1000000000000"), Ok(Some(Duration::from_secs(LONGEST_LIFE))));
        assert_eq!(read(r#"{"access_token":"t","token_type":"bearer"}"#), Ok(None));
        for (life, fault) in [
            ("0", BadReply::Expiry),
            ("-5", BadReply::Expiry),
            ("\"3600\"", BadReply::Malformed),
            ("NaN", BadReply::Malformed),
            ("3600.5", BadReply::Malformed),
            ("1e30", BadReply::Malformed),
            ("null", BadReply::Malformed),
            ("99999999999999999999999", BadReply::Malformed),
        ] {
            assert_eq!(with_life(life), Err(fault), "{life}");
        }
    }

    #[test]
    fn st04_anything_but_the_expected_json_is_refused_whole() {
        for body in [
            "",
            "{",
            "<html>",
            "[]",
            "null",
            r#"{"token_type":"Bearer"}"#,
            r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#,
            r#"{"access_token":"a","token_type":"Bearer","expires_in":1,"expires_in":2}"#,
            r#"{"access_token":"a","token_type":"Bearer"} x"#,
        ] {
            assert_eq!(read(body).unwrap_err(), BadReply::Malformed, "{body}");
        }
        assert_eq!(granted(b"{\"access_token\":\"\xff\"}", None).err(), Some(BadReply::Malformed));
        for body in [
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"a","token_type":"Bearer","issued_token_type":"urn:x"}"#,
        ] {
            assert_eq!(read(body), Err(BadReply::TokenType), "{body}");
        }
    }

    #[test]
    fn in10_a_deeply_nested_body_is_refused_and_not_followed() {
        let deep = [r#"{"x":"#, &"[".repeat(10_000)].concat();
        assert_eq!(read(&deep), Err(BadReply::Malformed));
    }

    #[test]
    fn st08_a_token_is_visible_ascii_and_not_endless() {
        let of = |token: &str| {
            let token = serde_json::to_string(token).unwrap();
            read(&[r#"{"token_type":"Bearer","access_token":"#, &token, "}"].concat())
        };
        assert!(of(&"a".repeat(12_288)).is_ok());
        for bad in ["", "a b", "a\r\nX-Evil: 1", "a\n", "tök", "a\0", &"a".repeat(12_289)] {
            assert_eq!(of(bad), Err(BadReply::TokenText), "{bad:?}");
        }
    }

    #[test]
    fn st12_an_error_beside_a_token_wins() {
        for error in [r#""invalid_grant""#, r#"{"code":403}"#, "null"] {
            let body = [r#"{"access_token":"a","token_type":"Bearer","error":"#, error, "}"].concat();
            assert_eq!(read(&body), Err(BadReply::ErrorBesideToken), "{error}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_code_alone() {
        assert_eq!(
            refused(br#"{"error":"invalid_grant","error_description":"x"}"#),
            OAuthError::InvalidGrant
        );
        assert_eq!(refused(br#"{"error":"quota_exceeded"}"#), OAuthError::QuotaExceeded);
        assert_eq!(refused(br#"{"error":"invalid_request"}"#), OAuthError::Other);
        assert_eq!(refused(b"<html>invalid_grant"), OAuthError::Other);
    }
}
