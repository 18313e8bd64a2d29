//! Which certificates were taken back: revocation lists (CRLs), for each authority its own.
//!
//! The whole path is checked, not the client's certificate alone; an issuer without a list is an answer of its own
//! (unknown, so no), and a list beyond its `nextUpdate` and the grace is as good as none. "No list" is a word in the
//! configuration and never the absence of one.
//!
//! rustls can look at lists itself, and is not asked to: its verifier hashes each whole list at each handshake, so that
//! a long one makes handshakes slow; it knows `nextUpdate` only without a grace; it takes the first list that bears an
//! issuer's name, though an authority that changed its key has two; and it believes a root that may not sign lists. Here
//! a list is verified once, when it is read, against an issuer that stands in the authority's own file, and is then a
//! sorted row of serial numbers. What a list may say is still webpki's to decide: it refuses delta lists, indirect ones,
//! and extensions that nobody here knows.

mod book;
mod fetch;
mod follow;
mod header;
mod keep;
mod list;
mod scope;
mod settings;
mod source;
mod voice;

pub use book::{Offered, RevocationBook};
pub(crate) use fetch::check_place;
pub(crate) use follow::{Places, follow};
pub use list::ListFault;
pub use settings::{ListSettings, RevocationSettings};
pub(crate) use source::lists_in;

pub(super) use book::Certificate;

use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Whether certificates of an authority can be taken back.
#[derive(Debug, Clone)]
pub enum Revocation {
    /// They cannot, by the word of the configuration.
    Unchecked,
    /// They can, by these lists.
    Lists(Arc<RevocationBook>),
}

#[cfg(test)]
pub(super) use tests::cpu_time;
