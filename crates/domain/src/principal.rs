//! The principal: who is asking, after authentication.

use std::fmt;
use std::sync::Arc;

use crate::InvalidPrincipal;
use crate::name::is_name_byte;

/// The longest canonical text, in bytes.
const MAX_BYTES: usize = 256;

/// Kinds that may stand before a colon; a bare name has no kind.
const KINDS: [&str; 3] = ["spiffe", "hops", "k8s"];

/// A principal in its one canonical text form.
///
/// - `name` for a user or service known by a bare name, or `kind:segment/segment` with the kind
///   `spiffe`, `hops` (project user) or `k8s`;
/// - names and segments are of `[A-Za-z0-9._@-]`, never empty, never `.` or `..`;
/// - at most 256 bytes, compared byte for byte, case included.
///
/// ```
/// use lakegate_domain::Principal;
/// assert!(Principal::parse("alice@corp.example").is_ok());
/// assert!(Principal::parse("spiffe:prod.example.com/ns/etl/sa/loader").is_ok());
/// assert!(Principal::parse("alice smith").is_err());
/// assert!(Principal::parse("root:alice").is_err());
/// assert!(Principal::parse("spiffe:a//b").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// Checks a canonical text and makes the principal.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidPrincipal> {
        if text.len() > MAX_BYTES {
            return Err(InvalidPrincipal::TooLong);
        }
        match text.split_once(':') {
            None => check_segment(text)?,
            Some((kind, rest)) => {
                if !KINDS.contains(&kind) {
                    return Err(InvalidPrincipal::Kind);
                }
                rest.split('/').try_for_each(check_segment)?;
            }
        }
        Ok(Self(text.into()))
    }

    /// The project of a project user; none of anybody else.
    ///
    /// ```
    /// use lakegate_domain::Principal;
    /// assert_eq!(Principal::parse("hops:growth/alice").unwrap().project(), Some("growth"));
    /// assert_eq!(Principal::parse("alice").unwrap().project(), None);
    /// ```
    pub fn project(&self) -> Option<&str> {
        let (project, _user) = self.0.strip_prefix("hops:")?.split_once('/')?;
        Some(project)
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_segment(segment: &str) -> Result<(), InvalidPrincipal> {
    match segment {
        "" => Err(InvalidPrincipal::Empty),
        "." | ".." => Err(InvalidPrincipal::DotSegment),
        _ if segment.bytes().all(is_name_byte) => Ok(()),
        _ => Err(InvalidPrincipal::Character),
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({})", self.0)
    }
}

impl serde::Serialize for Principal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Principal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xc18_names_with_strange_characters_are_no_principals() {
        for bad in ["", "a\0b", "a\nb", "\u{202e}ecila", "*", "a b", "a/b", &"x".repeat(257)] {
            assert!(Principal::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn case_is_kept_and_compared() {
        let lower = Principal::parse("alice").unwrap();
        let upper = Principal::parse("Alice").unwrap();
        assert_ne!(lower, upper);
    }
}
