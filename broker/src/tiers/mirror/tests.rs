//! The mirror on paused time: loading, following, renewing, and what a store that is away does not change.

use std::collections::HashSet;
use std::time::Duration;

use lakegate_domain::{Caller, Clock, Credential, Operation, OperationSet, Part, Principal, Proof};
use lakegate_domain::{ScopeTag, Secret, Target, Timestamp};
use lakegate_host::PolicyFeed;
use lakegate_policy::{PolicyDocument, Snapshot};
use lakegate_sts::FakeMinter;
use lakegate_token_store::{Fault, MemoryStore, SealedTokens, SealingKey, SealingKeys};
use tokio::time::Instant;

use super::*;
use crate::tiers::{StorageTiers, Want};
use crate::{Failure, Limits};

const LIFE: Duration = Duration::from_hours(1);

/// Wall time that goes as fast as tokio's.
#[derive(Debug)]
struct FollowingClock(Instant);

impl Clock for FollowingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_790_000_000).plus(self.0.elapsed())
    }
}

/// A store, a policy, and a mirror that follows both.
struct World {
    clock: Arc<dyn Clock>,
    store: Arc<MemoryStore>,
    tokens: Arc<SealedTokens>,
    policy: Arc<PolicyFeed>,
}

impl World {
    fn of(datasets: &[&str]) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(FollowingClock(Instant::now()));
        let store = Arc::new(MemoryStore::new(Arc::clone(&clock)));
        let keys = SealingKeys::single(SealingKey::generate().unwrap());
        let tokens = SealedTokens::new(Arc::clone(&store) as _, keys, "test", Arc::clone(&clock)).unwrap();
        let policy = PolicyFeed::fixed(snapshot(1, datasets));
        Self { clock, store, tokens: Arc::new(tokens), policy }
    }

    fn mirror(&self) -> Arc<Mirror> {
        let mirror = Arc::new(Mirror::default());
        let served = HashSet::from([lakegate_domain::StorageId::parse("lake").unwrap()]);
        let (policy, tokens) = (Arc::clone(&self.policy), Arc::clone(&self.tokens));
        tokio::spawn(Mirroring::new(&mirror, policy, tokens, Arc::clone(&self.clock), served).run());
        mirror
    }

    fn scopes(&self) -> Vec<Scope> {
        let plain = self.policy.current().unwrap().plain_scopes();
        plain.iter().map(|plain| plain.scope().clone()).collect()
    }

    fn token(&self, scope: &Scope, text: &str) -> AccessToken {
        let now = self.clock.now();
        AccessToken {
            credential: Credential::Bearer(Secret::new(text.to_owned())),
            minted_at: now,
            expires_at: now.plus(LIFE),
            scope_tag: scope.tag(),
            snapshot: 1,
        }
    }

    async fn fill(&self, text: &str) {
        for scope in self.scopes() {
            self.tokens.put(&scope, &self.token(&scope, text)).await.unwrap();
        }
    }
}

fn snapshot(version: u64, datasets: &[&str]) -> Snapshot {
    let dataset =
        |name: &&str| format!("  - {{ name: {name}, prefix: \"gs://lake/{name}/\", project: p }}\n");
    let rule = |name: &&str| {
        format!(
            "  - {{ id: r-{name}, effect: allow, on: {{ dataset: {name} }}, to: [\"principal:alice\"], operations: [read, list] }}\n"
        )
    };
    let text = format!(
        "version: {version}\nstorages:\n  - {{ id: lake, dialect: gcs, buckets: [lake] }}\nprojects:\n  - {{ name: p }}\n\
         datasets:\n{}rules:\n{}",
        datasets.iter().map(dataset).collect::<String>(),
        datasets.iter().map(rule).collect::<String>(),
    );
    Snapshot::compile(&PolicyDocument::from_yaml(&text).unwrap()).unwrap()
}

