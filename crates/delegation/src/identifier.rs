//! The identifier: who may use a token, who may renew it, and until when. Everything in it is under the MAC.
//!
//! | bytes | field |
//! |---|---|
//! | `00` | version of Hadoop's part |
//! | `Text` x 3 | owner, renewer, real user; the last two may be empty |
//! | `VLong` x 2 | issue date, max date, in milliseconds |
//! | `VInt` x 2 | sequence number, master key id |
//! | `VInt` | format of our part: 1 |
//! | `Text` | cluster |
//! | 16 | token id, random: what quota, renewal and cancellation go by |
//! | `VLong` | first renew date, in milliseconds |
//! | `VInt` | store epoch |
//!
//! The first eight are those of Hadoop's `AbstractDelegationTokenIdentifier`, whose readers ignore what follows. Nothing
//! may follow the last one, numbers stand in their shortest form: one identifier has one encoding.

use std::fmt;

use aws_lc_rs::rand;
use lakegate_domain::{Principal, Timestamp};

use crate::hadoop::{Reader, put_text, put_vlong};
use crate::{IssueError, KeyId, Malformed};

/// The longest identifier, in bytes: four longest texts, and room for the rest.
pub const MAX_IDENTIFIER_BYTES: usize = 1_152;

/// The longest name in an identifier, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 256;

/// The version of Hadoop's part.
const VERSION: u8 = 0;

/// The format of our part.
const FORMAT: u32 = 1;

/// A token's own name: 128 random bits. It is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId([u8; 16]);

impl TokenId {
    /// An id from 16 bytes of a random generator.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A fresh id.
    ///
    /// # Errors
    /// [`IssueError::Randomness`] when the machine has none.
    pub fn generate() -> Result<Self, IssueError> {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).map_err(|_| IssueError::Randomness)?;
        Ok(Self(bytes))
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

/// What a token says. Without its MAC it is a claim, and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Whose rights it carries.
    pub owner: Principal,
    /// Who may renew it; nobody when absent.
    pub renewer: Option<Principal>,
    /// Who really asked for it, when that was a proxy of the owner.
    pub real_user: Option<Principal>,
    /// When it was issued.
    pub issued: Timestamp,
    /// Beyond which no renewal goes; not before `issued`.
    pub max_date: Timestamp,
    /// Hadoop's counter; unique within one broker process, and nothing goes by it. At most 2,147,483,647.
    pub sequence: u32,
    /// The key that signed it.
    pub key: KeyId,
    /// The deployment it is for, at most 256 bytes.
    pub cluster: String,
    /// Its own name.
    pub id: TokenId,
    /// Until when it is good without any renewal; between `issued` and `max_date`.
    pub first_renew_date: Timestamp,
    /// The epoch of the store that knows it; raised when a store is restored. At most 2,147,483,647.
    pub store_epoch: u32,
}

impl Identifier {
    /// The identifier's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let name =
            |principal: &Option<Principal>| principal.clone().map_or_else(String::new, |p| p.to_string());
        let mut bytes = Vec::with_capacity(160);
        bytes.push(VERSION);
        put_text(&mut bytes, self.owner.as_str());
        put_text(&mut bytes, &name(&self.renewer));
        put_text(&mut bytes, &name(&self.real_user));
        put_vlong(&mut bytes, self.issued.as_millis());
        put_vlong(&mut bytes, self.max_date.as_millis());
        put_vlong(&mut bytes, self.sequence.into());
        put_vlong(&mut bytes, self.key.as_u32().into());
        put_vlong(&mut bytes, FORMAT.into());
        put_text(&mut bytes, &self.cluster);
        bytes.extend_from_slice(self.id.as_bytes());
        put_vlong(&mut bytes, self.first_renew_date.as_millis());
        put_vlong(&mut bytes, self.store_epoch.into());
        bytes
    }

    /// Reads an identifier.
    ///
    /// # Errors
    /// The rule that the bytes break.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        Fields::read(bytes)?.own()
    }
}

/// An identifier whose form is checked and whose names are not yet: nothing is allocated for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    owner: &'a str,
    renewer: &'a str,
    real_user: &'a str,
    issued: i64,
    max_date: i64,
    sequence: u32,
    pub(crate) key: KeyId,
    pub(crate) cluster: &'a str,
    id: [u8; 16],
    first_renew_date: i64,
    store_epoch: u32,
}

impl<'a> Fields<'a> {
    /// Reads the whole identifier.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_IDENTIFIER_BYTES {
            return Err(Malformed::TooLong);
        }
        let mut from = Reader::new(bytes);
        known(from.byte()?.into(), VERSION.into())?;
        let (owner, renewer) = (from.text(MAX_NAME_BYTES)?, from.text(MAX_NAME_BYTES)?);
        let real_user = from.text(MAX_NAME_BYTES)?;
        let (issued, max_date) = (from.vlong()?, from.vlong()?);
        let (sequence, key) = (from.count()?, from.count()?);
        let key = KeyId::new(key).map_err(|_| Malformed::Range)?;
        known(from.count()?, FORMAT)?;
        let (cluster, id) = (from.text(MAX_NAME_BYTES)?, from.array()?);
        let (first_renew_date, store_epoch) = (from.vlong()?, from.count()?);
        from.finish()?;
        let in_order = 0 <= issued && issued <= first_renew_date && first_renew_date <= max_date;
        if !in_order {
            return Err(Malformed::Dates);
        }
        let fields = Self {
            owner,
            renewer,
            real_user,
            issued,
            max_date,
            sequence,
            key,
            cluster,
            id,
            first_renew_date,
            store_epoch,
        };
        Ok(fields)
    }

    /// The token's own name.
    pub(crate) fn id(&self) -> TokenId {
        TokenId(self.id)
    }

    /// Checks the names and makes the identifier.
    pub(crate) fn own(self) -> Result<Identifier, Malformed> {
        let principal = |text: &str| Principal::parse(text).map_err(|_| Malformed::Principal);
        let optional = |text: &str| if text.is_empty() { Ok(None) } else { principal(text).map(Some) };
        Ok(Identifier {
            owner: principal(self.owner)?,
            renewer: optional(self.renewer)?,
            real_user: optional(self.real_user)?,
            issued: Timestamp::from_millis(self.issued),
            max_date: Timestamp::from_millis(self.max_date),
            sequence: self.sequence,
            key: self.key,
            cluster: self.cluster.to_owned(),
            id: TokenId(self.id),
            first_renew_date: Timestamp::from_millis(self.first_renew_date),
            store_epoch: self.store_epoch,
        })
    }
}

fn known(found: u32, wanted: u32) -> Result<(), Malformed> {
    if found == wanted { Ok(()) } else { Err(Malformed::Version) }
}

#[cfg(test)]
mod tests;
