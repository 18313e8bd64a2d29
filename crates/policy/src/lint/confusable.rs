//! Characters that look like others, or like nothing.
//!
//! Paths are compared byte for byte and never normalised, so two that look alike may be two. This is a short
//! list of the ranges that matter in practice, not the Unicode confusables table.

/// Says what is suspicious in a key; none when nothing is.
pub(super) fn in_path(key: &str) -> Option<&'static str> {
    key.chars().find_map(invisible_or_combining).or_else(|| key.split('/').find_map(mixed_scripts))
}

fn invisible_or_combining(c: char) -> Option<&'static str> {
    match c {
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{34f}' | '\u{3164}' => {
            Some("a zero-width character")
        }
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' => {
            Some("a character that changes the direction of text")
        }
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}' => {
            Some("a combining character, which looks like its precomposed form")
        }
        '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' => Some("a character that looks like a slash"),
        '\u{ff01}'..='\u{ff5e}' => Some("a fullwidth form of an ASCII character"),
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Some("a space that is not the ASCII space")
        }
        _ => None,
    }
}

fn mixed_scripts(segment: &str) -> Option<&'static str> {
    let latin = segment.chars().any(|c| c.is_ascii_alphabetic());
    let greek_or_cyrillic = segment
        .chars()
        .any(|c| c.is_alphabetic() && matches!(c, '\u{370}'..='\u{52f}' | '\u{1f00}'..='\u{1fff}'));
    (latin && greek_or_cyrillic).then_some("Latin letters mixed with Greek or Cyrillic ones")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rp06_look_alikes_are_found_and_plain_names_are_not() {
        for bad in [
            "wh/s\u{430}les/",
            "wh/cafe\u{301}/",
            "wh/a\u{200b}b/",
            "wh/\u{202e}x/",
            "wh/a\u{ff0f}b/",
            "wh/\u{ff41}/",
            "wh/a\u{a0}b/",
        ] {
            assert!(in_path(bad).is_some(), "{bad:?}");
        }
        for good in ["", "wh/sales/", "wh/café/", "wh/дата/", "wh/hour=10%3A00/", "wh/日本/"] {
            assert_eq!(in_path(good), None, "{good:?}");
        }
    }
}
