//! The whole token as Hadoop carries it: `VInt` length and identifier, `VInt` length and password, `Text` kind, `Text`
//! service. As a url string it is base64url without padding, which is what Hadoop's `encodeToUrlString` writes.
//!
//! Hadoop's decoder also takes the standard alphabet and padding. Nobody writes those, so they are refused: a token has
//! one url string. Kind and service stand outside the MAC. The kind must be ours; the service is free, because
//! Hadoop's clients overwrite it with the address they talk to, and nothing goes by it here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::hadoop::{Reader, put_bytes, put_text};
use crate::{Identifier, MAX_IDENTIFIER_BYTES, Malformed};

/// The kind of our tokens.
pub const KIND: &str = "LAKEGATE_DELEGATION_TOKEN";

/// The length of a MAC, in bytes.
pub const MAC_BYTES: usize = 32;

/// The longest url string that is looked at, in bytes.
pub const MAX_URL_BYTES: usize = 3_072;

/// The longest service, in bytes.
const MAX_SERVICE_BYTES: usize = 1_024;

/// The longest kind of anybody's token, in bytes.
const MAX_KIND_BYTES: usize = 256;

/// A token's four fields, as they lie in somebody else's bytes. `Debug` tells the kind only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenView<'a> {
    /// The bytes that the password authenticates.
    pub identifier: &'a [u8],
    /// The MAC: the secret.
    pub password: &'a [u8],
    /// What kind of identifier it is.
    pub kind: &'a str,
    /// Where it is presented.
    pub service: &'a str,
}

impl<'a> TokenView<'a> {
    /// Reads a token of any kind.
    ///
    /// # Errors
    /// The rule that the bytes break.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        let view = Self {
            identifier: from.bytes(MAX_IDENTIFIER_BYTES)?,
            password: from.bytes(MAX_URL_BYTES)?,
            kind: from.text(MAX_KIND_BYTES)?,
            service: from.text(MAX_SERVICE_BYTES)?,
        };
        from.finish()?;
        Ok(view)
    }

    /// Reads a token of our kind with a password of the right length.
    pub(crate) fn read_ours(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let view = Self::read(bytes)?;
        if view.kind != KIND {
            return Err(Malformed::Kind);
        }
        if view.password.len() != MAC_BYTES {
            return Err(Malformed::Password);
        }
        Ok(view)
    }

    /// What a token of our kind says of itself; nothing of it is verified.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn described(&self) -> Result<Described, Malformed> {
        if self.kind != KIND {
            return Err(Malformed::Kind);
        }
        if self.password.len() != MAC_BYTES {
            return Err(Malformed::Password);
        }
        Ok(Described { identifier: Identifier::parse(self.identifier)?, service: self.service.to_owned() })
    }

    /// The token's bytes.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let len = self.identifier.len() + self.password.len() + self.kind.len() + self.service.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(len + 20));
        put_bytes(&mut bytes, self.identifier);
        put_bytes(&mut bytes, self.password);
        put_text(&mut bytes, self.kind);
        put_text(&mut bytes, self.service);
        bytes
    }

    /// The token's url string.
    pub fn to_url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_bytes())
    }
}

impl fmt::Debug for TokenView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenView").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The bytes behind a url string.
///
/// # Errors
/// [`Malformed::TooLong`] or [`Malformed::Base64`].
pub(crate) fn decode_url(text: &str) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    if text.len() > MAX_URL_BYTES {
        return Err(Malformed::TooLong);
    }
    URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).map_err(|_| Malformed::Base64)
}

/// Whether a text is a token of anybody's, or most of one, in any of the encodings that people paste: such a text is a
/// secret wherever it turns up.
pub fn is_token(text: &str) -> bool {
    let text = text.trim_ascii();
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/');
    if digits.is_empty() || text.len() > MAX_URL_BYTES || !digits.bytes().all(is_digit) {
        return false;
    }
    // What was cut off at the end, or at most 3 characters of it, must not hide the rest.
    let whole: String = digits.chars().map(url_safe).take(digits.len() / 4 * 4).collect();
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(&whole).map(Zeroizing::new) else { return false };
    digits.len() > LONGEST_PLAIN_NAME || begins_like_a_token(&bytes)
}

/// Names without any punctuation are not nearly as long; a token, even a part of one, is longer.
const LONGEST_PLAIN_NAME: usize = 100;

fn url_safe(digit: char) -> char {
    match digit {
        '+' => '-',
        '/' => '_',
        other => other,
    }
}

/// A length, and an identifier of Hadoop's version 0 of about that length behind it.
fn begins_like_a_token(bytes: &[u8]) -> bool {
    let mut from = Reader::new(bytes);
    let Ok(len) = from.count() else { return false };
    let identifier = from.byte().is_ok_and(|version| version == 0) && from.text(MAX_KIND_BYTES).is_ok();
    identifier && usize::try_from(len).is_ok_and(|len| len >= 10 && len + 4 < bytes.len())
}

/// What a token says of itself. Nothing of it was verified, and nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// What is under the MAC.
    pub identifier: Identifier,
    /// Where it is presented; any text.
    pub service: String,
}

/// Reads a token of our kind without verifying it, for people who hold one.
///
/// # Errors
/// The rule that the text breaks.
pub fn describe(url: &str) -> Result<Described, Malformed> {
    let bytes = decode_url(url)?;
    TokenView::read(&bytes)?.described()
}

#[cfg(test)]
mod tests;
