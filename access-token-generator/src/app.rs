//! Wires a generator from its configuration: the only file here that names concrete adapters.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_domain::Clock;
use lakegate_host::{AdminServer, Hangups, PolicyFeed, Readiness, Reloads, files};
use lakegate_sts::settings::{Spending, StorageSettings};
use lakegate_token_store::SealedTokens;
use prometheus::Registry;

use crate::{Generator, GeneratorConfig, GeneratorParts};

/// The generator's part of the budget in percent: the pre-fill of invariant 7.
const PREFILL: u32 = 80;

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
        let spending = Spending { percent: PREFILL, over: NonZeroU32::MIN };
        let minter = |settings: &StorageSettings| -> Result<_> {
            let key_file = files::read_secret_text(settings.source.key_file())?;
            let minter = settings.minter(&key_file, spending, Arc::clone(&clock));
            Ok((settings.id.clone(), minter.with_context(|| format!("storage {}", settings.id))?))
        };
        let minters = config.storages.iter().map(minter).collect::<Result<HashMap<_, _>>>()?;
        let every = Duration::from_secs(config.policy_reload_seconds);
        // What a storage cannot express is left out of the catalogue; brokers refuse the document as a whole.
        let check = Arc::new(|_: &_| Ok(()));
        let policy =
            PolicyFeed::start(config.policy_file, check, every, Arc::clone(&clock), &reloads).await?;
        let store = config
            .store
            .open(Arc::clone(&clock), |path| -> Result<_> { Ok(files::read_secret_text(path)?) })
            .await
            .context("store")?;
        let keys = config
            .sealing
            .keys(|path| -> Result<_> { Ok(files::read_secret_text(path)?) })
            .context("sealing")?;
        let tokens = Arc::new(SealedTokens::new(store, keys, &config.cluster, Arc::clone(&clock))?);
        policy.register(&registry)?;
        let readiness = Readiness::new();
        let feed = Arc::clone(&policy);
        readiness.require("policy", move || feed.current().is_some());
        let shared = Arc::clone(&tokens);
        readiness.require("store", move || shared.health().reached);
        let seed = rand::random();
        let parts = GeneratorParts { policy, tokens, minters, clock, workers: config.workers, seed };
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
