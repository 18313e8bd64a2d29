//! What an operator says about acting for others and about groups.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::{Canary, PrincipalPattern, SystemBounds, Whose};

/// Acting for others. Without it nobody acts for anybody.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActingSettings {
    /// The file with the rules, followed while the broker runs.
    #[serde(default)]
    pub rules: Option<PathBuf>,
    /// Seconds for which rules serve whose file cannot be read or is refused.
    #[serde(default = "half_an_hour")]
    pub max_stale_seconds: u64,
    /// Who gets nothing, whatever policy or rules say; more may stand in the file.
    #[serde(default)]
    pub blocked: Vec<PrincipalPattern>,
    /// A proxy that acts for more principals than this in an hour raises an alarm.
    #[serde(default = "thousand")]
    pub alarm_above: usize,
    /// So does an address whose callers are, or name, more principals than this.
    #[serde(default = "thousand")]
    pub address_alarm_above: usize,
}

impl Default for ActingSettings {
    fn default() -> Self {
        Self {
            rules: None,
            max_stale_seconds: half_an_hour(),
            blocked: Vec::new(),
            alarm_above: thousand(),
            address_alarm_above: thousand(),
        }
    }
}

/// Groups from outside the policy document.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsSettings {
    /// A file.
    #[serde(default)]
    pub file: Option<FileGroupsSettings>,
    /// The operating system.
    #[serde(default)]
    pub system: Option<SystemGroupsSettings>,
}

/// Groups from a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileGroupsSettings {
    /// The file, followed while the broker runs.
    pub path: PathBuf,
    /// Whose groups stand in it; everybody's when missing.
    #[serde(default)]
    pub principals: Option<Vec<PrincipalPattern>>,
    /// Seconds for which it serves when it cannot be read or is refused.
    #[serde(default = "half_an_hour")]
    pub max_stale_seconds: u64,
}

impl FileGroupsSettings {
    /// Whose groups stand in it.
    pub fn whose(&self) -> Whose {
        self.principals.clone().map_or(Whose::Everybody, Whose::These)
    }
}

/// Groups from the operating system: `getgrouplist`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemGroupsSettings {
    /// Whose groups it knows; those of all principals without a kind when missing.
    #[serde(default)]
    pub principals: Option<Vec<PrincipalPattern>>,
    /// Who must be known for an answer to be believed: a user and a group of each directory behind the system.
    #[serde(default)]
    pub canaries: Vec<Canary>,
    /// Seconds after which an answer is renewed when it is used; a change of groups is in force after twice that.
    #[serde(default = "half_a_minute")]
    pub refresh_seconds: NonZeroU64,
    /// Seconds for which an answer serves when no new one comes.
    #[serde(default = "ten_minutes")]
    pub max_stale_seconds: u64,
    /// Milliseconds for which a request waits for an answer.
    #[serde(default = "two_thousand")]
    pub patience_millis: NonZeroU64,
}

impl SystemGroupsSettings {
    /// Whose groups it knows.
    pub fn whose(&self) -> Whose {
        self.principals.clone().map_or(Whose::Bare, Whose::These)
    }

    /// How old answers may be, and how long one may take.
    ///
    /// # Errors
    /// [`TooShort`] when answers would be too old before they are renewed.
    pub fn bounds(&self) -> Result<SystemBounds, TooShort> {
        if self.max_stale_seconds < self.refresh_seconds.get().saturating_mul(2) {
            return Err(TooShort);
        }
        Ok(SystemBounds {
            refresh: Duration::from_secs(self.refresh_seconds.get()),
            max_stale: Duration::from_secs(self.max_stale_seconds),
            patience: Duration::from_millis(self.patience_millis.get()),
        })
    }
}

/// Answers would be unknown before new ones are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("less than twice refresh_seconds: an answer is unknown before a new one is waited for")]
pub struct TooShort;

fn half_an_hour() -> u64 {
    1800
}

fn ten_minutes() -> u64 {
    600
}

fn thousand() -> usize {
    1_000
}

fn half_a_minute() -> NonZeroU64 {
    const { NonZeroU64::new(30).unwrap() }
}

fn two_thousand() -> NonZeroU64 {
    const { NonZeroU64::new(2_000).unwrap() }
}
