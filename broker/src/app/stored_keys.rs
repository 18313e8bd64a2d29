//! Delegation keys that the brokers keep in the store.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use lakegate_domain::Clock;
use lakegate_host::{Readiness, files};
use prometheus::Registry;

use super::shared::Logs;
use crate::delegation::KeyLogMetrics;
use crate::{BrokerConfig, DelegationKeys, KeyLog, KeyLogParts};

/// Begins to follow the log of keys; none where keys come from files. A broker without keys is not ready.
pub(super) fn follow(
    config: &BrokerConfig,
    logs: Option<&Logs>,
    clock: &Arc<dyn Clock>,
    registry: &Registry,
    readiness: &Readiness,
) -> Result<Option<(DelegationKeys, KeyLog)>> {
    let (Some(delegation), Some(logs)) = (&config.delegation, logs) else { return Ok(None) };
    let Some(terms) = delegation.roll()? else { return Ok(None) };
    let parts = KeyLogParts {
        log: Arc::clone(&logs.keys),
        cluster: config.cluster.clone(),
        terms,
        also: delegation.file_keys(|path: &Path| -> Result<_> {
            files::read_secret_text(path).with_context(|| path.display().to_string())
        })?,
        clock: Arc::clone(clock),
    };
    let (keys, log) = KeyLog::start(parts)?;
    registry.register(Box::new(KeyLogMetrics::of(&log, &keys)?))?;
    let known = keys.clone();
    readiness.require("delegation_keys", move || !known.current().is_waiting());
    Ok(Some((keys, log)))
}
