//! A lake of many tables on a store and a minter that behave, and a clock that follows tokio's.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lakegate_domain::{Bucket, Clock, StorageId, Timestamp};
use lakegate_generator::{Generator, GeneratorParts};
use lakegate_host::PolicyFeed;
use lakegate_policy::{PolicyDocument, Snapshot};
use lakegate_sts::{FakeMinter, Minter};
use lakegate_token_store::{MemoryStore, SealedTokens, SealingKey, SealingKeys};
use prometheus::Registry;
use tokio::time::Instant;

/// Wall time that goes as fast as tokio's, and jumps when told to.
#[derive(Debug)]
pub(crate) struct FollowingClock {
    began: Instant,
    jumped: AtomicI64,
}

impl FollowingClock {
    pub(crate) fn jump(&self, seconds: i64) {
        self.jumped.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for FollowingClock {
    fn now(&self) -> Timestamp {
        let jumped = self.jumped.load(Ordering::SeqCst);
        Timestamp::from_millis(1_790_000_000_000 + jumped).plus(self.began.elapsed())
    }
}

/// Everything a generator works on.
pub(crate) struct Lake {
    pub(crate) clock: Arc<FollowingClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) minter: Arc<FakeMinter>,
    tokens: Arc<SealedTokens>,
    policy: Arc<PolicyFeed>,
}

impl Lake {
    pub(crate) fn with_tables(count: usize) -> Self {
        let names: Vec<String> = (0..count).map(|number| format!("table-{number}")).collect();
        let clock = Arc::new(FollowingClock { began: Instant::now(), jumped: AtomicI64::new(0) });
        let store = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let keys = SealingKeys::single(SealingKey::generate().unwrap());
        let tokens =
            SealedTokens::new(Arc::clone(&store) as _, keys, "test", Arc::clone(&clock) as _).unwrap();
        let policy = PolicyFeed::fixed(Snapshot::compile(&document(1, &names)).unwrap());
        let minter = Arc::new(FakeMinter::new(Arc::clone(&clock) as Arc<dyn Clock>));
        Self { clock, store, minter, tokens: Arc::new(tokens), policy }
    }

    pub(crate) fn generator(&self) -> Generator {
        self.generator_with(Arc::clone(&self.minter) as Arc<dyn Minter>)
    }

    pub(crate) fn generator_with(&self, minter: Arc<dyn Minter>) -> Generator {
        self.start(minter, BTreeSet::new(), &Registry::new())
    }

    pub(crate) fn generator_counted(&self, minter: Arc<dyn Minter>, registry: &Registry) -> Generator {
        self.start(minter, BTreeSet::new(), registry)
    }

    pub(crate) fn generator_beside(&self, own_bucket: &str) -> Generator {
        let own_buckets = BTreeSet::from([Bucket::parse(own_bucket).unwrap()]);
        self.start(Arc::clone(&self.minter) as Arc<dyn Minter>, own_buckets, &Registry::new())
    }

    fn start(
        &self,
        minter: Arc<dyn Minter>,
        own_buckets: BTreeSet<Bucket>,
        registry: &Registry,
    ) -> Generator {
        let parts = GeneratorParts {
            policy: Arc::clone(&self.policy),
            tokens: Arc::clone(&self.tokens),
            minters: HashMap::from([(StorageId::parse("lake").unwrap(), minter)]),
            own_buckets,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            workers: 8,
            seed: 7,
        };
        Generator::start(parts, registry).unwrap()
    }

    pub(crate) fn replace(&self, document: &PolicyDocument) {
        self.policy.replace(Snapshot::compile(document).unwrap()).unwrap();
    }

    /// What is left of the life of each plain scope's token; zero for one that is not there.
    pub(crate) async fn lives_left(&self) -> Vec<Duration> {
        let now = self.clock.now();
        let mut lives = Vec::new();
        for plain in self.policy.current().unwrap().plain_scopes() {
            let token = self.tokens.get(plain.scope()).await.unwrap();
            lives.push(token.map_or(Duration::ZERO, |token| token.remaining(now)));
        }
        lives
    }
}

/// A policy with these tables, each readable and writable by one group.
pub(crate) fn document(version: u64, tables: &[String]) -> PolicyDocument {
    let mut text = format!(
        "version: {version}\nstorages: [{{ id: lake, dialect: gcs, buckets: [lake-fill] }}]\nprojects: [{{ name: p }}]\n\
         groups: [{{ name: g, members: [\"principal:alice\"] }}]\ndatasets:\n"
    );
    for name in tables {
        writeln!(text, "  - {{ name: {name}, prefix: \"gs://lake-fill/wh/{name}/\", project: p }}").unwrap();
    }
    text.push_str("rules:\n");
    for name in tables {
        writeln!(
            text,
            "  - {{ id: {name}, effect: allow, on: {{ dataset: {name} }}, to: [\"group:g\"], operations: [read, list, write, delete] }}"
        )
        .unwrap();
    }
    PolicyDocument::from_yaml(&text).unwrap()
}
