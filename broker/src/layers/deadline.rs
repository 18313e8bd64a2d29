//! How long a request may take: as long as its client says, and never longer than the broker allows.
//!
//! Source: gRPC over HTTP/2, `Timeout`: at most eight digits and a unit.

use std::time::Duration;

use http::HeaderMap;

/// The client's wish, clamped; the broker's limit for a wish that is none.
pub(super) fn of(headers: &HeaderMap, longest: Duration) -> Duration {
    let wish = headers.get("grpc-timeout").and_then(|value| value.to_str().ok());
    wish.and_then(parse).map_or(longest, |wish| wish.min(longest))
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const LONGEST: Duration = Duration::from_secs(10);

    fn clamped(wish: &[u8]) -> Duration {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_bytes(wish).unwrap());
        of(&headers, LONGEST)
    }

    #[test]
    fn gh12_a_wish_shortens_the_deadline() {
        assert_eq!(clamped(b"3S"), Duration::from_secs(3));
        assert_eq!(clamped(b"250m"), Duration::from_millis(250));
        assert_eq!(clamped(b"00000007u"), Duration::from_micros(7));
        assert_eq!(clamped(b"99999999n"), Duration::from_nanos(99_999_999));
        assert_eq!(clamped(b"0S"), Duration::ZERO);
    }

    #[test]
    fn gh12_no_wish_lengthens_it() {
        for long in ["11S", "1M", "87600H", "99999999H"] {
            assert_eq!(clamped(long.as_bytes()), LONGEST, "{long}");
        }
        assert_eq!(of(&HeaderMap::new(), LONGEST), LONGEST);
    }

    #[test]
    fn gh12_what_is_no_wish_is_none() {
        let bad = [
            "",
            "S",
            "5",
            "-1S",
            "-5 years",
            "+5S",
            "5s",
            "5 S",
            "1.5S",
            "123456789S",
            "5SS",
            "0x5S",
            "5\u{e9}",
        ];
        for bad in bad {
            assert_eq!(clamped(bad.as_bytes()), LONGEST, "{bad}");
        }
        assert_eq!(clamped(b"5\xff"), LONGEST);
    }
}
