//! The generator's configuration: a file, overlaid by the environment, overlaid by flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use lakegate_sts::settings::StorageSettings;
use lakegate_token_store::settings::{SealingSettings, StoreSettings};
use serde::Deserialize;

/// Everything an operator says. Unknown keys stop the start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorConfig {
    /// The admin port: `/livez`, `/readyz`, `/metrics`.
    pub admin_listen: SocketAddr,
    /// The name of this deployment; as in the brokers' configuration.
    pub cluster: String,
    /// The policy document, YAML or JSON by its ending.
    pub policy_file: PathBuf,
    /// Seconds between looks at the document.
    #[serde(default = "two")]
    pub policy_reload_seconds: u64,
    /// The shared tier.
    pub store: StoreSettings,
    /// The keys that seal it; as in the brokers' configuration.
    pub sealing: SealingSettings,
    /// The storages and their source credentials.
    pub storages: Vec<StorageSettings>,
    /// Buckets with the broker's own policy, audit or state, `gs://name`: nothing is minted for them.
    #[serde(default)]
    pub own_buckets: Vec<String>,
    /// Scopes worked on at once.
    #[serde(default = "eight")]
    pub workers: usize,
}

fn two() -> u64 {
    2
}

fn eight() -> usize {
    8
}
