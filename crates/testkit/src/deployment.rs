//! The deployment: everything started, in order, on ports of its own.

mod brokers;
mod cloud;

pub use cloud::CANARY;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_broker::audit::AuditLog;
use lakegate_broker::tls::{AuthorityFiles, AuthorityName, ClientCertificates, TlsFiles};
use lakegate_broker::{Broker, DelegationKeys, LiveTls};
use lakegate_client::{BrokeredStore, Client, StorageEndpoint};
use lakegate_cloud_emulator::Emulator;
use lakegate_domain::{Bucket, Clock, Principal, StorageId};
use lakegate_generator::{Generator, GeneratorParts};
use lakegate_host::{AdminServer, PolicyFeed, Readiness, Reloads};
use lakegate_policy::{PolicyDocument, Snapshot};
use lakegate_sts::Minter;
use lakegate_token_store::settings::StoreSettings;
use lakegate_token_store::{RecordLog, RedbStore, SealedTokens, SealingKey, SealingKeys, TokenStore};
use prometheus::Registry;
use tempfile::TempDir;

use crate::delegation::{self, SharedDelegation};
use brokers::Common;
pub use brokers::ExtraBroker;

use crate::{AuditTo, AuditTrail, Authority, Issued, Options, RunGenerator, Store};

/// How long a stopping broker waits for its last requests.
const DRAIN: Duration = Duration::from_secs(5);

/// How long an answer waits for its audit record: the disk shares two cores with a whole cloud.
const AUDIT_PATIENCE: Duration = Duration::from_secs(5);

/// How often a policy file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running Lakegate with its emulated cloud.
#[derive(Debug)]
pub struct Deployment {
    authority: Authority,
    emulator: Emulator,
    common: Common,
    broker: Option<Broker>,
    generator: Option<Generator>,
    admin: AdminServer,
    reloads: Reloads,
    tls: Arc<LiveTls>,
    address: SocketAddr,
    registry: Registry,
    audit: AuditTrail,
    folder: TempDir,
}

impl Deployment {
    /// Starts everything; with a generator, waits until the shared tier is full and the broker mirrors it.
    ///
    /// # Errors
    /// What could not be started.
    pub async fn start(options: Options) -> Result<Self> {
        let folder = tempfile::tempdir().context("temporary folder")?;
        let authority = Authority::new().context("certificate authority")?;
        let registry = Registry::new();
        let reloads = Reloads::new(&registry, Arc::clone(&options.clock))?;
        let policy = policy_feed(&options, &reloads).await.context("policy")?;
        let cloud = cloud::start(&options).await.context("emulated cloud")?;
        let (tokens, logs) = shared_tier(&options, folder.path()).await.context("shared tier")?;
        let generator = match options.generator {
            RunGenerator::Absent => None,
            RunGenerator::Running => Some(start_generator(&options, &policy, &tokens, &cloud, &registry)?),
        };
        let audit = AuditTrail::new(folder.path().join("audit.jsonl"));
        let delegation = options.delegation.clone().map(|it| SharedDelegation::new(it, logs)).transpose()?;
        let tls = Arc::new(LiveTls::new(broker_tls(&authority, &options)?, options.clock.now())?);
        let minters = cloud.reserve.clone();
        let common = Common::new(options, (&policy, &tokens), minters, delegation);
        let parts = common.parts(common.options.port, &tls, &audit)?;
        if let Some(generator) = &generator {
            generator.filled().await;
        }
        let broker = Broker::start(parts, &registry).await.context("broker")?;
        if policy.current().is_some() {
            broker.mirror().loaded().await;
        }
        broker.delegation_tokens_known().await;
        let address = broker.address();
        let admin = start_admin(&registry, &policy, &cloud.reserve).await.context("admin port")?;
        cloud::proven(cloud.reserve.values()).await;
        Ok(Self {
            authority,
            emulator: cloud.emulator,
            common,
            broker: Some(broker),
            generator,
            admin,
            reloads,
            tls,
            address,
            registry,
            audit,
            folder,
        })
    }

    /// The time by which everything here goes.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.common.options.clock)
    }

    /// A client that proves to be `name`.
    ///
    /// # Errors
    /// When no certificate can be made or the client cannot be.
    pub fn client(&self, name: &str) -> Result<Client> {
        Ok(Client::connect(self.client_config(name)?)?)
    }

    /// The object store of a bucket, through a client's brokered tokens.
    ///
    /// # Errors
    /// When the store cannot be made.
    pub fn store(&self, client: &Client, bucket: &str) -> Result<BrokeredStore> {
        let endpoint = StorageEndpoint {
            base_url: Some(self.emulator.url().parse()?),
            allow_http: true,
            ..StorageEndpoint::default()
        };
        let bucket = Bucket::parse(&["gs://", bucket].concat())?;
        Ok(BrokeredStore::new(client.clone(), bucket, endpoint)?)
    }

    /// Puts a new policy into force.
    ///
    /// # Errors
    /// When the document is not valid or not newer.
    pub fn replace_policy(&self, document: &PolicyDocument) -> Result<()> {
        Ok(self.common.policy.replace(Snapshot::compile(document)?)?)
    }

    /// Where the broker is, `https://localhost:PORT`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The broker's socket address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the admin port is: `/livez`, `/readyz`, `/metrics`.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.local_addr()
    }

    /// The certificate authority, for certificates of other callers.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The settings of the broker's public port.
    pub fn tls(&self) -> &LiveTls {
        &self.tls
    }

    /// What is followed while the deployment runs: its policy file, if it has one.
    pub fn reloads(&self) -> &Reloads {
        &self.reloads
    }

    /// The emulated cloud.
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// The shared tier.
    pub fn tokens(&self) -> &Arc<SealedTokens> {
        &self.common.tokens
    }

    /// The delegation keys in force, where delegation tokens are believed.
    pub fn delegation_keys(&self) -> Option<&DelegationKeys> {
        self.common.delegation.as_ref().map(SharedDelegation::keys)
    }

    /// The generator, if one runs.
    pub fn generator(&self) -> Option<&Generator> {
        self.generator.as_ref()
    }

    /// The audit log.
    pub fn audit(&self) -> &AuditTrail {
        &self.audit
    }

    /// All metrics.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The broker, to be drained while the rest goes on; none when it was taken before.
    pub fn take_broker(&mut self) -> Option<Broker> {
        self.broker.take()
    }

    /// The policy in force.
    pub fn policy(&self) -> &Arc<PolicyFeed> {
        &self.common.policy
    }

    /// A folder that lives as long as the deployment.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Stops everything; tells whether the broker answered all requests first.
    pub async fn stop(mut self) -> bool {
        drop(self.generator.take());
        let drained = match self.broker.take() {
            Some(broker) => broker.drain(DRAIN).await,
            None => true,
        };
        self.admin.stop().await;
        self.emulator.shutdown().await;
        drained
    }
}

