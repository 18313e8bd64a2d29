//! Clearing on paused time: what left is gone from both tiers, and nothing else is.

use lakegate_domain::{Caller, Clock, OperationSet, Part, Principal, Proof, SystemClock, Target};
use lakegate_policy::{Grant, PolicyDocument};
use lakegate_sts::FakeMinter;
use lakegate_token_store::{Fault, MemoryStore, SealingKey, SealingKeys};

use super::*;
use crate::Limits;
use crate::tiers::Want;

const POLICY: &str = "
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake] }]
classes: [{ name: named, attribution: per-principal }]
projects: [{ name: p }]
datasets:
- { name: sales, prefix: 'gs://lake/sales/', project: p }
- { name: web, prefix: 'gs://lake/web/', project: p }
- { name: hr, prefix: 'gs://lake/hr/', project: p, class: named }
rules:
- { id: s, effect: allow, on: { prefix: 'gs://lake/sales/' }, to: ['principal:ann'], operations: [read] }
- { id: d, effect: allow, on: { prefix: 'gs://lake/sales/deep/' }, to: ['principal:bob'], operations: [read] }
- { id: w, effect: allow, on: { prefix: 'gs://lake/web/' }, to: ['principal:ann'], operations: [read] }
- { id: h, effect: allow, on: { prefix: 'gs://lake/hr/' }, to: ['principal:ann', 'principal:zoe'], operations: [read] }
";

/// Who holds what: a plain scope, a narrowed one in the same dataset, a plain one, and two attributed ones.
const HELD: [(&str, &str); 5] = [
    ("ann", "gs://lake/sales/"),
    ("bob", "gs://lake/sales/deep/"),
    ("ann", "gs://lake/web/"),
    ("ann", "gs://lake/hr/"),
    ("zoe", "gs://lake/hr/"),
];

/// A broker's tiers, full of [`HELD`].
struct World {
    policy: Arc<PolicyFeed>,
    store: Arc<MemoryStore>,
    tiers: StorageTiers,
    clearing: Clearing,
    grants: Vec<Grant>,
}

impl World {
    async fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Arc::new(MemoryStore::new(Arc::clone(&clock)));
        let keys = SealingKeys::single(SealingKey::generate().unwrap());
        let shared = SealedTokens::new(Arc::clone(&store) as _, keys, "test", Arc::clone(&clock)).unwrap();
        let (shared, policy) = (Arc::new(shared), PolicyFeed::fixed(snapshot(POLICY)));
        let mirror = Arc::new(Mirror::default());
        let minter = Arc::new(FakeMinter::new(Arc::clone(&clock)));
        let tiers = StorageTiers::new(
            &Limits::default(),
            Arc::clone(&mirror),
            Arc::clone(&shared),
            minter,
            Arc::clone(&clock),
        );
        let clearing = Clearing::new(&mirror, Arc::clone(&policy), shared, std::iter::once(&tiers));
        let grants = HELD.iter().map(|(who, path)| {
            let caller = Caller::new(Principal::parse(who).unwrap(), Proof::ClientCertificate);
            let part = Part::new(Target::parse(path).unwrap(), OperationSet::parse("read").unwrap()).unwrap();
            snapshot(POLICY).decide(&caller, &[part], clock.now()).unwrap()
        });
        let world = Self { policy, store, tiers, clearing, grants: grants.collect() };
        world.fill().await;
        assert_eq!(world.held(), [true; 5], "both tiers are full");
        world
    }

    /// Makes a token for every scope that has none, as requests would.
    async fn fill(&self) {
        for grant in &self.grants {
            self.tiers.mint(&Want { grant, rejected: None }, 1).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    /// Takes a policy into force and clears.
    async fn follow(&mut self, policy: &str) {
        self.policy.replace(snapshot(policy)).unwrap();
        self.clearing.turn().await;
    }

    /// Which of [`HELD`] are in memory; the shared tier must hold the same.
    fn held(&self) -> [bool; 5] {
        let stored: HashSet<ScopeKey> = self.store.contents().into_iter().map(|(key, _)| key).collect();
        std::array::from_fn(|at| {
            let scope = self.grants[at].scope();
            let is_held = self.tiers.local().get(scope).is_some();
            assert_eq!(stored.contains(&scope.key()), is_held, "{:?}", HELD[at]);
            is_held
        })
    }

    /// Which of [`HELD`] the shared tier holds.
    fn stored(&self) -> [bool; 5] {
        let stored: HashSet<ScopeKey> = self.store.contents().into_iter().map(|(key, _)| key).collect();
        std::array::from_fn(|at| stored.contains(&self.grants[at].scope().key()))
    }
}

/// A policy with the next number.
fn next(version: u64, from: &str, to: &str) -> String {
    assert!(POLICY.contains(from));
    POLICY.replace("version: 1", &format!("version: {version}")).replace(from, to)
}

fn without_sales(version: u64) -> String {
    next(version, "- { name: sales, prefix: 'gs://lake/sales/', project: p }\n", "")
}

fn snapshot(policy: &str) -> Snapshot {
    Snapshot::compile(&PolicyDocument::from_yaml(policy).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_dataset_that_left_takes_its_tokens_from_both_tiers() {
    let mut world = World::new().await;
    world.follow(&without_sales(2)).await;
    assert_eq!(world.held(), [false, false, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_principal_that_left_takes_the_tokens_that_were_its_own() {
    let mut world = World::new().await;
    world.follow(&next(2, ", 'principal:zoe'", "")).await;
    assert_eq!(world.held(), [true, true, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_only_grows_or_changes_rules_clears_nothing() {
    let mut world = World::new().await;
    world.follow(&next(2, "operations: [read] }\n- { id: w", "operations: [list] }\n- { id: w")).await;
    assert_eq!(world.held(), [true; 5]);
}

#[tokio::test(start_paused = true)]
async fn what_a_late_peer_puts_back_is_cleared_again() {
    let mut world = World::new().await;
    world.follow(&without_sales(2)).await;
    world.fill().await;
    assert_eq!(world.held(), [true; 5], "as by a peer with the old policy");
    tokio::time::sleep(AGAIN_AFTER).await;
    world.clearing.turn().await;
    assert_eq!(world.held(), [false, false, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_tier_that_was_away_is_cleared_when_it_is_back() {
    let mut world = World::new().await;
    world.store.set_fault(Fault::Down);
    world.follow(&without_sales(2)).await;
    assert_eq!(world.stored(), [true; 5]);
    tokio::time::sleep(AGAIN_AFTER * 5).await;
    world.store.set_fault(Fault::None);
    tokio::time::sleep(AGAIN_AFTER).await;
    world.clearing.turn().await;
    assert_eq!(world.held(), [false, false, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_into_the_policy_is_left_alone() {
    let mut world = World::new().await;
    world.follow(&without_sales(2)).await;
    world.follow(&next(3, "", "")).await;
    world.fill().await;
    tokio::time::sleep(AGAIN_AFTER * 2).await;
    world.clearing.turn().await;
    assert_eq!(world.held(), [true; 5]);
}
