//! The pipeline alone, on paused time.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lakegate_broker::tiers::{Mirror, NarrowedShare, StorageTiers};
use lakegate_broker::{
    Answer, Ask, Failure, Lasting, Limits, Pipeline, PolicyTerms, Proven, StalenessBounds,
};
use lakegate_domain::{
    Caller, Operation, OperationSet, Part, Principal, Proof, StorageId, SystemClock, Target, Timestamp,
};
use lakegate_host::{PolicyFeed, Reloads};
use lakegate_policy::{PolicyDocument, Snapshot};
use lakegate_sts::FakeMinter;
use lakegate_token_store::{RedbStore, SealedTokens, SealingKey, SealingKeys};
use prometheus::Registry;

/// Alice may read the sales; their class is put in.
fn policy(staleness: &str) -> String {
    format!(
        "version: 1\nstorages: [{{ id: lake, dialect: gcs, buckets: [lake-one] }}]\nprojects: [{{ name: p }}]\n\
        classes: [{{ name: c, token_life_seconds: 3600, staleness: {staleness} }}]\n\
        datasets: [{{ name: sales, prefix: 'gs://lake-one/sales/', project: p, class: c }}]\n\
        rules:\n  - {{ id: r, effect: allow, on: {{ dataset: sales }}, to: ['principal:alice'], operations: [read] }}\n"
    )
}

struct Bench {
    pipeline: Arc<Pipeline>,
    minter: Arc<FakeMinter>,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// A pipeline whose policy is read once, from a file, and not looked at again for a day.
    async fn new(staleness: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        std::fs::write(&file, policy(staleness)).unwrap();
        let clock = Arc::new(SystemClock);
        let reloads = Reloads::new(&Registry::new(), clock.clone()).unwrap();
        let day = Duration::from_hours(24);
        let feed = PolicyFeed::start(file, Arc::new(|_| Ok(())), day, clock.clone(), &reloads).await.unwrap();
        let store = Arc::new(RedbStore::in_memory(clock.clone()).unwrap());
        let keys = SealingKeys::single(SealingKey::generate().unwrap());
        let tokens = Arc::new(SealedTokens::new(store, keys, "test", clock.clone()).unwrap());
        let minter = Arc::new(FakeMinter::new(clock.clone()));
        let tiers = StorageTiers::new(
            &Limits::default(),
            Arc::new(Mirror::default()),
            tokens,
            minter.clone(),
            clock.clone(),
        );
        let terms = PolicyTerms {
            feed,
            staleness: StalenessBounds::default(),
            own_buckets: std::iter::empty().collect(),
        };
        let share = NarrowedShare::per_minute(NonZeroU32::MIN);
        let tiers = HashMap::from([(StorageId::parse("lake").unwrap(), tiers)]);
        Self { pipeline: Arc::new(Pipeline::new(terms, tiers, share, clock)), minter, _folder: folder }
    }

    /// The answer to a request during whose minting so much time passes.
    async fn answer_after(&self, wait: Duration) -> Result<Answer, Failure> {
        self.answer_to(Arc::new(Lasting), wait, || {}).await
    }

    /// The same for a caller to whom something happens meanwhile.
    async fn answer_to(
        &self,
        proven: Arc<dyn Proven>,
        wait: Duration,
        meanwhile: impl FnOnce(),
    ) -> Result<Answer, Failure> {
        self.minter.hold();
        let pipeline = Arc::clone(&self.pipeline);
        let asking = tokio::spawn(async move {
            let read = OperationSet::of(&[Operation::Read]);
            let part = Part::new(Target::parse("gs://lake-one/sales/x").unwrap(), read).unwrap();
            let caller = Caller::new(Principal::parse("alice").unwrap(), Proof::ClientCertificate);
            pipeline.answer((&caller, &*proven), &Ask { parts: vec![part], rejected: None }).await
        });
        while self.minter.calls() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(wait).await;
        meanwhile();
        self.minter.release();
        asking.await.unwrap()
    }
}

/// A caller whose credential can be taken away, and of which less and less may be certain.
#[derive(Default)]
struct Revocable {
    gone: AtomicBool,
    uncertain: AtomicBool,
}

impl Proven for Revocable {
    fn holds(&self, _: Timestamp) -> Result<(), Failure> {
        if self.gone.load(Ordering::Relaxed) { Err(Failure::NotPrimary) } else { Ok(()) }
    }

    fn is_certain(&self) -> Result<(), Failure> {
        if self.uncertain.load(Ordering::Relaxed) { Err(Failure::StorageNotServed) } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn dt18_whoever_is_revoked_during_a_miss_gets_nothing_and_nothing_is_minted_for_him_again() {
    let bench = Bench::new("best-effort").await;
    let proven = Arc::new(Revocable::default());
    let revoke = || proven.gone.store(true, Ordering::Relaxed);
    let outcome = bench.answer_to(proven.clone(), Duration::from_secs(1), revoke).await;
    assert!(matches!(outcome, Err(Failure::NotPrimary)), "{outcome:?}");
    let again = bench.answer_to(proven.clone(), Duration::ZERO, || {}).await;
    assert!(matches!(again, Err(Failure::NotPrimary)), "not from the tier either: {again:?}");
    assert_eq!(bench.minter.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_strict_class_is_not_served_when_the_caller_got_uncertain_during_the_wait() {
    for (staleness, served) in [("strict", false), ("best-effort", true)] {
        let proven = Arc::new(Revocable::default());
        let doubt = || proven.uncertain.store(true, Ordering::Relaxed);
        let bench = Bench::new(staleness).await;
        let outcome = bench.answer_to(proven.clone(), Duration::from_secs(1), doubt).await;
        assert_eq!(outcome.is_ok(), served, "{staleness}: {outcome:?}");
    }
}

#[test]
fn the_documents_differ_in_staleness_alone() {
    for staleness in ["strict", "best-effort"] {
        Snapshot::compile(&PolicyDocument::from_yaml(&policy(staleness)).unwrap()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_strict_class_is_not_served_when_its_policy_got_old_during_the_wait() {
    let late = Bench::new("strict").await.answer_after(Duration::from_secs(11)).await;
    assert!(matches!(late, Err(Failure::PolicyUnavailable)), "{late:?}");
    let soon = Bench::new("strict").await.answer_after(Duration::from_secs(8)).await;
    assert!(soon.is_ok(), "{soon:?}");
    let lenient = Bench::new("best-effort").await.answer_after(Duration::from_secs(11)).await;
    assert!(lenient.is_ok(), "{lenient:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_served_when_the_policy_got_too_old_for_all_during_the_wait() {
    let late = Bench::new("best-effort").await.answer_after(Duration::from_mins(31)).await;
    assert!(matches!(late, Err(Failure::PolicyUnavailable)), "{late:?}");
}
