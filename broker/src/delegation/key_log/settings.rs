//! What an operator says about keys that brokers make themselves.

use std::time::Duration;

use lakegate_delegation::{KeyError, RollTerms};
use serde::Deserialize;

/// Keys that are kept in the store, sealed, and made by the brokers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredKeySettings {
    /// Seconds for which a key signs.
    #[serde(default = "day")]
    pub roll_seconds: u64,
    /// Seconds for which a key stands in the store before it signs: longer than any broker is cut off from the store
    /// and still serves.
    #[serde(default = "hour")]
    pub distribution_seconds: u64,
    /// Keys with lower ids are out of force, with all that they signed, and a new one signs at once: what to do when a
    /// key may have leaked. The same on all brokers.
    #[serde(default)]
    pub least_key_id: u32,
}

impl StoredKeySettings {
    /// When keys change, for tokens of this life.
    ///
    /// # Errors
    /// [`KeyError::Roll`] when a key would sign before it was distributed.
    pub fn terms(&self, max_life: Duration, skew: Duration) -> Result<RollTerms, KeyError> {
        let [roll, distribution] = [self.roll_seconds, self.distribution_seconds].map(Duration::from_secs);
        Ok(RollTerms::new(roll, distribution, max_life, skew)?.without_below(self.least_key_id))
    }
}

fn day() -> u64 {
    86_400
}

fn hour() -> u64 {
    3_600
}
