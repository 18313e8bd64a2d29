//! The emulated cloud, and minters that talk to it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_domain::Dialect;
use lakegate_sts::gcs::source::{
    ImpersonationConfig, ImpersonationSource, KeyFileSource, Source as TokenSource,
};
use lakegate_sts::gcs::{GcsConfig, GcsMinter};
use lakegate_sts::{Budget, HttpClient, HttpConfig, Minter, Roots, guard};

use super::Minters;
use crate::{Options, Source};

/// The account whose key the broker holds.
const BROKER_ACCOUNT: &str = "lakegate@emulated.iam.gserviceaccount.com";

/// The account that may use the buckets, and that the broker's account may impersonate.
const STORAGE_ACCOUNT: &str = "lake-storage@emulated.iam.gserviceaccount.com";

/// The parts of the budget in percent (design, invariant 7).
const RESERVE: u32 = 20;
const PREFILL: u32 = 80;

/// The emulated cloud and the two shares of its budget.
pub(super) struct Cloud {
    pub(super) emulator: Emulator,
    pub(super) reserve: Minters,
    pub(super) prefill: Minters,
}

/// Starts the cloud with the policy's buckets and makes minters for its storages.
pub(super) async fn start(options: &Options) -> Result<Cloud> {
    let broker = ServiceAccountKey::generate(BROKER_ACCOUNT)?;
    let storage = ServiceAccountKey::generate(STORAGE_ACCOUNT)?;
    let mut broker_account = broker.account();
    broker_account.may_impersonate = vec![STORAGE_ACCOUNT.to_owned()];
    let config = EmulatorConfig {
        buckets: options.policy.storages.iter().flat_map(|rule| rule.buckets.clone()).collect(),
        service_accounts: vec![broker_account, storage.account()],
        sts_per_minute: options.sts_per_minute,
        clock: Arc::clone(&options.clock),
        ..EmulatorConfig::default()
    };
    let emulator = Emulator::start(config).await?;
    let http = HttpClient::new(HttpConfig { roots: Roots::Only(Vec::new()), ..HttpConfig::default() })?;
    let minter = minter(options, &emulator.url(), &broker, http)?;
    let share = |percent| -> Result<Minters> {
        let share = Budget::share(options.sts_per_minute, percent, NonZeroU32::MIN)?;
        let guarded = guard(Arc::clone(&minter), Arc::new(Budget::new(share, Duration::ZERO)));
        Ok(storages(options).map(|id| (id, Arc::clone(&guarded))).collect())
    };
    Ok(Cloud { reserve: share(RESERVE)?, prefill: share(PREFILL)?, emulator })
}

fn storages(options: &Options) -> impl Iterator<Item = lakegate_domain::StorageId> {
    options.policy.storages.iter().filter(|rule| rule.dialect == Dialect::Gcs).map(|rule| rule.id.clone())
}

fn minter(
    options: &Options,
    url: &str,
    key: &ServiceAccountKey,
    http: HttpClient,
) -> Result<Arc<dyn Minter>> {
    let clock = Arc::clone(&options.clock);
    let key_file: Arc<dyn TokenSource> =
        Arc::new(KeyFileSource::new(&key.key_file(url), http.clone(), Arc::clone(&clock))?);
    let source = match options.source {
        Source::KeyFile => key_file,
        Source::Impersonation => {
            let config = ImpersonationConfig::new(url.parse()?, STORAGE_ACCOUNT.to_owned());
            Arc::new(ImpersonationSource::new(config, key_file, http.clone(), Arc::clone(&clock))?)
        }
    };
    let sts_url = [url, "/v1/token"].concat().parse()?;
    Ok(Arc::new(GcsMinter::new(GcsConfig::new(sts_url, clock, source, http))?))
}
