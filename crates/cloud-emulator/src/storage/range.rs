//! `Range: bytes=…` on an object.

use std::ops::Range;

use super::Refusal;

/// The bytes asked for; `None` means all of them. A header that is not one byte range is ignored, as RFC 9110 has
/// it.
pub(super) fn asked(header: Option<&str>, size: usize) -> Result<Option<Range<usize>>, Refusal> {
    let Some((first, last)) =
        header.and_then(|text| text.strip_prefix("bytes=")).and_then(|set| set.split_once('-'))
    else {
        return Ok(None);
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return Ok(None),
    };
    if range.is_empty() { Err(Refusal::Range(size)) } else { Ok(Some(range)) }
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_object() {
        assert_eq!(asked(Some("bytes=1-2"), 10).unwrap(), Some(1..3));
        assert_eq!(asked(Some("bytes=8-100"), 10).unwrap(), Some(8..10));
        assert_eq!(asked(Some("bytes=0-18446744073709551615"), 10).unwrap(), Some(0..10));
        assert_eq!(asked(Some("bytes=3-"), 10).unwrap(), Some(3..10));
        assert_eq!(asked(Some("bytes=-3"), 10).unwrap(), Some(7..10));
        assert_eq!(asked(Some("bytes=-30"), 10).unwrap(), Some(0..10));
    }

    #[test]
    fn ranges_outside_the_object_are_refused_and_nonsense_is_ignored() {
        for outside in ["bytes=10-", "bytes=10-11", "bytes=-0"] {
            assert_eq!(asked(Some(outside), 10), Err(Refusal::Range(10)), "{outside}");
        }
        for nonsense in ["bytes=2-1", "bytes=a-b", "bytes=-", "items=0-1", "bytes=0-1,3-4", "bytes=+1-2"] {
            assert_eq!(asked(Some(nonsense), 10), Ok(None), "{nonsense}");
        }
    }
}
