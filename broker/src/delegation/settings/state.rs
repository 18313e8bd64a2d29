//! What an operator says about the log of delegation tokens: how many tokens it holds and how it is followed.

use std::time::Duration;

use lakegate_delegation::Quotas;
use serde::Deserialize;

use crate::{BuildError, StalenessBounds};

/// How many delegation tokens there may be.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaSettings {
    /// Of one owner, at one time.
    pub per_owner: usize,
    /// Got by one proxy for whomever, at one time.
    pub per_real_user: usize,
    /// Of all together, those that are over and not yet forgotten included.
    pub total: usize,
}

impl Default for QuotaSettings {
    fn default() -> Self {
        let Quotas { per_owner, per_real_user, total } = Quotas::default();
        Self { per_owner, per_real_user, total }
    }
}

impl From<QuotaSettings> for Quotas {
    fn from(settings: QuotaSettings) -> Self {
        let QuotaSettings { per_owner, per_real_user, total } = settings;
        Self { per_owner, per_real_user, total }
    }
}

/// How the log of delegation tokens is followed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ViewSettings {
    /// Seconds between looks at the log, 1 to 5: how long a cancelled token may still be good elsewhere.
    pub follow_seconds: u64,
    /// Seconds for which a broker that cannot read the log goes on believing tokens.
    pub max_stale_seconds: u64,
    /// Seconds for which it goes on for classes marked strict; 10 at most.
    pub strict_stale_seconds: u64,
}

impl ViewSettings {
    /// How often the log is looked at.
    ///
    /// # Errors
    /// [`BuildError::Following`] for nothing, and beyond five seconds.
    pub fn follow_every(&self) -> Result<Duration, BuildError> {
        match self.follow_seconds {
            seconds @ 1..=5 => Ok(Duration::from_secs(seconds)),
            _ => Err(BuildError::Following),
        }
    }

    /// For how long a broker goes on that cannot read the log.
    ///
    /// # Errors
    /// [`BuildError::StrictStaleness`] beyond ten seconds for strict classes.
    pub fn staleness(&self) -> Result<StalenessBounds, BuildError> {
        StalenessBounds::new(
            Duration::from_secs(self.max_stale_seconds),
            Duration::from_secs(self.strict_stale_seconds),
        )
    }
}

impl Default for ViewSettings {
    /// One second, half an hour, ten seconds.
    fn default() -> Self {
        Self { follow_seconds: 1, max_stale_seconds: 1_800, strict_stale_seconds: 10 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_beyond_what_is_promised_are_refused() {
        let good = ViewSettings::default();
        assert_eq!(good.follow_every().unwrap(), Duration::from_secs(1));
        assert_eq!(good.staleness().unwrap(), StalenessBounds::default());
        for follow_seconds in [0, 6] {
            let bad = ViewSettings { follow_seconds, ..good };
            assert!(matches!(bad.follow_every(), Err(BuildError::Following)));
        }
        assert!(ViewSettings { strict_stale_seconds: 11, ..good }.staleness().is_err());
        assert!(serde_json::from_str::<ViewSettings>(r#"{"follow_second": 1}"#).is_err());
        assert!(serde_json::from_str::<QuotaSettings>(r#"{"per_user": 1}"#).is_err());
        let quotas: QuotaSettings = serde_json::from_str(r#"{"per_owner": 7}"#).unwrap();
        assert_eq!(Quotas::from(quotas), Quotas { per_owner: 7, ..Quotas::default() });
    }
}
