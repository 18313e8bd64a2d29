//! From settings to minters: everything that can be wrong is found here, at start.

use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, Secret};

use url::Url;

use super::place::https;
use super::{BaseSettings, Budgets, SourceSettings, StorageSettings};
use crate::gcs::source::{ImpersonationConfig, ImpersonationSource, KeyFileSource, MetadataSource, Source};
use crate::gcs::{GcsConfig, GcsMinter};
use crate::probe::Canary;
use crate::{ConfigError, HttpClient, HttpConfig, Minter, guard, guard_and_probe};

/// What parts of a storage's minter are made with.
struct Bench<'a> {
    settings: &'a StorageSettings,
    key_file: Option<&'a Secret>,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

impl StorageSettings {
    /// A minter for the storage with all wrappers around it. `key_file` is the content of
    /// [`SourceSettings::key_file`].
    ///
    /// # Errors
    /// What of the settings is not usable; found here, not at first use.
    pub fn minter(
        &self,
        key_file: Option<&Secret>,
        budgets: &mut Budgets,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn Minter>, ConfigError> {
        let bench = Bench { settings: self, key_file, http: self.http()?, clock };
        let minter = bench.minter()?;
        let budget = budgets.of(self)?;
        let Some(canary) = bench.canary()? else { return Ok(guard(minter, budget)) };
        let every = Duration::from_secs(self.canary_seconds.max(1));
        Ok(guard_and_probe(minter, budget, canary, every))
    }

    /// Everything that is wrong with the storage by itself, by the key at fault.
    pub(super) fn problems(
        &self,
        key_file: Option<&Secret>,
        clock: &Arc<dyn Clock>,
    ) -> Vec<(&'static str, ConfigError)> {
        let http = match self.http() {
            Ok(http) => http,
            Err(problem) => return vec![("extra_hosts", problem)],
        };
        let bench = Bench { settings: self, key_file, http, clock: Arc::clone(clock) };
        let source = bench.source().err().map(|problem| ("source", problem));
        let sts = bench.sts().err().map(|problem| ("sts_url", problem));
        let canary = bench.canary().err().map(|problem| ("storage_url", problem));
        source.into_iter().chain(sts).chain(canary).collect()
    }

    /// A client that may go to the services of the storage's universe besides Google's own.
    fn http(&self) -> Result<HttpClient, ConfigError> {
        let mut extra_hosts = self.extra_hosts.clone();
        let services = ["sts", "iamcredentials", "storage", "oauth2"];
        extra_hosts.extend(services.map(|service| self.universe_domain.host(service)));
        extra_hosts.extend(self.sts_region.iter().map(|region| self.universe_domain.regional_sts(region)));
        HttpClient::new(HttpConfig { extra_hosts, ..HttpConfig::default() })
    }
}

impl Bench<'_> {
    fn minter(&self) -> Result<Arc<dyn Minter>, ConfigError> {
        let (clock, http) = (Arc::clone(&self.clock), self.http.clone());
        Ok(Arc::new(GcsMinter::new(GcsConfig::new(self.sts()?, clock, self.source()?, http))?))
    }

    /// The token service's address, held against the hosts that may see source tokens.
    fn sts(&self) -> Result<Url, ConfigError> {
        let sts_url = match (&self.settings.sts_url, &self.settings.sts_region) {
            (Some(_), Some(_)) => return Err(ConfigError::Conflict("sts_url and sts_region are both given")),
            (Some(url), None) => url.clone(),
            (None, Some(region)) => {
                https("sts_region", &self.settings.universe_domain.regional_sts(region), "/v1/token")?
            }
            (None, None) => https("sts_url", &self.settings.universe_domain.host("sts"), "/v1/token")?,
        };
        GcsMinter::check_endpoint(&sts_url, &self.http)?;
        Ok(sts_url)
    }

    fn source(&self) -> Result<Arc<dyn Source>, ConfigError> {
        match &self.settings.source {
            SourceSettings::KeyFile { .. } => self.key_file(),
            SourceSettings::MetadataServer { account, host } => self.metadata(host.as_deref(), account),
            SourceSettings::Impersonation {
                key_file,
                base,
                metadata_host,
                account,
                iam_url,
                life_seconds,
            } => {
                let base = match (key_file, base) {
                    (Some(_), None) if metadata_host.is_none() => self.key_file()?,
                    (None, Some(BaseSettings::MetadataServer)) => {
                        self.metadata(metadata_host.as_deref(), "default")?
                    }
                    _ => return Err(ConfigError::Conflict(ONE_BASE)),
                };
                let iam_url = match iam_url {
                    Some(url) => url.clone(),
                    None => https("iam_url", &self.settings.universe_domain.host("iamcredentials"), "/")?,
                };
                let config = ImpersonationConfig {
                    longest_life: Duration::from_secs(*life_seconds),
                    ..ImpersonationConfig::new(iam_url, account.clone())
                };
                let (http, clock) = (self.http.clone(), Arc::clone(&self.clock));
                Ok(Arc::new(ImpersonationSource::new(config, base, http, clock)?))
            }
        }
    }

    fn key_file(&self) -> Result<Arc<dyn Source>, ConfigError> {
        let key_file = self.key_file.ok_or(ConfigError::KeyFile("is missing"))?;
        let (http, clock) = (self.http.clone(), Arc::clone(&self.clock));
        let universe = self.settings.universe_domain.as_str();
        Ok(Arc::new(KeyFileSource::in_universe(universe, key_file, http, clock)?))
    }

    fn metadata(&self, host: Option<&str>, account: &str) -> Result<Arc<dyn Source>, ConfigError> {
        let (http, clock) = (self.http.clone(), Arc::clone(&self.clock));
        Ok(Arc::new(MetadataSource::new(host, account, http, clock)?))
    }

    fn canary(&self) -> Result<Option<Canary>, ConfigError> {
        let Some(object) = &self.settings.canary else { return Ok(None) };
        let storage = match &self.settings.storage_url {
            Some(url) => url.clone(),
            None => https("storage_url", &self.settings.universe_domain.host("storage"), "/")?,
        };
        Ok(Some(Canary::new(self.http.clone(), &storage, object.clone())?))
    }
}

/// Who impersonates must be said exactly once.
const ONE_BASE: &str =
    "impersonation wants either key_file, or base = \"metadata-server\" and perhaps metadata_host";
