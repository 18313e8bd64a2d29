//! What a pattern's matches are replaced by, with the meaning of Java's `Matcher.replaceFirst` and `replaceAll`.

use regex::bytes::{Captures, Regex};

/// Which matches are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matches {
    First,
    All,
}

/// `s/from/to/` or `s/from/to/g`.
#[derive(Debug)]
pub(super) struct Substitution {
    from: Regex,
    to: Vec<Piece>,
    matches: Matches,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

impl Substitution {
    /// Reads the replacement; none when Java would throw at it.
    pub(super) fn new(from: Regex, to: &str, matches: Matches) -> Option<Self> {
        let to = pieces(to, from.captures_len() - 1)?;
        Some(Self { from, to, matches })
    }

    /// Replaces. A match that is empty counts also where the match before it ended: Java makes `qq` of `abc` by
    /// `s/.*/q/g`, once for everything and once for the nothing behind it.
    pub(super) fn apply(&self, text: &[u8]) -> Vec<u8> {
        let mut replaced = Vec::new();
        let (mut copied, mut next) = (0, 0);
        while next <= text.len() {
            let Some(captures) = self.from.captures_at(text, next) else { break };
            let Some(found) = captures.get(0) else { break };
            replaced.extend_from_slice(text.get(copied..found.start()).unwrap_or_default());
            self.put(&captures, &mut replaced);
            copied = found.end();
            next = if found.is_empty() { found.end() + 1 } else { found.end() };
            if self.matches == Matches::First {
                break;
            }
        }
        replaced.extend_from_slice(text.get(copied..).unwrap_or_default());
        replaced
    }

    fn put(&self, captures: &Captures<'_>, to: &mut Vec<u8>) {
        for piece in &self.to {
            match piece {
                Piece::Text(text) => to.extend_from_slice(text),
                Piece::Group(number) => {
                    to.extend_from_slice(captures.get(*number).map_or(&b""[..], |group| group.as_bytes()));
                }
            }
        }
    }
}

/// Reads a replacement for a pattern of so many groups: `\` takes the next character as it is, `$` begins the number of
/// a group, which has as many digits as there are groups for.
fn pieces(text: &str, groups: usize) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut plain = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.push(bytes.next()?),
            b'$' => {
                let mut number = digit(bytes.next()?)?;
                while let Some(more) = bytes.peek().copied().and_then(digit) {
                    let longer = number * 10 + more;
                    if longer > groups {
                        break;
                    }
                    number = longer;
                    bytes.next();
                }
                if number > groups {
                    return None;
                }
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Group(number));
            }
            _ => plain.push(byte),
        }
    }
    pieces.push(Piece::Text(plain));
    Some(pieces)
}

fn digit(byte: u8) -> Option<usize> {
    byte.is_ascii_digit().then(|| usize::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str, from: &str, to: &str, matches: Matches) -> Option<String> {
        let substitution = Substitution::new(Regex::new(from).unwrap(), to, matches)?;
        Some(String::from_utf8(substitution.apply(text.as_bytes())).unwrap())
    }

    #[test]
    fn the_empty_match_at_the_end_counts_too() {
        let all = |text, from, to| replaced(text, from, to, Matches::All).unwrap();
        assert_eq!(all("abc", ".*", "q"), "qq");
        assert_eq!(all("", ".*", "q"), "q");
        assert_eq!(all("xaxb", "x*", "y"), "yyayyby", "as Java has it");
        assert_eq!(all("abc", "x*", "-"), "-a-b-c-");
        assert_eq!(replaced("abc", ".*", "q", Matches::First).unwrap(), "q");
        assert_eq!(replaced("abc", "x", "q", Matches::First).unwrap(), "abc");
    }

    #[test]
    fn groups_and_escapes_are_read_as_java_reads_them() {
        let first = |text, from, to| replaced(text, from, to, Matches::First);
        assert_eq!(first("ab", "(a)(b)", "$2$1").unwrap(), "ba");
        assert_eq!(first("ab", "(a)(b)", "$0!").unwrap(), "ab!");
        assert_eq!(first("ab", "(a)(b)", "$12").unwrap(), "a2", "there is no group 12");
        assert_eq!(first("ab", "(a)|(z)", "<$2>").unwrap(), "<>b", "a group that took no part");
        assert_eq!(first("ab", "a", r"\$\\").unwrap(), r"$\b");
        for bad in ["$", "$x", "$1", "\\", "${n}", "a$"] {
            assert_eq!(first("ab", "a", bad), None, "{bad}");
        }
    }
}
