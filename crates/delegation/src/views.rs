//! What brokers know of tokens beyond what a token says itself: renewals, cancellations, and the epoch of the store.

use lakegate_domain::Timestamp;

use crate::{Binding, TokenId};

/// A replicated view of tokens' lives, in memory: it is asked on every request and must not wait.
pub trait Views: Send + Sync + std::fmt::Debug {
    /// What became of a token since it was issued.
    fn fate(&self, token: &TokenId) -> Fate;

    /// What a token is bound to, if it is known to be bound: it only picks the word for a refusal.
    fn binding(&self, token: &TokenId) -> Option<Binding>;
}

/// What became of a token since it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// Until when it was renewed, if it ever was. Its max date stands above whatever is said here.
    pub renewed_until: Option<Timestamp>,
    /// Whether it was cancelled: nothing brings it back.
    pub cancelled: bool,
    /// Tokens of an earlier epoch than this are believed no more.
    pub epoch: u32,
}

/// Nothing ever happens to a token: each ends at its first renew date.
#[derive(Debug, Clone, Copy, Default)]
pub struct Untouched;

impl Views for Untouched {
    fn fate(&self, _: &TokenId) -> Fate {
        Fate { renewed_until: None, cancelled: false, epoch: 0 }
    }

    fn binding(&self, _: &TokenId) -> Option<Binding> {
        None
    }
}
