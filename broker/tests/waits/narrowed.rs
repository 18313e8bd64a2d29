//! What a narrowed scope costs its principal, on paused time.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lakegate_broker::tiers::{Mirror, NarrowedShare, StorageTiers, Tier};
use lakegate_broker::{Answer, Ask, Failure, Lasting, Limits, Pipeline, PolicyTerms, StalenessBounds};
use lakegate_domain::{Caller, OperationSet, Part, Principal, Proof, StorageId, SystemClock, Target};
use lakegate_host::PolicyFeed;
use lakegate_policy::{PolicyDocument, Snapshot};
use lakegate_sts::FakeMinter;
use lakegate_token_store::{Fault, MemoryStore, SealedTokens, SealingKey, SealingKeys};

/// Beside what is denied to her, alice gets a scope of her own.
const POLICY: &str = "
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: p }]
datasets: [{ name: sales, prefix: 'gs://lake-one/sales/', project: p }]
rules:
- { id: r, effect: allow, on: { dataset: sales }, to: ['principal:alice'], operations: [read] }
- { id: d, effect: deny, on: { prefix: 'gs://lake-one/sales/pii/' }, to: ['principal:alice'], operations: [read] }
";

async fn ask(pipeline: Arc<Pipeline>) -> Result<Answer, Failure> {
    let caller = Caller::new(Principal::parse("alice").unwrap(), Proof::ClientCertificate);
    let target = Target::parse("gs://lake-one/sales/open/x").unwrap();
    let part = Part::new(target, OperationSet::parse("read").unwrap()).unwrap();
    pipeline.answer((&caller, &Lasting), &Ask { parts: vec![part], rejected: None }).await
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_a_scope_minted_after_waiting_for_the_store_does_not_pay_for_it_again() {
    let clock = Arc::new(SystemClock);
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let keys = SealingKeys::single(SealingKey::generate().unwrap());
    let tokens = Arc::new(SealedTokens::new(store.clone(), keys, "test", clock.clone()).unwrap());
    let minter = Arc::new(FakeMinter::new(clock.clone()));
    let limits = Limits { shared_tier_millis: 100, ..Limits::default() };
    let tiers =
        StorageTiers::new(&limits, Arc::new(Mirror::default()), tokens, minter.clone(), clock.clone());
    let terms = PolicyTerms {
        feed: PolicyFeed::fixed(Snapshot::compile(&PolicyDocument::from_yaml(POLICY).unwrap()).unwrap()),
        staleness: StalenessBounds::default(),
        own_buckets: std::iter::empty().collect(),
    };
    let tiers = HashMap::from([(StorageId::parse("lake").unwrap(), tiers)]);
    // One narrowed scope may be minted in a minute.
    let share = NarrowedShare::per_minute(NonZeroU32::MIN);
    let pipeline = Arc::new(Pipeline::new(terms, tiers, share, clock));

    store.set_fault(Fault::Slow(Duration::from_secs(10)));
    let late = tokio::spawn(ask(Arc::clone(&pipeline)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    store.set_fault(Fault::None);
    let first = ask(Arc::clone(&pipeline)).await.unwrap();
    assert!(first.grant.narrowed());
    assert_eq!(first.served.tier, Tier::Minted);
    let late = late.await.unwrap().unwrap();
    assert_eq!((late.served.tier, minter.calls()), (Tier::Local, 1));
}
