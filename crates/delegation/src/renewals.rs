//! What is known of a token's renewals: the one thing about its life that the token itself cannot say.

use lakegate_domain::Timestamp;

use crate::TokenId;

/// A view of renewals, in memory: it is asked on every request and must not wait.
pub trait Renewals: Send + Sync + std::fmt::Debug {
    /// Until when a token was renewed, if it ever was. Its max date stands above whatever is said here.
    fn renewed_until(&self, token: &TokenId) -> Option<Timestamp>;
}

/// Nothing is ever renewed: every token ends at its first renew date.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRenewals;

impl Renewals for NoRenewals {
    fn renewed_until(&self, _: &TokenId) -> Option<Timestamp> {
        None
    }
}
