//! What an operator says about the shared tier, as it stands in configuration files.

mod redis;
mod sealing;

use std::path::PathBuf;
use std::sync::Arc;

use lakegate_domain::{Clock, Secret};
use serde::Deserialize;

pub use self::redis::RedisSettings;
pub(crate) use self::sealing::key_bytes;
pub use self::sealing::{SealingKeySettings, SealingSettings};
use crate::{RecordLog, RedbStore, StoreError, TokenStore};

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
