//! Short names: of groups, projects, datasets, classes, storages, rules and profiles.
//!
//! They share one alphabet and differ in type, so a group `x` is never taken for a user `x`.

use std::fmt;
use std::sync::Arc;

use crate::InvalidName;

/// The longest name, in bytes.
const MAX_BYTES: usize = 256;

/// Whether a byte may stand in a name or in a segment of a principal.
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'@' | b'-')
}

fn check(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        Err(InvalidName::Empty)
    } else if text.len() > MAX_BYTES {
        Err(InvalidName::TooLong)
    } else if text.bytes().all(is_name_byte) {
        Ok(())
    } else {
        Err(InvalidName::Character)
    }
}

/// Writes one name type. A macro because these types must stay alike to the letter and a generic
/// `Name<Kind>` would show its parameter in every signature and error.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// - 1 to 256 bytes of `[A-Za-z0-9._@-]`;
        /// - compared byte for byte, case included.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a text and makes the name.
            ///
            /// # Errors
            /// The rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                check(text).map(|()| Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
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

name_type! {
    /// The name of a group of principals.
    GroupName
}
name_type! {
    /// The name of a project: the tenant that owns datasets.
    ProjectName
}
name_type! {
    /// The name of a dataset.
    DatasetName
}
name_type! {
    /// The name of a class of datasets: token life, attribution, staleness mode.
    ClassName
}
name_type! {
    /// The name of a configured storage.
    StorageId
}
name_type! {
    /// The name of a rule, for audit and explanation.
    RuleId
}

name_type! {
    /// The name of a profile by which certificates are read.
    ProfileName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_one_alphabet_and_one_length() {
        assert!(GroupName::parse("data-eng.eu_1@corp").is_ok());
        assert_eq!(GroupName::parse(""), Err(InvalidName::Empty));
        assert_eq!(GroupName::parse(&"a".repeat(257)), Err(InvalidName::TooLong));
        for bad in ["a b", "a/b", "a*", "ä", "a\n", "a:b"] {
            assert_eq!(GroupName::parse(bad), Err(InvalidName::Character), "{bad:?}");
        }
    }
}
