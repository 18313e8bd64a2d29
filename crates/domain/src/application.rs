//! The application: one run of a job, as the cluster that started it counts.

use std::fmt;
use std::sync::Arc;

use crate::InvalidName;
use crate::name::is_name_byte;

/// The longest id, in bytes.
const MAX_BYTES: usize = 128;

/// What every id begins with.
const BEGINNING: &str = "app";

/// The id of an application, such as `application_1704164645_0007`.
///
/// - begins with `app`;
/// - at most 128 bytes of `[A-Za-z0-9._@-]`, compared byte for byte.
///
/// ```
/// use lakegate_domain::ApplicationId;
/// assert!(ApplicationId::parse("application_1704164645_0007").is_ok());
/// assert!(ApplicationId::parse("job_17").is_err());
/// assert!(ApplicationId::parse("app 1").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId(Arc<str>);

impl ApplicationId {
    /// Checks a text and makes the id.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match text {
            "" => Err(InvalidName::Empty),
            _ if text.len() > MAX_BYTES => Err(InvalidName::TooLong),
            _ if text.starts_with(BEGINNING) && text.bytes().all(is_name_byte) => Ok(Self(text.into())),
            _ => Err(InvalidName::Character),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApplicationId({})", self.0)
    }
}

impl serde::Serialize for ApplicationId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
