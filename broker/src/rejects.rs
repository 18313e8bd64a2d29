//! How many rejects of unknown clients are put on record.
//!
//! Where delegation tokens are believed, a client needs no certificate to send a request. Whoever reaches the port could
//! fill the audit log with refusals of himself; beyond this rate they are counted and not written.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Records in a second, over the whole broker, of requests on connections without a certificate that proved nothing.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Says which rejects are put on record.
pub(crate) struct Rejects(DefaultDirectRateLimiter);

impl Rejects {
    pub(crate) fn new() -> Self {
        Self(RateLimiter::direct(Quota::per_second(PER_SECOND)))
    }

    /// Whether one more may be put on record now.
    pub(crate) fn may_be_recorded(&self) -> bool {
        self.0.check().is_ok()
    }
}

impl std::fmt::Debug for Rejects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rejects")
    }
}
