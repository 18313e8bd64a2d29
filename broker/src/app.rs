//! Wires a broker from its configuration: the only file here that names concrete adapters.

mod acting;
mod following;
mod shared;
mod stored_keys;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use lakegate_domain::{Bucket, Clock};
use lakegate_host::{AdminServer, Hangups, PolicyFeed, Readiness, Reloads, files};
use lakegate_policy::Snapshot;
use lakegate_sts::settings::{Budgets, Spending};
use lakegate_sts::{Minter, misfits};
use prometheus::Registry;

use crate::audit::AuditLog;
use crate::config::PolicySettings;
use crate::identity::{DnsResolver, HostResolver, Identities, Profiles};
use crate::{Broker, BrokerConfig, BrokerParts, KeyLog, PolicyTerms, StalenessBounds};

/// The broker's part of the budget in percent: the reserve of invariant 7.
pub(crate) const RESERVE: u32 = 20;

/// A broker with its admin port.
#[derive(Debug)]
pub struct App {
    broker: Broker,
    admin: AdminServer,
    reloads: Reloads,
    ready: lakegate_host::Condition,
    notice: Duration,
    drain: Duration,
    /// Follows the log of delegation keys.
    _key_log: Option<KeyLog>,
}

impl App {
    /// Makes all parts and begins to serve.
    ///
    /// # Errors
    /// What of the configuration is not usable, with the file or key at fault.
    pub async fn build(config: BrokerConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let registry = Registry::new();
        let reloads = Reloads::new(&registry, Arc::clone(&clock))?;
        let minters = minters(&config, &clock)?;
        let policy = policy(&config, &minters, &clock, &reloads).await?;
        let shared = shared::open(&config, &clock, &reloads).await?;
        policy.register(&registry)?;
        let readiness = Readiness::new();
        let feed = Arc::clone(&policy);
        readiness.require("policy", move || feed.current().is_some());
        shared.require(&readiness);
        let probed = minters.clone();
        readiness.require("confinement", move || probed.values().all(vends));
        let ready = readiness.condition("serving");
        let settings = config.delegation.as_ref();
        let stored = stored_keys::follow(&config, shared.logs.as_ref(), &clock, &registry, &readiness);
        let (stored, key_log) = stored.context("delegation")?.unzip();
        let delegation = settings.zip(shared.logs.as_ref());
        let delegation = delegation.map(|(settings, logs)| {
            let keys = following::delegation_keys(settings, stored, &config.cluster, &reloads)?;
            following::delegation(settings, keys, Arc::clone(&logs.tokens))
        });
        let delegation = delegation.transpose().context("delegation")?;
        let own_buckets = own_buckets(&config)?;
        let identities = identities(&config)?;
        let clients = config.clients();
        let tls = following::tls(config.tls, clients, &clock, &reloads).await.context("tls")?;
        following::lists(&tls, &clock, &readiness);
        let servers = &config.identity.name_servers;
        let acting = acting::acting(&config.mapping, &config.acting, &config.groups, servers, &reloads)?;
        let parts = BrokerParts {
            listen: config.listen,
            tls,
            policy: PolicyTerms { feed: policy, staleness: staleness(&config.policy)?, own_buckets },
            tokens: shared.tokens,
            minters,
            audit: AuditLog::to_file(&config.audit_file).context("audit_file")?,
            identities,
            delegation,
            acting,
            administrators: config.administrators.into_iter().collect(),
            limits: config.limits,
            clock,
        };
        let broker = Broker::start(parts, &registry).await?;
        let mirror = Arc::clone(broker.mirror());
        readiness.require("shared_tier", move || mirror.is_loaded());
        readiness.require("delegation_tokens", broker.knows_delegation_tokens());
        let admin = AdminServer::start(config.admin_listen, registry, readiness).await?;
        ready.met();
        let notice = Duration::from_secs(config.drain_notice_seconds);
        let drain = Duration::from_secs(config.drain_seconds);
        Ok(Self { broker, admin, reloads, ready, notice, drain, _key_log: key_log })
    }

    /// Where the public port is.
    pub fn address(&self) -> SocketAddr {
        self.broker.address()
    }

    /// Where the admin port is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.local_addr()
    }

    /// Looks at all followed files at each SIGHUP.
    pub fn reload_on(&self, hangups: Hangups) {
        self.reloads.on(hangups);
    }

    /// Stops: readiness and health first, while everybody is still served; then the public port, the admin port last.
    /// Tells whether all requests were answered.
    pub async fn drain(self) -> bool {
        self.ready.unmet();
        self.broker.announce();
        tokio::time::sleep(self.notice).await;
        let drained = self.broker.drain(self.drain).await;
        self.admin.stop().await;
        drained
    }
}

type Minters = HashMap<lakegate_domain::StorageId, Arc<dyn Minter>>;

/// Whether no probe found that a storage's tokens open more than their scopes.
fn vends(minter: &Arc<dyn Minter>) -> bool {
    minter.gate().is_none_or(|gate| gate.pass().is_ok())
}

fn minters(config: &BrokerConfig, clock: &Arc<dyn Clock>) -> Result<Minters> {
    let mut budgets = Budgets::new(Spending { percent: RESERVE, over: config.max_brokers });
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

/// Follows the policy document; a snapshot under which nobody could get the tokens that it promises is refused.
async fn policy(
    config: &BrokerConfig,
    minters: &Minters,
    clock: &Arc<dyn Clock>,
    reloads: &Reloads,
) -> Result<Arc<PolicyFeed>> {
    let minters = minters.clone();
    let check = move |snapshot: &Snapshot| {
        let found = misfits(snapshot, &minters);
        for warning in &found.warnings {
            tracing::warn!(%warning, "policy promises what the storage cannot express");
        }
        if found.faults.is_empty() { Ok(()) } else { Err(found.faults.join("; ")) }
    };
    let every = Duration::from_secs(config.policy.reload_seconds);
    let file = config.policy.file.clone();
    Ok(PolicyFeed::start(file, Arc::new(check), every, Arc::clone(clock), reloads).await?)
}

/// How old the policy in force may be.
fn staleness(policy: &PolicySettings) -> Result<StalenessBounds> {
    let cut_off = Duration::from_secs(policy.max_stale_seconds);
    let strict = Duration::from_secs(policy.strict_stale_seconds);
    StalenessBounds::new(cut_off, strict).context("policy.strict_stale_seconds")
}

/// How peers are known; the first fault ends the start, `--check-config` tells all.
fn identities(config: &BrokerConfig) -> Result<Identities> {
    let authorities = config.tls.authorities().context("tls")?;
    let names: Vec<_> = authorities.into_iter().map(|authority| authority.name).collect();
    let profiles = Profiles::new(&config.identity, &names).map_err(|faults| {
        let first = faults.into_iter().next();
        first.map_or_else(
            || anyhow!("identity.profiles"),
            |(number, fault)| {
                let key = fault.key(number);
                Error::new(fault).context(key)
            },
        )
    })?;
    let resolver = if profiles.bind_hosts() {
        let resolver = DnsResolver::new(&config.identity.name_servers).context("identity.name_servers")?;
        Some(Arc::new(resolver) as Arc<dyn HostResolver>)
    } else {
        None
    };
    Ok(Identities::new(profiles, resolver))
}

fn own_buckets(config: &BrokerConfig) -> Result<std::collections::BTreeSet<Bucket>> {
    let bucket = |text: &String| Bucket::parse(text).with_context(|| format!("own_buckets: {text}"));
    config.own_buckets.iter().map(bucket).collect()
}
