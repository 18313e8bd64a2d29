//! The running generator: follows the policy, hands due scopes to workers.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Bucket, Clock, StorageId};
use lakegate_host::PolicyFeed;
use lakegate_policy::ScopeKey;
use lakegate_sts::probe::ProbeWatch;
use lakegate_sts::{Minter, ProbeMetrics};
use lakegate_token_store::SealedTokens;
use prometheus::Registry;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::catalogue::Catalogue;
use crate::metrics::StoreHealthMetrics;
use crate::schedule::Schedule;
use crate::store_watch::StoreWatch;
use crate::worker::{Finished, Worker};
use crate::{BuildError, Metrics};

/// How long to leave a scope alone whose worker panicked.
const CRASH_PAUSE: Duration = Duration::from_secs(30);

/// What a generator is made of.
#[derive(Debug)]
pub struct GeneratorParts {
    /// Where the catalogue comes from.
    pub policy: Arc<PolicyFeed>,
    /// What is kept full.
    pub tokens: Arc<SealedTokens>,
    /// Who makes tokens, by storage; already within the generator's share of the budget.
    pub minters: HashMap<StorageId, Arc<dyn Minter>>,
    /// Buckets with the broker's own policy, audit or state: nothing is minted for them.
    pub own_buckets: BTreeSet<Bucket>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Scopes worked on at once.
    pub workers: usize,
    /// Where the spread of renewals begins.
    pub seed: u64,
}

/// How full the shared tier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Scopes in the catalogue.
    pub scopes: usize,
    /// Scopes whose token was fresh when last looked at.
    pub fresh: usize,
    /// Tokens minted since the start.
    pub minted: u64,
    /// Snapshot that the catalogue is of; none before the first.
    pub snapshot: Option<u64>,
}

/// A running generator; stops when dropped.
#[derive(Debug)]
pub struct Generator {
    progress: watch::Receiver<Progress>,
    task: tokio::task::JoinHandle<()>,
    _probes: Vec<ProbeWatch>,
}

impl Generator {
    /// Begins to fill.
    ///
    /// # Errors
    /// [`BuildError::Metrics`] when a metric's name is taken.
    pub fn start(parts: GeneratorParts, registry: &Registry) -> Result<Self, BuildError> {
        let metrics = Metrics::register(registry)?;
        let health = StoreHealthMetrics::of(Arc::clone(&parts.tokens)).map_err(BuildError::Metrics)?;
        registry.register(Box::new(health)).map_err(BuildError::Metrics)?;
        let probes = ProbeMetrics::new("lakegate_generator", &parts.minters).map_err(BuildError::Metrics)?;
        registry.register(Box::new(probes)).map_err(BuildError::Metrics)?;
        let probes = crate::probing::watch(&parts.policy, &parts.minters);
        let (progress, receiver) = watch::channel(Progress::default());
        let task = tokio::spawn(Filling::new(parts, metrics, progress).run());
        Ok(Self { progress: receiver, task, _probes: probes })
    }

    /// How full the shared tier is now.
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until every scope of the catalogue has a fresh token.
    pub async fn filled(&self) -> Progress {
        let mut progress = self.progress.clone();
        let full = |now: &Progress| now.snapshot.is_some() && now.fresh >= now.scopes;
        match progress.wait_for(full).await {
            Ok(now) => *now,
            Err(_stopped) => self.progress(),
        }
    }

    /// Stops at once; what was minted is in the shared tier.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The loop's state.
struct Filling {
    policy: Arc<PolicyFeed>,
    worker: Worker,
    workers: usize,
    own_buckets: BTreeSet<Bucket>,
    luck: StdRng,
    /// The snapshot that the catalogue is of.
    snapshot: Option<u64>,
    catalogue: Catalogue,
    schedule: Schedule,
    running: JoinSet<Finished>,
    turns: HashMap<Id, ScopeKey>,
    fresh: HashSet<ScopeKey>,
    metrics: Metrics,
    progress: watch::Sender<Progress>,
}

impl Filling {
    fn new(parts: GeneratorParts, metrics: Metrics, progress: watch::Sender<Progress>) -> Self {
        let GeneratorParts { policy, tokens, minters, own_buckets, clock, workers, seed } = parts;
        Self {
            policy,
            worker: Worker { tokens, minters: Arc::new(minters), clock, metrics: metrics.clone() },
            workers: workers.max(1),
            own_buckets,
            luck: StdRng::seed_from_u64(seed),
            snapshot: None,
            catalogue: Catalogue::default(),
            schedule: Schedule::default(),
            running: JoinSet::new(),
            turns: HashMap::new(),
            fresh: HashSet::new(),
            metrics,
            progress,
        }
    }

