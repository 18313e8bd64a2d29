//! The cloud's short-lived credential for one scope.

use std::time::Duration;

use crate::{Secret, Timestamp};

/// The first 128 bits of a scope's key, kept with each token so that it is compared after every
/// look-up (invariant 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeTag(pub [u8; 16]);

/// The credential itself, in the form its storage wants.
#[derive(Debug)]
pub enum Credential {
    /// An OAuth bearer token (GCS).
    Bearer(Secret),
    /// A temporary key triple (S3).
    Aws {
        /// The access key id; names the session, is no secret by itself.
        access_key_id: String,
        /// The secret key.
        secret_access_key: Secret,
        /// The session token.
        session_token: Secret,
    },
    /// A shared access signature: the query string without its `?` (Azure).
    Sas(Secret),
}

/// An access token and what must be known about it to hand it out.
#[derive(Debug)]
pub struct AccessToken {
    /// The credential.
    pub credential: Credential,
    /// When the cloud made it, by our clock.
    pub minted_at: Timestamp,
    /// When the provider says it ends; never computed from a wish.
    pub expires_at: Timestamp,
    /// Which scope it is for.
    pub scope_tag: ScopeTag,
    /// The number of the snapshot that allowed the minting; for audit only, never compared.
    pub snapshot: u64,
}

impl AccessToken {
    /// The token's whole life when it was minted.
    pub fn life(&self) -> Duration {
        self.expires_at.since(self.minted_at)
    }

    /// What is left of its life; zero when it ended.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.expires_at.since(now)
    }

    /// The least remaining life with which a broker hands the token out:
    /// `max(5 min, life / 6)`, at most `life / 3` (design, section 6).
    pub fn hand_out_floor(&self) -> Duration {
        hand_out_floor(self.life())
    }
}

fn hand_out_floor(life: Duration) -> Duration {
    Duration::from_mins(5).max(life / 6).min(life / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_is_ten_minutes_of_an_hour_and_a_third_of_a_short_life() {
        assert_eq!(hand_out_floor(Duration::from_hours(1)), Duration::from_mins(10));
        assert_eq!(hand_out_floor(Duration::from_mins(15)), Duration::from_mins(5));
        assert_eq!(hand_out_floor(Duration::from_mins(6)), Duration::from_mins(2));
        assert_eq!(hand_out_floor(Duration::from_hours(12)), Duration::from_hours(2));
    }
}
