//! Object paths and prefixes: validated, canonical, compared byte for byte.
//!
//! Nothing is normalised. A text that two parties could read in two ways is refused, so what policy decides
//! on, what the boundary says and what the storage sees are the same bytes.

use std::fmt;
use std::sync::Arc;

use crate::{Bucket, InvalidPath};

/// The longest key, in bytes; the limit of all three clouds.
pub const MAX_KEY_BYTES: usize = 1024;

/// One object: a bucket and a key.
///
/// - the key is 1 to 1024 bytes of UTF-8 and does not end in `/`;
/// - no empty, `.` or `..` segment, plain or percent-encoded once or twice;
/// - no control character, line separator, backslash, or URL query, fragment or parameter;
/// - `%` is a literal byte.
///
/// ```
/// use lakegate_domain::ObjectPath;
/// assert!(ObjectPath::parse("gs://lake/wh/sales/hour=10%3A00/part-0").is_ok());
/// assert!(ObjectPath::parse("gs://lake/wh/../hr/x").is_err());
/// assert!(ObjectPath::parse("gs://lake/wh/%2e%2e/x").is_err());
/// assert!(ObjectPath::parse("gs://lake/wh/sales/").is_err(), "that is a prefix");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectPath {
    bucket: Bucket,
    key: Arc<str>,
}

/// A prefix: everything under it, and the one object whose name is the prefix without its slash.
///
/// - the key is empty (the whole bucket) or ends in exactly one `/`;
/// - otherwise the rules of [`ObjectPath`].
///
/// ```
/// use lakegate_domain::{ObjectPath, Prefix};
/// let sales = Prefix::parse("gs://lake/wh/sales/").unwrap();
/// let object = |text| ObjectPath::parse(text).unwrap();
/// assert!(sales.covers_object(&object("gs://lake/wh/sales/x")));
/// assert!(sales.covers_object(&object("gs://lake/wh/sales")));
/// assert!(!sales.covers_object(&object("gs://lake/wh/sales_private")));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    bucket: Bucket,
    key: Arc<str>,
}

impl ObjectPath {
    /// Reads `scheme://bucket/key`.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let (bucket, key) = split(text)?;
        if key.is_empty() || key.ends_with('/') {
            return Err(InvalidPath::NotAnObject);
        }
        check_key(key)?;
        Ok(Self { bucket, key: key.into() })
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// The key, without a leading slash.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Prefix {
    /// Reads `scheme://bucket/key/`, `scheme://bucket/` or `scheme://bucket`.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let (bucket, key) = split(text)?;
        if !key.is_empty() {
            let inner = key.strip_suffix('/').ok_or(InvalidPath::NotAPrefix)?;
            if key.len() > MAX_KEY_BYTES {
                return Err(InvalidPath::TooLong);
            }
            check_key(inner)?;
        }
        Ok(Self { bucket, key: key.into() })
    }

    /// The whole bucket.
    pub fn root(bucket: Bucket) -> Self {
        Self { bucket, key: "".into() }
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// The key: empty for the whole bucket, else ending in `/`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The one object outside the prefix that it reaches: its name without the slash. None for a bucket's root.
    pub fn slashless(&self) -> Option<ObjectPath> {
        let key = self.key.strip_suffix('/')?;
        Some(ObjectPath { bucket: self.bucket.clone(), key: key.into() })
    }

    /// The prefix one level up; none for a bucket's root.
    pub fn parent(&self) -> Option<Self> {
        let inner = self.key.strip_suffix('/')?;
        let end = inner.rfind('/').map_or(0, |slash| slash + 1);
        let key = inner.get(..end).unwrap_or_default();
        Some(Self { bucket: self.bucket.clone(), key: key.into() })
    }

    /// The prefix that covers an object's own name: `wh/sales/` for the object `wh/sales`. None when the name
    /// is so long that the slash does not fit.
    pub fn of_slashless(object: &ObjectPath) -> Option<Self> {
        if object.key.len() >= MAX_KEY_BYTES {
            return None;
        }
        Some(Self { bucket: object.bucket.clone(), key: [&object.key, "/"].concat().into() })
    }

    /// The prefix in which an object lies: `wh/` for the object `wh/sales`.
    pub fn containing(object: &ObjectPath) -> Self {
        let end = object.key.rfind('/').map_or(0, |slash| slash + 1);
        let key = object.key.get(..end).unwrap_or_default();
        Self { bucket: object.bucket.clone(), key: key.into() }
    }

    /// Whether the prefix reaches an object.
    pub fn covers_object(&self, object: &ObjectPath) -> bool {
        self.bucket == object.bucket
            && (object.key.starts_with(&*self.key) || self.key.strip_suffix('/') == Some(&*object.key))
    }

    /// Whether all of `other` lies in this prefix.
    pub fn covers_prefix(&self, other: &Self) -> bool {
        self.bucket == other.bucket && other.key.starts_with(&*self.key)
    }
}

fn split(text: &str) -> Result<(Bucket, &str), InvalidPath> {
    let authority_at = text.find("://").ok_or(InvalidPath::Scheme)? + 3;
    let rest = text.get(authority_at..).unwrap_or_default();
    let (authority_end, key) = match rest.find('/') {
        Some(slash) => (authority_at + slash, rest.get(slash + 1..).unwrap_or_default()),
        None => (text.len(), ""),
    };
    Ok((Bucket::parse(text.get(..authority_end).unwrap_or_default())?, key))
}

fn check_key(key: &str) -> Result<(), InvalidPath> {
    if key.len() > MAX_KEY_BYTES {
        return Err(InvalidPath::TooLong);
    }
    if key.chars().any(is_control) {
        return Err(InvalidPath::Control);
    }
    if key.contains('\\') {
        return Err(InvalidPath::Backslash);
    }
    if holds_url_part(key) {
        return Err(InvalidPath::UrlPart);
    }
    key.split('/').try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), InvalidPath> {
    if segment.is_empty() {
        return Err(InvalidPath::EmptySegment);
    }
    let mut bytes = segment.as_bytes().to_vec();
    for _ in 0..3 {
        if matches!(&*bytes, b"." | b"..") {
            return Err(InvalidPath::DotSegment);
        }
        if bytes.iter().any(u8::is_ascii_control) {
            return Err(InvalidPath::Control);
        }
        if !bytes.contains(&b'%') {
            return Ok(());
        }
        bytes = percent_decoded(&bytes);
    }
    Ok(())
}

/// C0, DEL, C1 and the two Unicode line separators: none survives a log line or a CEL literal unchanged.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether the key carries what a URL parser would cut off: `#…`, `?name=value`, `;name=value`.
/// A lone `?` or `;` is a literal byte of a name.
fn holds_url_part(key: &str) -> bool {
    key.contains('#')
        || ['?', ';'].into_iter().any(|mark| {
            key.split_once(mark)
                .is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|s| s.contains('=')))
        })
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let pair = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match pair {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => out.push(first),
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Writes what both path types share; a macro because the two must print and serialise alike and have
/// nothing else in common.
macro_rules! path_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.bucket, self.key)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

path_text!(ObjectPath);
path_text!(Prefix);

#[cfg(test)]
mod tests;
