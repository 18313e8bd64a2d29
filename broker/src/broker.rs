//! A broker made of parts that are already there.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, Principal, StorageId};
use lakegate_sts::probe::ProbeWatch;
use lakegate_sts::{Minter, ProbeMetrics};
use lakegate_token_store::SealedTokens;
use prometheus::Registry;
use prometheus::core::Collector;

use crate::acting::Acting;
use crate::audit::{AuditIds, AuditLog};
use crate::delegation::{DelegationDesk, View};
use crate::identity::Identities;
use crate::metrics::{
    ActingMetrics, DelegationCounts, MirrorCounts, Quarantined, RevocationHealth, StoreAlarms,
    StoreHealthMetrics,
};
use crate::rates::Rates;
use crate::rejects::Rejects;
use crate::rpc::Desk;
use crate::tiers::{Clearing, Mirror, Mirroring, NarrowedShare, StorageTiers};
use crate::{BuildError, Delegation, Limits, LiveTls, Metrics, Pipeline, PolicyTerms, Server};

/// How long a stopping broker waits for the shared tier to take its last tokens.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// What a broker is made of.
#[derive(Debug)]
pub struct BrokerParts {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// Who may connect.
    pub tls: Arc<LiveTls>,
    /// Where decisions come from.
    pub policy: PolicyTerms,
    /// The shared tier.
    pub tokens: Arc<SealedTokens>,
    /// Who makes tokens, by storage.
    pub minters: HashMap<StorageId, Arc<dyn Minter>>,
    /// Where records go.
    pub audit: AuditLog,
    /// How peers are known.
    pub identities: Identities,
    /// Delegation tokens; without it none is issued or believed.
    pub delegation: Option<Delegation>,
    /// Who acts, and for whom.
    pub acting: Arc<Acting>,
    /// Who may ask about others.
    pub administrators: BTreeSet<Principal>,
    /// Limits of connections and tiers.
    pub limits: Limits,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
}

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    server: Server,
    tokens: Arc<SealedTokens>,
    mirror: Arc<Mirror>,
    /// Delegation tokens, where they are believed.
    delegation: Option<Arc<DelegationDesk>>,
    /// What is known of them.
    view: Option<Arc<View>>,
    _probes: Vec<ProbeWatch>,
}

impl Broker {
    /// Begins to serve.
    ///
    /// # Errors
    /// When the address cannot be bound or metrics cannot be registered.
    pub async fn start(parts: BrokerParts, registry: &Registry) -> Result<Self, BuildError> {
        let metrics = Metrics::register(registry)?;
        let BrokerParts { listen, tls, policy, tokens, minters, audit, delegation, .. } = parts;
        let BrokerParts { acting, identities, administrators, limits, clock, .. } = parts;
        acting.mapping().check_beside(identities.callers()).map_err(BuildError::Mapping)?;
        count(registry, StoreAlarms::of(Arc::clone(&tokens)))?;
        count(registry, StoreHealthMetrics::of(Arc::clone(&tokens)))?;
        count(registry, ProbeMetrics::new("lakegate_broker", &minters))?;
        let probes = crate::probing::watch(&policy.feed, &minters);
        count(registry, Quarantined::of(minters.clone()))?;
        count(registry, RevocationHealth::of(Arc::clone(&tls), Arc::clone(&clock)))?;
        count(registry, ActingMetrics::of(&acting))?;
        let mirror = Arc::new(Mirror::default());
        count(registry, MirrorCounts::of(&mirror))?;
        let storages = minters.keys().cloned().collect();
        let mirroring = Mirroring::new(
            &mirror,
            Arc::clone(&policy.feed),
            Arc::clone(&tokens),
            Arc::clone(&clock),
            storages,
        );
        let tiers = |(id, minter)| {
            let (mirror, tokens) = (Arc::clone(&mirror), Arc::clone(&tokens));
            (id, StorageTiers::new(&limits, mirror, tokens, minter, Arc::clone(&clock)))
        };
        let tiers: HashMap<_, _> = minters.into_iter().map(tiers).collect();
        let (feed, stored) = (Arc::clone(&policy.feed), Arc::clone(&tokens));
        let clearing = Clearing::new(&mirror, feed, stored, tiers.values());
        let mintings = NonZeroU32::new(limits.narrowed_mints_per_minute).unwrap_or(NonZeroU32::MIN);
        let delegation = delegation.map(|it| Arc::new(DelegationDesk::new(it, Arc::clone(&clock))));
        let view = delegation.as_ref().map(|desk| Arc::clone(desk.view()));
        if let Some(view) = &view {
            count(registry, DelegationCounts::of(view, Arc::clone(&clock)))?;
        }
        let pipeline = Pipeline::new(policy, tiers, NarrowedShare::per_minute(mintings), clock);
        let rates = Rates::new(&limits);
        let ids = AuditIds::new(rand::random());
        let tokens_of_jobs = delegation.clone();
        let desk = Desk {
            pipeline,
            mirror: Arc::clone(&mirror),
            audit,
            ids,
            metrics,
            identities,
            delegation,
            rejects: Rejects::new(),
            rates,
            acting,
            administrators,
        };
        let server = Server::start(listen, Arc::new(desk), tls, limits).await?;
        tokio::spawn(mirroring.run());
        tokio::spawn(clearing.run());
        Ok(Self { server, tokens, mirror, delegation: tokens_of_jobs, view, _probes: probes })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The mirror of plain scopes; a broker is of use when it is loaded.
    pub fn mirror(&self) -> &Arc<Mirror> {
        &self.mirror
    }

    /// Whether it knows what became of delegation tokens; a broker is of use when it does, or believes none.
    pub fn knows_delegation_tokens(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let view = self.view.clone();
        move || view.as_ref().is_none_or(|view| view.is_loaded())
    }

    /// Waits until it knows what became of delegation tokens.
    pub async fn delegation_tokens_known(&self) {
        if let Some(view) = &self.view {
            view.loaded().await;
        }
    }

    /// Tells whoever asks for its health that it is about to go. Everything is still served.
    pub fn announce(&self) {
        self.server.announce();
    }

    /// Stops accepting, lets requests finish, and tells whether all did. Tokens on their way to the shared tier get a
    /// moment more, and cancellations that could not be written one more attempt.
    pub async fn drain(self, patience: Duration) -> bool {
        let drained = self.server.drain(patience).await;
        let _late = tokio::time::timeout(LAST_WRITES, self.tokens.settled()).await;
        if let Some(delegation) = &self.delegation {
            delegation.settle().await;
        }
        drained
    }
}

/// Registers one more thing that is counted.
fn count(
    registry: &Registry,
    collector: prometheus::Result<impl Collector + 'static>,
) -> Result<(), BuildError> {
    collector.and_then(|collector| registry.register(Box::new(collector))).map_err(BuildError::Metrics)
}
