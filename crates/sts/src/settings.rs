//! What an operator says about a storage's source credential, as it stands in configuration files.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, Secret, StorageId};
use serde::Deserialize;
use url::Url;

use crate::gcs::source::{ImpersonationConfig, ImpersonationSource, KeyFileSource, Source};
use crate::gcs::{GcsConfig, GcsMinter};
use crate::{Budget, ConfigError, HttpClient, HttpConfig, Minter, guard};

/// Google's IAM credentials service.
const IAM_URL: &str = "https://iamcredentials.googleapis.com";

/// The part of a storage's budget that one process may spend.
#[derive(Debug, Clone, Copy)]
pub struct Spending {
    /// The percentage of all calls: the reserve is 20, pre-fill is 80.
    pub percent: u32,
    /// The processes that divide this percentage.
    pub over: NonZeroU32,
}

/// A storage, by the name it has in the policy, and where its tokens come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    /// Its name.
    pub id: StorageId,
    /// Where source tokens come from.
    pub source: SourceSettings,
    /// The cloud's token service; Google's, when absent.
    #[serde(default)]
    pub sts_url: Option<Url>,
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
    /// An account that the key file's account impersonates: tokens live as long as they should.
    Impersonation {
        /// The file, readable by its owner only.
        key_file: PathBuf,
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

impl SourceSettings {
    /// The file with the source's secret.
    pub fn key_file(&self) -> &Path {
        match self {
            Self::KeyFile { path } | Self::Impersonation { key_file: path, .. } => path,
        }
    }
}

impl StorageSettings {
    /// A minter for the storage with all wrappers around it. `key_file` is the content of
    /// [`SourceSettings::key_file`].
    ///
    /// # Errors
    /// What of the settings is not usable; found here, not at first use.
    pub fn minter(
        &self,
        key_file: &Secret,
        spending: Spending,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn Minter>, ConfigError> {
        let http =
            HttpClient::new(HttpConfig { extra_hosts: self.extra_hosts.clone(), ..HttpConfig::default() })?;
        let source = self.source(key_file, &http, &clock)?;
        let sts_url = default_url(self.sts_url.as_ref(), GcsConfig::STS_URL, "sts_url")?;
        let minter = Arc::new(GcsMinter::new(GcsConfig::new(sts_url, clock, source, http))?);
        let share = Budget::share(self.sts_calls_per_minute, spending.percent, spending.over)?;
        Ok(guard(minter, Arc::new(Budget::new(share, Duration::from_secs(self.settle_seconds)))))
    }

    fn source(
        &self,
        key_file: &Secret,
        http: &HttpClient,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn Source>, ConfigError> {
        let base = Arc::new(KeyFileSource::new(key_file, http.clone(), Arc::clone(clock))?);
        let SourceSettings::Impersonation { account, iam_url, life_seconds, .. } = &self.source else {
            return Ok(base);
        };
        let iam_url = default_url(iam_url.as_ref(), IAM_URL, "iam_url")?;
        let config = ImpersonationConfig {
            longest_life: Duration::from_secs(*life_seconds),
            ..ImpersonationConfig::new(iam_url, account.clone())
        };
        Ok(Arc::new(ImpersonationSource::new(config, base, http.clone(), Arc::clone(clock))?))
    }
}

fn default_url(configured: Option<&Url>, default: &str, name: &'static str) -> Result<Url, ConfigError> {
    let invalid = |_| ConfigError::Endpoint { name, problem: crate::EndpointProblem::Scheme };
    configured.map_or_else(|| Url::parse(default).map_err(invalid), |url| Ok(url.clone()))
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
