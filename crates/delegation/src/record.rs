//! Records: what happens to tokens after their issue, as it stands in the log that all brokers follow.
//!
//! | bytes | field |
//! |---|---|
//! | `01` | version |
//! | 16 | the chain: the first bytes of SHA-256 over all that came before |
//! | `01` issued | id, owner, real user, max date, first renew date, epoch, binding |
//! | `02` renewed | id, until |
//! | `03` cancelled | id, owner, max date |
//! | `04` epoch raised | epoch |
//!
//! Ids are 16 bytes, names `Text`, dates `VLong`, the epoch `VInt`; a binding is `00`, or its kind and 32 bytes. Numbers
//! stand in their shortest form and nothing may follow: a record has one encoding.
//!
//! The chain ties each record to everything before it. A log that lost its end and grew another one has the same numbers
//! and other records; whoever followed the first one sees that the second does not continue it.

use aws_lc_rs::digest::{Context, SHA256};
use lakegate_domain::{Principal, Timestamp};

use crate::hadoop::{Reader, put_text, put_vlong};
use crate::identifier::MAX_NAME_BYTES;
use crate::{Binding, BindingKind, Malformed, TokenId};

/// The longest record, in bytes.
pub const MAX_RECORD_BYTES: usize = 1_024;

/// The version of records.
const VERSION: u8 = 1;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A token was issued.
    Issued {
        /// Which.
        id: TokenId,
        /// What quotas and renewals go by.
        row: Row,
    },
    /// A token was renewed.
    Renewed {
        /// Which.
        id: TokenId,
        /// Until when it is good.
        until: Timestamp,
    },
    /// A token was cancelled.
    Cancelled {
        /// Which.
        id: TokenId,
        /// Whose it was.
        owner: Principal,
        /// When everybody may forget it.
        max_date: Timestamp,
    },
    /// Tokens of earlier epochs are believed no more.
    EpochRaised {
        /// The first epoch whose tokens are believed.
        epoch: u32,
    },
}

/// What is known of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whose rights it carries.
    pub owner: Principal,
    /// Who really asked for it, when that was a proxy of the owner.
    pub real_user: Option<Principal>,
    /// Beyond which no renewal goes.
    pub max_date: Timestamp,
    /// Until when it is good.
    pub renew_before: Timestamp,
    /// The epoch in which it was issued; at most 2,147,483,647.
    pub epoch: u32,
    /// What it is bound to.
    pub binding: Option<Binding>,
}

/// Where a log stands: a digest of everything in it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Chain([u8; 16]);

impl Chain {
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The chain after one more record.
    pub(crate) fn after(&self, number: u64, record: &[u8]) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(&self.0);
        hash.update(&number.to_be_bytes());
        hash.update(record);
        let mut next = [0; 16];
        for (to, from) in next.iter_mut().zip(hash.finish().as_ref()) {
            *to = *from;
        }
        Self(next)
    }
}

impl Record {
    /// The bytes of the record that follows `chain`.
    pub fn to_bytes(&self, chain: &Chain) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        bytes.extend_from_slice(&chain.0);
        match self {
            Self::Issued { id, row } => {
                bytes.push(1);
                bytes.extend_from_slice(id.as_bytes());
                row.put(&mut bytes);
            }
            Self::Renewed { id, until } => {
                bytes.push(2);
                bytes.extend_from_slice(id.as_bytes());
                put_vlong(&mut bytes, until.as_millis());
            }
            Self::Cancelled { id, owner, max_date } => {
                bytes.push(3);
                bytes.extend_from_slice(id.as_bytes());
                put_text(&mut bytes, owner.as_str());
                put_vlong(&mut bytes, max_date.as_millis());
            }
            Self::EpochRaised { epoch } => {
                bytes.push(4);
                put_vlong(&mut bytes, (*epoch).into());
            }
        }
        bytes
    }

    /// Reads a record, and the chain that it follows.
    ///
    /// # Errors
    /// The rule that the bytes break.
    pub fn parse(bytes: &[u8]) -> Result<(Chain, Self), Malformed> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(Malformed::TooLong);
        }
        let mut from = Reader::new(bytes);
        if from.byte()? != VERSION {
            return Err(Malformed::Version);
        }
        let chain = Chain(from.array()?);
        let record = match from.byte()? {
            1 => Self::Issued { id: id(&mut from)?, row: Row::read(&mut from)? },
            2 => Self::Renewed { id: id(&mut from)?, until: date(&mut from)? },
            3 => Self::Cancelled {
                id: id(&mut from)?,
                owner: principal(&mut from)?,
                max_date: date(&mut from)?,
            },
            4 => Self::EpochRaised { epoch: from.count()? },
            _ => return Err(Malformed::Kind),
        };
        from.finish()?;
        Ok((chain, record))
    }
}

impl Row {
    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        put_text(bytes, self.owner.as_str());
        put_text(bytes, self.real_user.as_ref().map_or("", Principal::as_str));
        put_vlong(bytes, self.max_date.as_millis());
        put_vlong(bytes, self.renew_before.as_millis());
        put_vlong(bytes, self.epoch.into());
        match &self.binding {
            None => bytes.push(0),
            Some(binding) => {
                bytes.push(binding.kind().code());
                bytes.extend_from_slice(binding.digest());
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let owner = principal(from)?;
        let real_user = match from.text(MAX_NAME_BYTES)? {
            "" => None,
            text => Some(Principal::parse(text).map_err(|_| Malformed::Principal)?),
        };
        let (max_date, renew_before) = (date(from)?, date(from)?);
        let epoch = from.count()?;
        let binding = match from.byte()? {
            0 => None,
            code => {
                let kind = BindingKind::of_code(code).ok_or(Malformed::Kind)?;
                Some(Binding::from_parts(kind, from.array()?))
            }
        };
        if renew_before > max_date {
            return Err(Malformed::Dates);
        }
        Ok(Self { owner, real_user, max_date, renew_before, epoch, binding })
    }
}

pub(crate) fn id(from: &mut Reader<'_>) -> Result<TokenId, Malformed> {
    Ok(TokenId::from_bytes(from.array()?))
}

pub(crate) fn principal(from: &mut Reader<'_>) -> Result<Principal, Malformed> {
    Principal::parse(from.text(MAX_NAME_BYTES)?).map_err(|_| Malformed::Principal)
}

pub(crate) fn date(from: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    Ok(Timestamp::from_millis(from.vlong()?))
}

#[cfg(test)]
mod tests;