fn text(mirror: &Mirror, scope: &Scope) -> Option<String> {
    let token = mirror.token(&scope.key())?;
    match &token.credential {
        Credential::Bearer(secret) => Some(secret.expose().to_owned()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn plain_scopes_are_in_memory_before_anybody_asks() {
    let world = World::of(&["a", "b", "c"]);
    world.fill("first").await;
    let mirror = world.mirror();
    mirror.loaded().await;
    world.store.set_fault(Fault::Down);
    assert_eq!(mirror.counts(), (3, 3));
    for scope in world.scopes() {
        assert_eq!(text(&mirror, &scope).as_deref(), Some("first"));
    }
}

#[tokio::test(start_paused = true)]
async fn more_slots_than_one_read_holds_are_all_loaded() {
    let names: Vec<String> = (0..1_200).map(|number| format!("table-{number}")).collect();
    let world = World::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    world.fill("first").await;
    let mirror = world.mirror();
    mirror.loaded().await;
    assert_eq!(mirror.counts(), (1_200, 1_200));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_read_again_when_a_generator_may_have_renewed_it() {
    let world = World::of(&["a"]);
    world.fill("first").await;
    let mirror = world.mirror();
    mirror.loaded().await;
    let scope = world.scopes().remove(0);
    tokio::time::sleep(LIFE / 4).await;
    world.fill("second").await;
    assert_eq!(text(&mirror, &scope).as_deref(), Some("first"), "nobody looks at a fresh token");
    tokio::time::sleep(LIFE / 4 + LONGEST_LOOK).await;
    assert_eq!(text(&mirror, &scope).as_deref(), Some("second"));
}

/// Longer than any pause between two looks at a token that is due.
const LONGEST_LOOK: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn a_token_that_comes_later_is_found_without_a_request() {
    let world = World::of(&["a"]);
    let mirror = world.mirror();
    mirror.loaded().await;
    assert_eq!(mirror.counts(), (1, 0));
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.fill("late").await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(mirror.counts(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_at_the_start_is_waited_for() {
    let world = World::of(&["a"]);
    world.fill("first").await;
    world.store.set_fault(Fault::Down);
    let mirror = world.mirror();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!mirror.is_loaded());
    world.store.set_fault(Fault::None);
    mirror.loaded().await;
    assert_eq!(mirror.counts(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn slots_come_and_go_with_the_snapshot() {
    let world = World::of(&["a", "b"]);
    world.fill("first").await;
    let mirror = world.mirror();
    mirror.loaded().await;
    let before = world.scopes();
    world.store.set_fault(Fault::Down);
    world.policy.replace(snapshot(2, &["b", "c"])).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(mirror.counts(), (2, 1), "b is kept, c is not read yet");
    assert_eq!(text(&mirror, &before[0]), None, "a left the policy, and memory with it");
    assert_eq!(text(&mirror, &before[1]).as_deref(), Some("first"));
}

#[tokio::test(start_paused = true)]
async fn an_older_token_of_the_store_does_not_replace_a_newer_one() {
    let world = World::of(&["a"]);
    world.fill("old").await;
    let mirror = world.mirror();
    mirror.loaded().await;
    let scope = world.scopes().remove(0);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(mirror.put(&scope.key(), &Arc::new(world.token(&scope, "minted"))));
    tokio::time::sleep(LIFE / 2 + LONGEST_LOOK).await;
    assert_eq!(text(&mirror, &scope).as_deref(), Some("minted"));
}

#[tokio::test(start_paused = true)]
async fn a_token_under_the_key_of_another_scope_is_never_handed_out() {
    let world = World::of(&["a", "b"]);
    let mirror = world.mirror();
    mirror.loaded().await;
    let scopes = world.scopes();
    mirror.put(&scopes[0].key(), &Arc::new(world.token(&scopes[1], "of b")));
    let minter = Arc::new(FakeMinter::new(Arc::clone(&world.clock)));
    let tiers = StorageTiers::new(
        &Limits::default(),
        Arc::clone(&mirror),
        Arc::clone(&world.tokens),
        minter,
        Arc::clone(&world.clock),
    );
    let caller = Caller::new(Principal::parse("alice").unwrap(), Proof::ClientCertificate);
    let target = Target::parse("gs://lake/a/").unwrap();
    let part = Part::new(target, OperationSet::of(&[Operation::Read])).unwrap();
    let grant = world.policy.current().unwrap().decide(&caller, &[part], world.clock.now()).unwrap();
    let hit = tiers.hit(&Want { grant: &grant, rejected: None });
    assert!(matches!(hit, Err(Failure::Internal(_))), "{hit:?}");
    assert_eq!(mirror.mismatches(), 1);
    assert_ne!(scopes[0].tag(), ScopeTag([0; 16]));
}