async fn start_admin(
    registry: &Registry,
    policy: &Arc<PolicyFeed>,
    minters: &Minters,
) -> Result<AdminServer> {
    let readiness = Readiness::new();
    let feed = Arc::clone(policy);
    readiness.require("policy", move || feed.current().is_some());
    let minters = minters.clone();
    let vends = |minter: &Arc<dyn Minter>| minter.gate().is_none_or(|gate| gate.pass().is_ok());
    readiness.require("confinement", move || minters.values().all(vends));
    Ok(AdminServer::start(SocketAddr::from(([127, 0, 0, 1], 0)), registry.clone(), readiness).await?)
}

async fn shared_tier(options: &Options, folder: &Path) -> Result<(Arc<SealedTokens>, Arc<dyn RecordLog>)> {
    let embedded = |store: RedbStore| {
        let store = Arc::new(store);
        (Arc::clone(&store) as Arc<dyn TokenStore>, store as Arc<dyn RecordLog>)
    };
    let (store, logs) = match &options.store {
        Store::Folder => embedded(RedbStore::open(folder.join("tokens.redb"), Arc::clone(&options.clock))?),
        Store::File(path) => embedded(RedbStore::open(path, Arc::clone(&options.clock))?),
        Store::Memory => embedded(RedbStore::in_memory(Arc::clone(&options.clock))?),
        Store::Redis(settings) => {
            let read = |path: &Path| anyhow::Ok(lakegate_host::files::read_secret_text(path)?);
            let settings = StoreSettings::Redis(settings.clone());
            settings.open_with_logs(Arc::clone(&options.clock), read).await?
        }
    };
    let keys = SealingKeys::single(SealingKey::generate()?);
    let tokens = SealedTokens::new(store, keys, delegation::CLUSTER, Arc::clone(&options.clock))?;
    Ok((Arc::new(tokens), logs))
}

async fn policy_feed(options: &Options, reloads: &Reloads) -> Result<Arc<PolicyFeed>> {
    match &options.policy_file {
        None => Ok(PolicyFeed::fixed(Snapshot::compile(&options.policy)?)),
        Some(file) => {
            let (check, clock) = (Arc::clone(&options.policy_check.0), Arc::clone(&options.clock));
            Ok(PolicyFeed::start(file.clone(), check, LOOK_EVERY, clock, reloads).await?)
        }
    }
}

fn audit_log(options: &Options, trail: &AuditTrail) -> std::io::Result<AuditLog> {
    match &options.audit {
        AuditTo::File => Ok(AuditLog::to_file(trail.path())?.with_patience(AUDIT_PATIENCE)),
        AuditTo::Sink(make) => AuditLog::to_sink(make()),
    }
}

fn start_generator(
    options: &Options,
    policy: &Arc<PolicyFeed>,
    tokens: &Arc<SealedTokens>,
    cloud: &cloud::Cloud,
    registry: &Registry,
) -> Result<Generator> {
    let parts = GeneratorParts {
        policy: Arc::clone(policy),
        tokens: Arc::clone(tokens),
        minters: cloud.prefill.clone(),
        own_buckets: own_buckets(options)?,
        clock: Arc::clone(&options.clock),
        workers: 8,
        seed: 1,
    };
    Generator::start(parts, registry).context("generator")
}

fn broker_tls(authority: &Authority, options: &Options) -> Result<TlsFiles> {
    let Issued { chain, key, .. } = authority.server()?;
    let authorities = vec![AuthorityFiles {
        name: AuthorityName::default_name(),
        certificates: std::iter::once(authority.certificate()).chain(options.more_issuers.clone()).collect(),
        revocation: options.revocation.clone(),
    }];
    let clients = match options.delegation {
        Some(_) => ClientCertificates::Optional,
        None => ClientCertificates::Required,
    };
    Ok(TlsFiles { chain, key, authorities, clients, versions: options.tls_versions })
}

fn own_buckets(options: &Options) -> Result<BTreeSet<Bucket>> {
    options.own_buckets.iter().map(|text| Ok(Bucket::parse(text)?)).collect()
}

fn principals(names: &[String]) -> Result<BTreeSet<Principal>> {
    names.iter().map(|name| Ok(Principal::parse(name)?)).collect()
}

/// Minters by storage.
type Minters = HashMap<StorageId, Arc<dyn Minter>>;
