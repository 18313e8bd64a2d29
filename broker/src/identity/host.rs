//! The name of a host, as certificates of services carry it.

use std::fmt;
use std::sync::Arc;

/// The longest name, in bytes (RFC 1035, section 2.3.4).
const MAX_BYTES: usize = 253;

/// The longest label, in bytes.
const MAX_LABEL: usize = 63;

/// A fully qualified host name.
///
/// - two or more labels of `[A-Za-z0-9-]`, 1 to 63 bytes each, without a hyphen at either end;
/// - at most 253 bytes, no dot at the end;
/// - its last label is not all digits, so that no address is taken for a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(Arc<str>);

impl HostName {
    /// Checks a text and makes the name; none when it breaks a rule.
    pub fn parse(text: &str) -> Option<Self> {
        let mut labels = text.split('.');
        let last = text.rsplit('.').next()?;
        let is_valid = text.len() <= MAX_BYTES
            && text.contains('.')
            && labels.all(is_label)
            && !last.bytes().all(|byte| byte.is_ascii_digit());
        is_valid.then(|| Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostName({})", self.0)
    }
}

impl serde::Serialize for HostName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::HostName;

    #[test]
    fn xc21_only_a_full_name_is_a_host() {
        assert!(HostName::parse("node-1.Lake.example").is_some());
        let long = format!("{}.example", "a".repeat(64));
        let longest = "a.".repeat(127);
        for bad in
            ["", "node", "10.0.0.1", "::1", "a..b", ".a.b", "a.b.", "-a.b", "a-.b", "*.b", "a_b.c", "a b.c"]
        {
            assert!(HostName::parse(bad).is_none(), "{bad:?}");
        }
        assert!(HostName::parse(&long).is_none() && HostName::parse(&format!("{longest}bb")).is_none());
    }
}
