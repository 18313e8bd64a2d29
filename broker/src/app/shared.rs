//! The shared tier and the logs beside it: one store, one set of sealing keys, which follow their ring if they stand in
//! one.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use lakegate_domain::{Clock, Secret};
use lakegate_host::files::{self, Contents, FileSet};
use lakegate_host::reload::Item;
use lakegate_host::{Readiness, Reloads};
use lakegate_token_store::{LogName, RecordLog, SealedLog, SealedTokens, SealingKeys};

use super::following::text_of;
use crate::BrokerConfig;

/// The keys that seal.
const SEALING_KEYS: &str = "sealing-keys";

/// What a broker shares with others.
pub(super) struct Shared {
    pub(super) tokens: Arc<SealedTokens>,
    /// There where delegation tokens are.
    pub(super) logs: Option<Logs>,
}

/// The logs that brokers follow.
#[derive(Clone)]
pub(super) struct Logs {
    /// Keys that sign delegation tokens.
    pub(super) keys: Arc<SealedLog>,
    /// What becomes of delegation tokens.
    pub(super) tokens: Arc<SealedLog>,
}

/// Opens the store and joins it with the sealing keys.
pub(super) async fn open(config: &BrokerConfig, clock: &Arc<dyn Clock>, reloads: &Reloads) -> Result<Shared> {
    let read = |path: &Path| -> Result<_> { Ok(files::read_secret_text(path)?) };
    let now = Arc::clone(clock);
    let (store, logs) = if config.delegation.is_some() {
        let (store, logs) = config.store.open_with_logs(now, read).await.context("store")?;
        (store, Some(logs))
    } else {
        (config.store.open(now, read).await.context("store")?, None)
    };
    let sealing = &config.sealing;
    let (files, contents) = match &sealing.ring {
        Some(ring) => {
            let files = FileSet::new().secret(ring);
            let contents = files.read().context("sealing")?;
            (Some(files), Some(contents))
        }
        None => (None, None),
    };
    // Each user of the keys has subkeys of its own, and reads them for itself.
    let keys = || -> Result<SealingKeys> {
        let text = |path: &Path| -> Result<Secret> {
            contents.as_ref().map_or_else(|| Ok(files::read_secret_text(path)?), text_of)
        };
        sealing.keys(text).context("sealing")
    };
    let cluster = &config.cluster;
    let tokens = Arc::new(SealedTokens::new(store, keys()?, cluster, Arc::clone(clock)).context("sealing")?);
    let log = |logs: &Arc<dyn RecordLog>, name| -> Result<_> {
        Ok(Arc::new(SealedLog::new(Arc::clone(logs), name, keys()?, cluster).context("sealing")?))
    };
    let logs = match logs {
        Some(logs) => Some(Logs {
            keys: log(&logs, LogName::DelegationKeys)?,
            tokens: log(&logs, LogName::DelegationTokens)?,
        }),
        None => None,
    };
    let shared = Shared { tokens, logs };
    if let (Some(files), Some(contents)) = (files, &contents) {
        let rotate = shared.rotation();
        let take = Arc::new(move |contents: &Contents| Ok(rotate(contents)?));
        reloads.follow(Item { name: SEALING_KEYS, files, in_force: contents.digest(), take });
    }
    Ok(shared)
}

impl Shared {
    /// A broker that starts without its store is not ready.
    pub(super) fn require(&self, readiness: &Readiness) {
        let tokens = Arc::clone(&self.tokens);
        readiness.require("store", move || tokens.health().reached);
    }

    /// Puts other sealing keys into force everywhere.
    fn rotation(&self) -> impl Fn(&Contents) -> Result<()> + Send + Sync + use<> {
        let (tokens, logs) = (Arc::clone(&self.tokens), self.logs.clone());
        move |contents| {
            let keys = || -> Result<_> { Ok(SealingKeys::from_ring(&text_of(contents)?)?) };
            tokens.rotate(keys()?)?;
            let mut logs = logs.iter().flat_map(|Logs { keys, tokens }| [keys, tokens]);
            logs.try_for_each(|log| Ok(log.rotate(keys()?)?))
        }
    }
}