    async fn run(mut self) {
        let mut snapshots = self.policy.subscribe();
        let mut store = StoreWatch::over(Arc::clone(&self.worker.tokens));
        loop {
            self.follow_policy();
            let next = self.start_due();
            self.publish();
            let wake = next.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() { return },
                Some(ended) = self.running.join_next_with_id() => self.finish(ended),
                () = store.lost() => {
                    tracing::warn!("the shared tier holds other data than before; every scope is looked at");
                    self.schedule.all_due(Instant::now());
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Reads the catalogue again when the snapshot moved. Scopes that left it are dropped when their turn comes.
    fn follow_policy(&mut self) {
        let Some(snapshot) = self.policy.current() else { return };
        if self.snapshot == Some(snapshot.number()) {
            return;
        }
        self.snapshot = Some(snapshot.number());
        self.catalogue = Catalogue::of(&snapshot, &self.worker.minters, &self.own_buckets);
        let new = self.catalogue.beyond(self.schedule.known());
        tracing::info!(
            snapshot = snapshot.number(),
            scopes = self.catalogue.len(),
            new = new.len(),
            "catalogue read"
        );
        self.schedule.add_new(new, Instant::now());
        self.fresh.retain(|key| self.catalogue.get(*key).is_some());
    }

    /// Gives due scopes to free workers; tells when the next one is due. None while all workers are busy.
    fn start_due(&mut self) -> Option<Instant> {
        while self.running.len() < self.workers {
            let key = match self.schedule.take_due(Instant::now()) {
                Ok(key) => key,
                Err(next) => return next,
            };
            let Some(scope) = self.catalogue.get(key).cloned() else {
                self.schedule.forget(key);
                continue;
            };
            let (worker, snapshot, luck) =
                (self.worker.clone(), self.catalogue.snapshot(), self.luck.random());
            let turn = self.running.spawn(async move { worker.renew(&scope, snapshot, luck).await });
            self.turns.insert(turn.id(), key);
        }
        None
    }

    fn finish(&mut self, ended: Result<(Id, Finished), JoinError>) {
        let (id, result) = match ended {
            Ok((id, finished)) => (id, Some(finished)),
            Err(error) => (error.id(), None),
        };
        let Some(key) = self.turns.remove(&id) else { return };
        if self.catalogue.get(key).is_none() {
            self.schedule.forget(key);
            self.fresh.remove(&key);
            return;
        }
        let (is_fresh, again_in) = result.map_or((false, CRASH_PAUSE), |r| (r.is_fresh, r.again_in));
        if is_fresh {
            self.fresh.insert(key)
        } else {
            self.fresh.remove(&key)
        };
        self.schedule.put_back(key, Instant::now() + again_in);
    }

    fn publish(&self) {
        let (scopes, fresh) = (self.catalogue.len(), self.fresh.len());
        self.metrics.scopes.set(i64::try_from(scopes).unwrap_or(i64::MAX));
        self.metrics.fresh.set(i64::try_from(fresh).unwrap_or(i64::MAX));
        let quarantined: usize = self.worker.minters.values().map(|minter| minter.quarantined()).sum();
        self.metrics.quarantined.set(i64::try_from(quarantined).unwrap_or(i64::MAX));
        let minted = self.metrics.minted.get();
        self.progress.send_if_modified(|now| {
            // All at once: a snapshot beside the counts of the one before would look full.
            let next = Progress { scopes, fresh, minted, snapshot: self.snapshot };
            std::mem::replace(now, next) != next
        });
    }
}
