//! What an operator says about the shared tier, as it stands in configuration files.

mod redis;

use std::path::PathBuf;
use std::sync::Arc;

use lakegate_domain::{Clock, Secret};
use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::redis::RedisSettings;
use crate::{RecordLog, RedbStore, SealingKey, SealingKeys, StoreError, TokenStore};

/// Which store.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StoreSettings {
    /// A file of this process's own. No other process can open it.
    Embedded {
        /// The file; made when it is not there.
        path: PathBuf,
    },
    /// Redis 7 or Valkey, shared by all brokers and generators.
    Redis(Box<RedisSettings>),
}

impl StoreSettings {
    /// Opens the store; `read` reads one secret file. A server that is out of reach is no error: the store's
    /// health tells when it came.
    ///
    /// # Errors
    /// What `read` says, or what an operator has to mend: a file, a setting, a certificate, a password, rights.
    pub async fn open<E: From<StoreError>>(
        &self,
        clock: Arc<dyn Clock>,
        read: impl Fn(&std::path::Path) -> Result<Secret, E>,
    ) -> Result<Arc<dyn TokenStore>, E> {
        match self {
            Self::Embedded { path } => Ok(Arc::new(RedbStore::open(path, clock)?)),
            Self::Redis(settings) => Ok(Arc::new(settings.open(clock, read).await?)),
        }
    }

    /// Opens the store and its logs, which have a connection of their own; else as [`StoreSettings::open`].
    ///
    /// # Errors
    /// As there.
    pub async fn open_with_logs<E: From<StoreError>>(
        &self,
        clock: Arc<dyn Clock>,
        read: impl Fn(&std::path::Path) -> Result<Secret, E>,
    ) -> Result<(Arc<dyn TokenStore>, Arc<dyn RecordLog>), E> {
        match self {
            Self::Embedded { path } => {
                let store = RedbStore::open(path, clock)?;
                Ok((Arc::new(store.clone()), Arc::new(store)))
            }
            Self::Redis(settings) => {
                let logs = settings.open_logs(&read).await?;
                Ok((Arc::new(settings.open(clock, read).await?), Arc::new(logs)))
            }
        }
    }
}

/// The keys that seal values in the store: a key ring, which is followed while the process runs, or keys that stay
/// until a restart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingSettings {
    /// The file of the key ring, readable by its owner only; see [`SealingKeys::from_ring`].
    #[serde(default)]
    pub ring: Option<PathBuf>,
    /// Seals and opens.
    #[serde(default)]
    pub current: Option<SealingKeySettings>,
    /// Only opens, while a rotation is under way.
    #[serde(default)]
    pub previous: Option<SealingKeySettings>,
}

/// One sealing key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingKeySettings {
    /// Its id; never reuse one.
    pub id: u32,
    /// The file that holds it: 64 hexadecimal digits, readable by its owner only.
    pub file: PathBuf,
}

impl SealingKeySettings {
    /// Whether a text, read from the file, is a key.
    ///
    /// # Errors
    /// [`StoreError::KeyText`].
    pub fn check(&self, text: &Secret) -> Result<(), StoreError> {
        key_bytes(text.expose()).map(drop)
    }
}

impl SealingSettings {
    /// Joins the keys; `read` reads one secret file.
    ///
    /// # Errors
    /// What `read` says, [`StoreError::SealingSettings`], or what is wrong with a file: [`StoreError::KeyText`] when it
    /// is not 64 hexadecimal digits, and as [`SealingKeys::from_ring`].
    pub fn keys<E: From<StoreError>>(
        &self,
        read: impl Fn(&std::path::Path) -> Result<Secret, E>,
    ) -> Result<SealingKeys, E> {
        let key = |settings: &SealingKeySettings| -> Result<SealingKey, E> {
            Ok(SealingKey::from_bytes(settings.id, *key_bytes(read(&settings.file)?.expose())?))
        };
        match (&self.ring, &self.current, &self.previous) {
            (Some(ring), None, None) => Ok(SealingKeys::from_ring(&read(ring)?)?),
            (None, Some(current), previous) => {
                Ok(SealingKeys { current: key(current)?, previous: previous.as_ref().map(key).transpose()? })
            }
            _ => Err(StoreError::SealingSettings.into()),
        }
    }
}

/// The bytes of 64 hexadecimal digits.
pub(crate) fn key_bytes(text: &str) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let digits = text.trim();
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(StoreError::KeyText);
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| StoreError::KeyText)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| StoreError::KeyText)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits_and_nothing_else() {
        let good = "0f".repeat(32) + "\n";
        assert_eq!(*key_bytes(&good).unwrap(), [0x0f; 32]);
        for bad in ["", "0f", &"zz".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert!(key_bytes(bad).is_err(), "{bad}");
        }
    }
    #[test]
    fn keys_come_from_a_ring_or_from_files_of_their_own_and_never_from_both() {
        let read = |path: &std::path::Path| -> Result<Secret, StoreError> {
            let key = "0f".repeat(32);
            Ok(Secret::new(if path.ends_with("ring") { format!("seals 7 {key}") } else { key }))
        };
        let keys = |text: &str| toml::from_str::<SealingSettings>(text).unwrap().keys(read);
        assert_eq!(keys("ring = 'ring'").unwrap().current.id(), 7);
        let pair = keys("current = { id = 2, file = 'a' }\nprevious = { id = 1, file = 'b' }").unwrap();
        assert_eq!((pair.current.id(), pair.previous.unwrap().id()), (2, 1));
        for bad in
            ["", "previous = { id = 1, file = 'b' }", "ring = 'ring'\ncurrent = { id = 2, file = 'a' }"]
        {
            assert!(matches!(keys(bad), Err(StoreError::SealingSettings)), "{bad}");
        }
    }
}
