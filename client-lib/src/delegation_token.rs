//! The delegation token that a job carries instead of a client certificate.
//!
//! To the client it is an opaque text: only brokers have the keys to read it. It goes to a broker in every request's
//! `authorization` entry and nowhere else.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;
use lakegate_domain::Secret;

use crate::error::ConfigFault;

/// Longer texts are no tokens.
const MAX_BYTES: usize = 3_072;

/// A delegation token as a url string: base64url without padding, as Hadoop's `encodeToUrlString` writes it.
pub struct DelegationToken(Secret);

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
        if is_one { Ok(Self(Secret::new(token.to_owned()))) } else { Err(ConfigFault::DelegationToken) }
    }

    /// Reads a token from a file. Nobody but its owner may be able to read it; a file of root may be readable by its
    /// group, which is how secrets are mounted into containers.
    ///
    /// # Errors
    /// [`ConfigFault::TokenFile`] when it cannot be read, [`ConfigFault::TokenFileExposed`] when others can, too, or
    /// [`ConfigFault::DelegationToken`] when it holds no token.
    pub fn from_file(path: &Path) -> Result<Self, ConfigFault> {
        let failed = |error: std::io::Error| ConfigFault::TokenFile(Arc::new(error));
        let file = File::open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        let closed_to = if meta.uid() == 0 { 0o037 } else { 0o077 };
        if meta.mode() & closed_to != 0 {
            return Err(ConfigFault::TokenFileExposed);
        }
        let mut text = String::with_capacity(2 * MAX_BYTES);
        let read = file.take(2 * MAX_BYTES as u64).read_to_string(&mut text);
        let token = Self::parse(text);
        read.map_err(failed)?;
        token
    }

    /// The entry of every request.
    pub(crate) fn header(&self) -> Result<HeaderValue, ConfigFault> {
        let text = Secret::new(["Lakegate-DT ", self.0.expose()].concat());
        let mut value = HeaderValue::from_str(text.expose()).map_err(|_| ConfigFault::DelegationToken)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for DelegationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DelegationToken([redacted])")
    }
}

#[cfg(test)]
mod tests;
