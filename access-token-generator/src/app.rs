//! Wires a generator from its configuration: the only file here that names concrete adapters.

mod following;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lakegate_domain::{Bucket, Clock, StorageId};
use lakegate_host::{AdminServer, Hangups, PolicyFeed, Readiness, Reloads, files};
use lakegate_sts::Minter;
use lakegate_sts::settings::{Budgets, Spending};
use prometheus::Registry;

use crate::{Generator, GeneratorConfig, GeneratorParts};

/// The generator's part of the budget in percent: the pre-fill of invariant 7.
pub(crate) const PREFILL: u32 = 80;

/// A generator with its admin port.
#[derive(Debug)]
pub struct App {
    generator: Generator,
    admin: AdminServer,
    reloads: Reloads,
}

impl App {
    /// Makes all parts and begins to fill.
    ///
    /// # Errors
    /// What of the configuration is not usable, with the file or key at fault.
    pub async fn build(config: GeneratorConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let registry = Registry::new();
        let reloads = Reloads::new(&registry, Arc::clone(&clock))?;
        let minters = minters(&config, &clock)?;
        let every = Duration::from_secs(config.policy_reload_seconds);
        // What a storage cannot express is left out of the catalogue; brokers refuse the document as a whole.
        let check = Arc::new(|_: &_| Ok(()));
        let file = config.policy_file.clone();
        let policy = PolicyFeed::start(file, check, every, Arc::clone(&clock), &reloads).await?;
        let store = config
            .store
            .open(Arc::clone(&clock), |path| -> Result<_> { Ok(files::read_secret_text(path)?) })
            .await
            .context("store")?;
        let tokens = following::sealed_tokens(store, &config.sealing, &config.cluster, &clock, &reloads)
            .context("sealing")?;
        policy.register(&registry)?;
        let readiness = Readiness::new();
        let feed = Arc::clone(&policy);
        readiness.require("policy", move || feed.current().is_some());
        let shared = Arc::clone(&tokens);
        readiness.require("store", move || shared.health().reached);
        let probed = minters.clone();
        readiness.require("confinement", move || probed.values().all(vends));
        let parts = GeneratorParts {
            policy,
            tokens,
            minters,
            own_buckets: own_buckets(&config.own_buckets)?,
            clock,
            workers: config.workers,
            seed: rand::random(),
        };
        let generator = Generator::start(parts, &registry)?;
        let admin = AdminServer::start(config.admin_listen, registry, readiness).await?;
        Ok(Self { generator, admin, reloads })
    }

    /// Where the admin port is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.local_addr()
    }

    /// Looks at all followed files at each SIGHUP.
    pub fn reload_on(&self, hangups: Hangups) {
        self.reloads.on(hangups);
    }

    /// Stops at once; what was minted is in the shared tier.
    pub async fn stop(self) {
        self.generator.stop();
        self.admin.stop().await;
    }
}

type Minters = HashMap<StorageId, Arc<dyn Minter>>;

/// Whether no probe found that a storage's tokens open more than their scopes.
fn vends(minter: &Arc<dyn Minter>) -> bool {
    minter.gate().is_none_or(|gate| gate.pass().is_ok())
}

fn minters(config: &GeneratorConfig, clock: &Arc<dyn Clock>) -> Result<Minters> {
    let mut budgets = Budgets::new(Spending { percent: PREFILL, over: NonZeroU32::MIN });
    let mut minters = Minters::new();
    for settings in &config.storages {
        let key_file = settings.source.key_file().map(files::read_secret_text).transpose()?;
        let minter = settings
            .minter(key_file.as_ref(), &mut budgets, Arc::clone(clock))
            .with_context(|| format!("storage {}", settings.id))?;
        if settings.canary.is_none() {
            tracing::warn!(storage = %settings.id, "no canary is configured: nobody sees when tokens open too much");
        }
        if minters.insert(settings.id.clone(), minter).is_some() {
            bail!("storage {} is configured twice", settings.id);
        }
    }
    Ok(minters)
}

fn own_buckets(names: &[String]) -> Result<BTreeSet<Bucket>> {
    names.iter().map(|name| Bucket::parse(name).with_context(|| format!("own_buckets: {name}"))).collect()
}
