//! The delegation token that a job carries instead of a client certificate.
//!
//! Only brokers have the keys to believe one. The client reads its dates, to know without asking that it has ended, and
//! sends it in every request's `authorization` entry and nowhere else. A text whose dates it cannot read is sent all
//! the same: the broker is the one to judge.

mod held;
mod look;
mod presenting;
mod source;

use std::fmt;
use std::path::Path;

use http::HeaderValue;
use lakegate_delegation::{Described, describe};
use lakegate_domain::{Principal, Secret, Timestamp};

pub(crate) use self::held::Held;
pub(crate) use self::presenting::Presenting;
pub use self::source::DelegationTokenSource;
use crate::error::ConfigFault;

/// Longer texts are no tokens.
const MAX_BYTES: usize = 3_072;

/// A delegation token as a url string: base64url without padding, as Hadoop's `encodeToUrlString` writes it.
pub struct DelegationToken {
    text: Secret,
    told: Option<Told>,
}

/// What a token says of itself, as far as its holder needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    /// Until when it is good without a renewal.
    first_renew: Timestamp,
    /// Beyond which no renewal goes.
    max: Timestamp,
    identity: Identity,
}

/// Whose a token is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    owner: Principal,
    real_user: Option<Principal>,
    cluster: String,
}

impl DelegationToken {
    /// Takes a token into custody; white space around it is not part of it.
    ///
    /// # Errors
    /// [`ConfigFault::DelegationToken`] for a text that is no url string.
    pub fn parse(text: String) -> Result<Self, ConfigFault> {
        let text = Secret::new(text);
        let token = text.expose().trim_ascii();
        let is_one = (1..=MAX_BYTES).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_one {
            return Err(ConfigFault::DelegationToken);
        }
        let told = describe(token).ok().map(Told::from);
        Ok(Self { text: Secret::new(token.to_owned()), told })
    }

    /// Reads a token from a file: a url string, or one of Hadoop's token-storage files, which may hold others' tokens as
    /// well. Nobody but its owner may be able to read it; a file of root may be readable by its group, which is how
    /// secrets are mounted into containers.
    ///
    /// # Errors
    /// [`ConfigFault::TokenFile`] when it cannot be read, [`ConfigFault::TokenFileExposed`] when others can, too,
    /// [`ConfigFault::DelegationToken`] when it holds no token, or [`ConfigFault::TokenStorage`] when it is a
    /// token-storage file from which none can be taken.
    pub fn from_file(path: &Path) -> Result<Self, ConfigFault> {
        look::read(path, &[]).map(|(token, _)| token)
    }

    /// The entry of every request.
    pub(crate) fn header(&self) -> Result<HeaderValue, ConfigFault> {
        let text = Secret::new(["Lakegate-DT ", self.text.expose()].concat());
        let mut value = HeaderValue::from_str(text.expose()).map_err(|_| ConfigFault::DelegationToken)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl From<Described> for Told {
    fn from(described: Described) -> Self {
        let said = described.identifier;
        let identity = Identity { owner: said.owner, real_user: said.real_user, cluster: said.cluster };
        Self { first_renew: said.first_renew_date, max: said.max_date, identity }
    }
}

impl fmt::Debug for DelegationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DelegationToken([redacted])")
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
