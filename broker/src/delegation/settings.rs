//! What an operator says about delegation tokens.

mod state;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lakegate_delegation::{
    DelegationKey, IssueError, KeyError, KeyId, KeyLife, KeyRing, LONGEST_GRACE, RenewalTerms, RollTerms,
    Terms,
};
use lakegate_domain::Secret;
use serde::Deserialize;

use super::StoredKeySettings;
pub use state::{QuotaSettings, ViewSettings};

/// Delegation tokens: without this table none is issued or believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationSettings {
    /// The file of the key ring, readable by its owner only and followed while the broker runs; see
    /// [`KeyRing::from_text`]. Without it, keys stay until a restart.
    #[serde(default)]
    pub ring: Option<PathBuf>,
    /// The id of the key that signs; one of `keys`.
    #[serde(default)]
    pub current: Option<u32>,
    /// Every key whose tokens are believed. A new key stands here, on all brokers, before it becomes `current`; an old
    /// one until the last token that it signed has ended.
    #[serde(default)]
    pub keys: Vec<DelegationKeySettings>,
    /// Keys that the brokers make and keep in the store. `keys` may stand beside it, for tokens from before; they only
    /// verify.
    #[serde(default)]
    pub stored: Option<StoredKeySettings>,
    /// Seconds until a token must be renewed.
    #[serde(default = "day")]
    pub renew_interval_seconds: u64,
    /// Seconds beyond which no renewal goes.
    #[serde(default = "week")]
    pub max_life_seconds: u64,
    /// Seconds by which the clock of the broker that issued a token may be ahead.
    #[serde(default = "half_a_minute")]
    pub skew_seconds: u64,
    /// Seconds for which a token may still be renewed after its date, as some of Hadoop's services allow; each such
    /// renewal is on record. 3600 at most.
    #[serde(default)]
    pub hadoop_compat_grace_seconds: u64,
    /// The least epoch of the log of delegation tokens. Raise it on all brokers after the store was restored from a
    /// backup: every token issued before is refused from then on.
    #[serde(default)]
    pub store_epoch: u32,
    /// How many tokens there may be.
    #[serde(default)]
    pub quotas: QuotaSettings,
    /// How the log of delegation tokens is followed.
    #[serde(default)]
    pub view: ViewSettings,
}

/// One key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationKeySettings {
    /// Its id, at most 2,147,483,647; never reuse one.
    pub id: u32,
    /// The file that holds it: 64 hexadecimal digits, readable by its owner only.
    pub file: PathBuf,
}

impl DelegationSettings {
    /// Joins the keys; `read` reads one secret file.
    ///
    /// # Errors
    /// What `read` says, or a [`KeyError`] for keys that are no ring and settings that name none or two.
    pub fn ring<E: From<KeyError>>(
        &self,
        cluster: &str,
        read: impl Fn(&Path) -> Result<Secret, E>,
    ) -> Result<KeyRing, E> {
        match (&self.ring, self.current, self.keys.as_slice(), &self.stored) {
            (Some(ring), None, [], None) => return Ok(KeyRing::from_text(cluster, &read(ring)?)?),
            (None, Some(_), _, None) => {}
            _ => return Err(KeyError::Settings.into()),
        }
        let life = |id| if Some(id) == self.current { KeyLife::Current } else { KeyLife::Verifying };
        let keys = self.file_keys(read)?.into_iter().map(|key| {
            let life = life(key.id().as_u32());
            (key, life)
        });
        Ok(KeyRing::new(cluster, keys)?)
    }

    /// The keys in files of their own; `read` reads one of them.
    ///
    /// # Errors
    /// What `read` says, or a [`KeyError`] for a text that is no key.
    pub fn file_keys<E: From<KeyError>>(
        &self,
        read: impl Fn(&Path) -> Result<Secret, E>,
    ) -> Result<Vec<DelegationKey>, E> {
        let key = |settings: &DelegationKeySettings| -> Result<_, E> {
            Ok(DelegationKey::from_hex(KeyId::new(settings.id)?, &read(&settings.file)?)?)
        };
        self.keys.iter().map(key).collect()
    }

    /// When the keys change that brokers make; none where they come from files.
    ///
    /// # Errors
    /// [`KeyError::Settings`] when there is another place of keys as well, or [`KeyError::Roll`].
    pub fn roll(&self) -> Result<Option<RollTerms>, KeyError> {
        let Some(stored) = &self.stored else { return Ok(None) };
        if self.ring.is_some() || self.current.is_some() {
            return Err(KeyError::Settings);
        }
        stored.terms(Duration::from_secs(self.max_life_seconds), self.skew()).map(Some)
    }

    /// How long tokens live, and how long after its date one may still be renewed.
    ///
    /// # Errors
    /// [`IssueError::Terms`] when the interval is nothing or longer than the life, or the grace is too long.
    pub fn terms(&self) -> Result<RenewalTerms, IssueError> {
        let (interval, life) = (self.renew_interval_seconds, self.max_life_seconds);
        let terms = Terms::new(Duration::from_secs(interval), Duration::from_secs(life))?;
        let grace = Duration::from_secs(self.hadoop_compat_grace_seconds);
        if grace > LONGEST_GRACE { Err(IssueError::Terms) } else { Ok(RenewalTerms { terms, grace }) }
    }

