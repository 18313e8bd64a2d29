//! The bucket: scheme and provider name, by the provider's grammar.
//!
//! Grammars: Google "Bucket naming guidelines", AWS "General purpose bucket naming rules", Azure "Naming and
//! referencing containers". What looks like an alias, an access point or an address is refused: one bucket has
//! one name here.

use std::fmt;
use std::sync::Arc;

use crate::InvalidPath;

/// The scheme of a storage path. `s3a://` and the like are not aliases: unknown is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `gs://bucket/key`
    Gs,
    /// `s3://bucket/key`
    S3,
    /// `abfss://container@account.dfs.core.windows.net/key`
    Abfss,
}

impl Scheme {
    /// The word before `://`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gs => "gs",
            Self::S3 => "s3",
            Self::Abfss => "abfss",
        }
    }
}

/// The only host suffix of an `abfss` authority; sovereign clouds have others and are not served.
const AZURE_SUFFIX: &str = ".dfs.core.windows.net";

/// A bucket (or container with its account), with its scheme.
///
/// - spelled as its provider's grammar allows, in lower case;
/// - no user information, no port, no address, no access-point alias;
/// - for Azure the account is part of the identity.
///
/// ```
/// use lakegate_domain::Bucket;
/// assert!(Bucket::parse("gs://lake-eu").is_ok());
/// assert!(Bucket::parse("abfss://warehouse@acct.dfs.core.windows.net").is_ok());
/// assert!(Bucket::parse("abfss://warehouse@acct.dfs.core.windows.net.evil.com").is_err());
/// assert!(Bucket::parse("gs://192.168.0.1").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    scheme: Scheme,
    authority: Arc<str>,
}

impl Bucket {
    /// Reads `scheme://authority`.
    ///
    /// # Errors
    /// [`InvalidPath::Scheme`] or [`InvalidPath::Bucket`].
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let (scheme, authority) = text.split_once("://").ok_or(InvalidPath::Scheme)?;
        let (scheme, valid) = match scheme {
            "gs" => (Scheme::Gs, is_gcs_bucket(authority)),
            "s3" => (Scheme::S3, is_s3_bucket(authority)),
            "abfss" => (Scheme::Abfss, is_azure_authority(authority)),
            _ => return Err(InvalidPath::Scheme),
        };
        if valid { Ok(Self { scheme, authority: authority.into() }) } else { Err(InvalidPath::Bucket) }
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What stands between `://` and the key: the bucket, or `container@account…` for Azure.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({self})")
    }
}

impl serde::Serialize for Bucket {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn is_gcs_bucket(name: &str) -> bool {
    let longest = if name.contains('.') { 222 } else { 63 };
    (3..=longest).contains(&name.len())
        && name.bytes().all(|b| is_lower_alphanumeric(b) || matches!(b, b'-' | b'_' | b'.'))
        && begins_and_ends_alphanumeric(name)
        && name.split('.').all(|label| (1..=63).contains(&label.len()))
        && !is_ipv4_shape(name)
        && !name.starts_with("goog")
}

fn is_s3_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| is_lower_alphanumeric(b) || matches!(b, b'-' | b'.'))
        && begins_and_ends_alphanumeric(name)
        && !name.contains("..")
        && !is_ipv4_shape(name)
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|p| name.starts_with(p))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|s| name.ends_with(s))
}

fn is_azure_authority(authority: &str) -> bool {
    let Some((container, host)) = authority.split_once('@') else { return false };
    let Some(account) = host.strip_suffix(AZURE_SUFFIX) else { return false };
    (3..=24).contains(&account.len())
        && account.bytes().all(is_lower_alphanumeric)
        && (3..=63).contains(&container.len())
        && container.bytes().all(|b| is_lower_alphanumeric(b) || b == b'-')
        && begins_and_ends_alphanumeric(container)
        && !container.contains("--")
}

fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn begins_and_ends_alphanumeric(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().copied().is_some_and(is_lower_alphanumeric)
        && bytes.last().copied().is_some_and(is_lower_alphanumeric)
}

fn is_ipv4_shape(name: &str) -> bool {
    name.split('.').count() == 4
        && name.split('.').all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rp10_a_scheme_is_exact_and_part_of_the_identity() {
        for unknown in
            ["GS://lake", "s3a://lake", "s3n://lake", "wasbs://c@acct.blob.core.windows.net", "lake"]
        {
            assert_eq!(Bucket::parse(unknown), Err(InvalidPath::Scheme), "{unknown}");
        }
        assert_ne!(Bucket::parse("gs://lake"), Bucket::parse("s3://lake"));
    }

    #[test]
    fn rp11_azure_hosts_are_an_exact_list() {
        for bad in [
            "abfss://warehouse@acct.dfs.core.windows.net.evil.com",
            "abfss://warehouse@acct.blob.core.windows.net",
            "abfss://$root@acct.dfs.core.windows.net",
            "abfss://acct.dfs.core.windows.net",
            "abfss://wh@evil.acct.dfs.core.windows.net",
            "abfss://w@h@acct.dfs.core.windows.net",
        ] {
            assert_eq!(Bucket::parse(bad), Err(InvalidPath::Bucket), "{bad}");
        }
    }

    #[test]
    fn rp12_bucket_names_follow_the_provider() {
        for good in ["gs://abc", "gs://a.b_c-d.example.com", "s3://my.bucket", "s3://abc"] {
            assert!(Bucket::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "gs://ab",
            &format!("gs://{long}"),
            &format!("s3://{long}"),
            "gs://Lake",
            "gs://10.0.0.1",
            "s3://10.0.0.1",
            "s3://a_b",
            "s3://a..b",
            "s3://lake-1a2b-s3alias",
            "s3://arn:aws:s3:us-east-1:123456789012:accesspoint",
            "gs://-lake",
            "gs://u@lake",
            "gs://lake:443",
            "gs://",
        ] {
            assert_eq!(Bucket::parse(bad), Err(InvalidPath::Bucket), "{bad}");
        }
    }
}
