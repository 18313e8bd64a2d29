//! Delegation tokens: what a job carries instead of its owner's certificate.
//!
//! A token is Hadoop's, byte for byte, with a kind of its own: an [`Identifier`] that says whose it is and until when,
//! and an HMAC-SHA-256 over exactly those bytes. [`issue`] makes one, [`verify`] believes one. Verification needs the
//! keys of a [`KeyRing`], the present instant, and [`Views`] of what became of tokens since: no store, no network.
//!
//! The views come from a log that all brokers follow: [`Record`]s, which make a [`Book`]. The book decides what may be
//! written next; whoever keeps it brings it to the log.
//!
//! There is no I/O here and no clock.

mod binding;
mod book;
mod error;
pub mod hadoop;
mod identifier;
mod issue;
mod key_book;
mod keys;
mod record;
mod ring;
mod token;
mod verify;
mod views;

pub use binding::{Binding, BindingKind};
pub use book::{Book, BookCopy, LONGEST_GRACE, Quotas, Renewal, RenewalTerms, Tombstone};
pub use error::{
    BookError, CredentialsError, DelegationRefusal, IssueError, KeyError, Malformed, QuotaExceeded,
};
pub use identifier::{Identifier, MAX_IDENTIFIER_BYTES, TokenId};
pub use issue::{Draft, Issued, Terms, issue};
pub use key_book::{BookedKey, KeyBook, RollTerms};
pub use keys::{DelegationKey, KeyId, KeyLife};
pub use record::{Chain, MAX_RECORD_BYTES, Record, Row};
pub use ring::KeyRing;
pub use token::{Described, KIND, MAC_BYTES, MAX_URL_BYTES, TokenView, describe, is_token};
pub use verify::{Moment, Verified, authentic, authentic_anywhere, verify};
pub use views::{Fate, Untouched, Views};