    /// How far another broker's clock may be ahead.
    pub fn skew(&self) -> Duration {
        Duration::from_secs(self.skew_seconds)
    }
}

fn day() -> u64 {
    86_400
}

fn week() -> u64 {
    604_800
}

fn half_a_minute() -> u64 {
    30
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(current: u32, ids: &[u32]) -> DelegationSettings {
        let key = |id: &u32| DelegationKeySettings { id: *id, file: id.to_string().into() };
        DelegationSettings {
            ring: None,
            current: Some(current),
            keys: ids.iter().map(key).collect(),
            stored: None,
            renew_interval_seconds: day(),
            max_life_seconds: week(),
            skew_seconds: half_a_minute(),
            hadoop_compat_grace_seconds: 0,
            store_epoch: 0,
            quotas: QuotaSettings::default(),
            view: ViewSettings::default(),
        }
    }

    fn ring(settings: &DelegationSettings) -> Result<KeyRing, KeyError> {
        settings.ring("lake", |file| {
            let byte = file.to_str().and_then(|name| name.parse::<u8>().ok()).unwrap_or(0);
            Ok(Secret::new(format!("{byte:02x}").repeat(32)))
        })
    }

    #[test]
    fn one_of_several_keys_signs_and_all_verify() {
        let ring = ring(&settings(2, &[1, 2])).unwrap();
        let lives: Vec<_> = ring.lives().map(|(id, life)| (id.as_u32(), life)).collect();
        assert_eq!(lives, [(1, KeyLife::Verifying), (2, KeyLife::Current)]);
        assert_eq!(ring.current().unwrap().as_u32(), 2);
    }

    #[test]
    fn a_current_key_that_is_not_there_and_an_id_used_twice_are_errors() {
        assert_eq!(ring(&settings(3, &[1, 2])).err(), Some(KeyError::Current));
        assert_eq!(ring(&settings(1, &[1, 2, 2])).err(), Some(KeyError::DuplicateId));
        assert_eq!(ring(&settings(1, &[1, 1 << 31])).err(), Some(KeyError::Id));
        assert_eq!(ring(&settings(1, &[])).err(), Some(KeyError::Current));
    }

    #[test]
    fn keys_come_from_a_ring_or_from_files_of_their_own_and_never_from_both() {
        let text = |_: &Path| Ok::<_, KeyError>(Secret::new(format!("signs 7 {}", "0f".repeat(32))));
        let from = |json: &str| serde_json::from_str::<DelegationSettings>(json).unwrap().ring("lake", text);
        assert_eq!(from(r#"{"ring": "r"}"#).unwrap().current().unwrap().as_u32(), 7);
        for bad in [
            "{}",
            r#"{"ring": "r", "current": 1}"#,
            r#"{"ring": "r", "keys": [{"id": 1, "file": "k"}]}"#,
            r#"{"keys": [{"id": 1, "file": "k"}]}"#,
        ] {
            assert_eq!(from(bad).err(), Some(KeyError::Settings), "{bad}");
        }
    }

    #[test]
    fn keys_are_made_by_brokers_only_where_that_is_the_only_place_that_signs() {
        let from = |json: &str| serde_json::from_str::<DelegationSettings>(json).unwrap();
        assert_eq!(from(r#"{"ring": "r"}"#).roll(), Ok(None));
        assert!(from(r#"{"stored": {}}"#).roll().unwrap().is_some());
        let moving = from(r#"{"stored": {}, "keys": [{"id": 1, "file": "k"}]}"#);
        assert!(moving.roll().unwrap().is_some());
        let read = |_: &Path| Ok::<_, KeyError>(Secret::new("0f".repeat(32)));
        assert_eq!(moving.file_keys(read).unwrap().len(), 1);
        for bad in [r#"{"stored": {}, "ring": "r"}"#, r#"{"stored": {}, "current": 1, "keys": []}"#] {
            assert_eq!(from(bad).roll(), Err(KeyError::Settings), "{bad}");
            assert_eq!(from(bad).ring("lake", read).err(), Some(KeyError::Settings), "{bad}");
        }
        let hasty = r#"{"stored": {"roll_seconds": 3600, "distribution_seconds": 3600}}"#;
        assert_eq!(from(hasty).roll(), Err(KeyError::Roll));
        assert!(serde_json::from_str::<DelegationSettings>(r#"{"stored": {"roll": 1}}"#).is_err());
    }

    #[test]
    fn unknown_keys_are_refused_and_lives_have_defaults() {
        let read = |text: &str| serde_json::from_str::<DelegationSettings>(text);
        let good = read(r#"{"current": 1, "keys": [{"id": 1, "file": "k"}]}"#).unwrap();
        assert!(good.terms().is_ok());
        assert_eq!(good.skew(), Duration::from_secs(30));
        assert!(read(r#"{"current": 1, "keys": [], "renew_intervall_seconds": 1}"#).is_err());
        assert!(read(r#"{"current": 1, "keys": [{"id": 1, "file": "k", "life": "x"}]}"#).is_err());
        assert!(DelegationSettings { max_life_seconds: 1, ..good.clone() }.terms().is_err());
        assert!(DelegationSettings { hadoop_compat_grace_seconds: 3600, ..good.clone() }.terms().is_ok());
        assert!(DelegationSettings { hadoop_compat_grace_seconds: 3601, ..good }.terms().is_err(), "dt11");
    }
}
