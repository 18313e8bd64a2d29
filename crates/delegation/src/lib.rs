//! Delegation tokens: what a job carries instead of its owner's certificate.
//!
//! A token is Hadoop's, byte for byte, with a kind of its own: an [`Identifier`] that says whose it is and until when,
//! and an HMAC-SHA-256 over exactly those bytes. [`issue`] makes one, [`verify`] believes one. Verification needs the
//! keys of a [`KeyRing`] and the present instant, and nothing else: no store, no network, no lock.
//!
//! There is no I/O here and no clock. What outlives a token's first renew date is asked of a [`Renewals`], which
//! somebody else keeps.

mod error;
pub mod hadoop;
mod identifier;
mod issue;
mod keys;
mod renewals;
mod ring;
mod token;
mod verify;

pub use error::{CredentialsError, DelegationRefusal, IssueError, KeyError, Malformed};
pub use identifier::{Identifier, MAX_IDENTIFIER_BYTES, TokenId};
pub use issue::{Draft, Issued, Terms, issue};
pub use keys::{DelegationKey, KeyId, KeyLife};
pub use renewals::{NoRenewals, Renewals};
pub use ring::KeyRing;
pub use token::{Described, KIND, MAC_BYTES, MAX_URL_BYTES, TokenView, describe};
pub use verify::{Moment, Verified, verify};
