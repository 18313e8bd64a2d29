//! Version 1 of the file: one message `CredentialsProto`, after its length as a varint.
//!
//! | message | fields |
//! |---|---|
//! | `CredentialsProto` | `CredentialsKVProto tokens = 1`, `CredentialsKVProto secrets = 2`, both any number of times |
//! | `CredentialsKVProto` | `string alias = 1`; `TokenProto token = 2` or `bytes secret = 3` |
//! | `TokenProto` | `bytes identifier = 1`, `bytes password = 2`, `string kind = 3`, `string service = 4` |
//!
//! The source is Hadoop's `Security.proto`. Every field is there once, in any order, and no others are: whoever adds one
//! should find out here, and not by losing it when the file is written again in version 0.

use super::Credentials;
use crate::hadoop::Reader;
use crate::{CredentialsError, Malformed, TokenView};

/// Wire type 2: bytes after their length. Nothing else occurs in these messages.
const LENGTH_DELIMITED: u64 = 2;

/// The longest varint, in bytes: lengths and tags have 32 bits.
const MAX_VARINT_BYTES: u32 = 5;

/// Reads what follows the version byte.
pub(super) fn read(mut from: Reader<'_>) -> Result<Credentials, CredentialsError> {
    let message = delimited(&mut from)?;
    from.finish()?;
    let mut credentials = Credentials::new();
    for field in Fields::of(message) {
        match field? {
            (1, entry) => {
                let [alias, token] = required(entry, [1, 2])?;
                let [identifier, password, kind, service] = required(token, [1, 2, 3, 4])?;
                let (kind, service) = (text(kind)?, text(service)?);
                credentials.keep_token(text(alias)?, TokenView { identifier, password, kind, service })?;
            }
            (2, entry) => {
                let [alias, secret] = required(entry, [1, 3])?;
                credentials.keep_secret(text(alias)?, secret)?;
            }
            _ => return Err(Malformed::Field.into()),
        }
    }
    Ok(credentials)
}

/// The fields of a message, by their numbers.
struct Fields<'a>(Reader<'a>);

impl<'a> Fields<'a> {
    fn of(message: &'a [u8]) -> Self {
        Self(Reader::new(message))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.finish().is_ok() {
            return None;
        }
        let mut field = || {
            let tag = varint(&mut self.0)?;
            if tag & 7 != LENGTH_DELIMITED {
                return Err(Malformed::Field);
            }
            Ok((tag >> 3, delimited(&mut self.0)?))
        };
        let field = field();
        if field.is_err() {
            self.0 = Reader::new(&[]);
        }
        Some(field)
    }
}

/// The fields of these numbers, each of which is there exactly once, as is no other.
fn required<const N: usize>(message: &[u8], numbers: [u64; N]) -> Result<[&[u8]; N], Malformed> {
    let mut found: [Option<&[u8]>; N] = [None; N];
    for field in Fields::of(message) {
        let (number, bytes) = field?;
        let place = numbers.iter().zip(&mut found).find(|(wanted, _)| **wanted == number);
        let (_, place) = place.ok_or(Malformed::Field)?;
        if place.replace(bytes).is_some() {
            return Err(Malformed::Field);
        }
    }
    if found.iter().any(Option::is_none) {
        return Err(Malformed::Field);
    }
    Ok(found.map(Option::unwrap_or_default))
}

fn delimited<'a>(from: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let len = usize::try_from(varint(from)?).map_err(|_| Malformed::Range)?;
    from.take(len)
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed::Text)
}

/// A varint of at most 32 bits in its shortest form.
fn varint(from: &mut Reader<'_>) -> Result<u64, Malformed> {
    let mut value = 0;
    for place in 0..MAX_VARINT_BYTES {
        let byte = from.byte()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || place == 0;
            return match u32::try_from(value) {
                Ok(_) if shortest => Ok(value),
                Ok(_) => Err(Malformed::NotMinimal),
                Err(_) => Err(Malformed::Range),
            };
        }
    }
    Err(Malformed::Range)
}
