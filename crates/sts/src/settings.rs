//! What an operator says about a storage's source credential, as it stands in configuration files.

mod budgets;
pub mod checks;
mod making;
mod place;

use std::path::{Path, PathBuf};

use lakegate_domain::{ObjectPath, StorageId};
use serde::Deserialize;
use url::Url;

pub use budgets::{Budgets, Spending};
pub use place::{Region, UniverseDomain};

/// A storage, by the name it has in the policy, and where its tokens come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    /// Its name.
    pub id: StorageId,
    /// Where source tokens come from.
    pub source: SourceSettings,
    /// The cloud's token service; that of `universe_domain` and `sts_region`, when absent.
    #[serde(default)]
    pub sts_url: Option<Url>,
    /// The region whose token service is asked; none for the global one.
    #[serde(default)]
    pub sts_region: Option<Region>,
    /// The cloud that source, token service and storage belong to; Google's own, when absent.
    #[serde(default)]
    pub universe_domain: UniverseDomain,
    /// The name of the budget that this storage spends from. Storages with one name, or without one and with the
    /// same credential, share one budget: the cloud counts calls per project, not per storage.
    #[serde(default)]
    pub budget: Option<String>,
    /// An object that exists in no dataset and that the source may read, `gs://bucket/name`: fresh tokens are tried
    /// on it, and when one opens it nothing more is handed out. Without it nobody looks.
    #[serde(default)]
    pub canary: Option<ObjectPath>,
    /// Seconds between two looks.
    #[serde(default = "five_minutes")]
    pub canary_seconds: u64,
    /// Where the canary is; Google Cloud Storage, when absent.
    #[serde(default)]
    pub storage_url: Option<Url>,
    /// Calls a minute that the token service allows the source's project.
    #[serde(default = "six_thousand")]
    pub sts_calls_per_minute: u32,
    /// Seconds after the start before the first call is spent, since the process before may have spent the window.
    #[serde(default = "one_window")]
    pub settle_seconds: u64,
    /// Hosts that may see credentials besides Google's own: private or sovereign endpoints.
    #[serde(default)]
    pub extra_hosts: Vec<String>,
}

/// Where source tokens come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SourceSettings {
    /// A service-account key file. Its tokens live an hour and cannot end early.
    KeyFile {
        /// The file, readable by its owner only.
        path: PathBuf,
    },
    /// The account of the machine that this process runs on. Its tokens live an hour or less, and can neither end early
    /// nor be renewed early.
    MetadataServer {
        /// `default`, or the e-mail address of one of the machine's accounts.
        #[serde(default = "default_account")]
        account: String,
        /// `metadata.google.internal`, when absent.
        #[serde(default)]
        host: Option<String>,
    },
    /// An account that another one impersonates: tokens live as long as they should.
    Impersonation {
        /// The key file of the account that impersonates, readable by its owner only.
        #[serde(default)]
        key_file: Option<PathBuf>,
        /// The account that impersonates, when it has no key file.
        #[serde(default)]
        base: Option<BaseSettings>,
        /// Where the metadata server is, when it is the base; `metadata.google.internal`, when absent.
        #[serde(default)]
        metadata_host: Option<String>,
        /// The account whose rights tokens have, before they are cut down.
        account: String,
        /// Google's IAM credentials service, when absent.
        #[serde(default)]
        iam_url: Option<Url>,
        /// Seconds that tokens live; more than an hour needs an organisation policy.
        #[serde(default = "one_hour")]
        life_seconds: u64,
    },
}

/// An account that impersonates without a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseSettings {
    /// The default account of the machine that this process runs on.
    MetadataServer,
}

impl SourceSettings {
    /// The file with the source's secret, if it has one.
    pub fn key_file(&self) -> Option<&Path> {
        match self {
            Self::KeyFile { path } => Some(path),
            Self::MetadataServer { .. } => None,
            Self::Impersonation { key_file, .. } => key_file.as_deref(),
        }
    }
}

fn default_account() -> String {
    "default".to_owned()
}

fn five_minutes() -> u64 {
    300
}

fn six_thousand() -> u32 {
    6_000
}

fn one_window() -> u64 {
    60
}

fn one_hour() -> u64 {
    3_600
}
