//! The emulated cloud, and minters that talk to it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_domain::{Dialect, ObjectPath};
use lakegate_sts::gcs::source::{
    ImpersonationConfig, ImpersonationSource, KeyFileSource, Source as TokenSource,
};
use lakegate_sts::gcs::{GcsConfig, GcsMinter};
use lakegate_sts::probe::{Canary as ProbeCanary, Confinement};
use lakegate_sts::{Budget, HttpClient, HttpConfig, Minter, Roots, guard, guard_and_probe};

use super::Minters;
use crate::{Canary, Options, Source};

/// The account whose key the broker holds.
const BROKER_ACCOUNT: &str = "lakegate@emulated.iam.gserviceaccount.com";

/// The account that may use the buckets, and that the broker's account may impersonate.
const STORAGE_ACCOUNT: &str = "lake-storage@emulated.iam.gserviceaccount.com";

/// An object of the emulated cloud that no policy reaches: it lies in a bucket of its own.
pub const CANARY: &str = "gs://lakegate-canary/canary";

/// The parts of the budget in percent (design, invariant 7).
const RESERVE: u32 = 20;
const PREFILL: u32 = 80;

/// How long to wait for the first probe; a policy without a plain scope has none.
const LONGEST_PROOF: Duration = Duration::from_secs(5);

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
        buckets: buckets(options)?,
        service_accounts: vec![broker_account, storage.account()],
        sts_per_minute: options.sts_per_minute,
        clock: Arc::clone(&options.clock),
        ..EmulatorConfig::default()
    };
    let emulator = Emulator::start(config).await?;
    let canary = canary(&emulator)?;
    let http = HttpClient::new(HttpConfig { roots: Roots::Only(Vec::new()), ..HttpConfig::default() })?;
    let minter = minter(options, &emulator.url(), &broker, http.clone())?;
    let share = |percent| -> Result<Minters> {
        let share = Budget::share(options.sts_per_minute, percent, NonZeroU32::MIN)?;
        let (minter, budget) = (Arc::clone(&minter), Arc::new(Budget::new(share, Duration::ZERO)));
        let guarded = match options.canary {
            Canary::Absent => guard(minter, budget),
            Canary::Every(every) => {
                let storage = emulator.url().parse()?;
                let canary = ProbeCanary::new(http.clone(), &storage, canary.clone())?;
                guard_and_probe(minter, budget, canary, every)
            }
        };
        Ok(storages(options).map(|id| (id, Arc::clone(&guarded))).collect())
    };
    Ok(Cloud { reserve: share(RESERVE)?, prefill: share(PREFILL)?, emulator })
}

/// The buckets that the policy names, and the canary's.
fn buckets(options: &Options) -> Result<Vec<String>> {
    let mut buckets: Vec<String> =
        options.policy.storages.iter().flat_map(|rule| rule.buckets.clone()).collect();
    buckets.push(ObjectPath::parse(CANARY)?.bucket().authority().to_owned());
    Ok(buckets)
}

/// Puts the canary in its place.
fn canary(emulator: &Emulator) -> Result<ObjectPath> {
    let canary = ObjectPath::parse(CANARY)?;
    emulator.put_object(canary.bucket().authority(), canary.key(), "nobody may read this\n")?;
    Ok(canary)
}

/// Waits until probed minters have made their first probe, so that it comes not later, between others' calls.
pub(super) async fn proven(minters: impl Iterator<Item = &Arc<dyn Minter>>) {
    for gate in minters.filter_map(|minter| minter.gate()) {
        let mut known = gate.subscribe();
        let first = known.wait_for(|known| *known != Confinement::Unproven);
        if tokio::time::timeout(LONGEST_PROOF, first).await.is_err() {
            tracing::warn!("no probe of a fresh token was made in time");
        }
    }
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
