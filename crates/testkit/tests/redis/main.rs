//! A whole Lakegate on a real Redis, and what is left of it when Redis dies.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1::GetAccessTokenResponse;
use lakegate_testkit::{Caller, Deployment, Options, RedisKind, RedisServer, Store, bearer};

const READ: &[Operation] = &[Operation::Read];
const DATASETS: usize = 8;
/// Longer than anything that is waited for; a test that comes here has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A lake of some datasets; below each is one folder that alice may not have, so that beside it her scopes are
/// narrowed, and nobody mints them ahead of time.
fn policy() -> Result<PolicyDocument> {
    let mut policy = "version: 1\nstorages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]\n\
        projects: [{ name: growth }]\n\
        groups: [{ name: team, members: [\"principal:alice\", \"principal:bob\"] }]\nrules:\n"
        .to_owned();
    for n in 0..DATASETS {
        writeln!(
            policy,
            "  - {{ id: a{n}, effect: allow, on: {{ dataset: d{n} }}, to: [\"group:team\"], operations: [read, list] }}\n  \
             - {{ id: n{n}, effect: deny, on: {{ prefix: \"gs://lake-one/d{n}/private/\" }}, \
             to: [\"principal:alice\"], operations: [read, list] }}"
        )?;
    }
    policy.push_str("datasets:\n");
    for n in 0..DATASETS {
        writeln!(policy, "  - {{ name: d{n}, prefix: \"gs://lake-one/d{n}/\", project: growth }}")?;
    }
    Ok(PolicyDocument::from_yaml(&policy)?)
}

/// A lake whose shared tier is on a server of its own.
struct World {
    redis: RedisServer,
    lake: Deployment,
    alice: Caller,
    bob: Caller,
}

impl World {
    async fn start(kind: RedisKind) -> Result<Self> {
        let redis = RedisServer::start(kind).await?;
        let store = Store::Redis(Box::new(redis.settings()?));
        let lake = Deployment::start(Options { store, ..Options::of(policy()?) }).await?;
        let (alice, bob) = (lake.caller("alice")?, lake.caller("bob")?);
        Ok(Self { redis, lake, alice, bob })
    }

    fn tier(&self, answer: &GetAccessTokenResponse) -> Result<String> {
        let record = self.lake.audit().record(&answer.audit_id)?;
        Ok(record["token"]["tier"].as_str().unwrap_or_default().to_owned())
    }

    /// Neither a token nor a name is in any key or value of the server.
    async fn redis_knows_no_secret(&self, answer: &GetAccessTokenResponse) -> Result<()> {
        let mut admin = self.redis.admin().await?;
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut admin).await?;
        assert!(keys.len() >= DATASETS);
        for key in keys {
            let value: Vec<u8> = redis::cmd("GET").arg(&key).query_async(&mut admin).await?;
            let digits = key.strip_prefix("lg:").unwrap_or_default();
            assert!(digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{key}");
            for word in [bearer(answer)?, "ya29.", "lake-one", "gs://", "team", "alice"] {
                assert!(!value.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
            }
        }
        Ok(())
    }

    async fn keys(&self) -> Result<usize> {
        let mut admin = self.redis.admin().await?;
        Ok(redis::cmd("DBSIZE").query_async(&mut admin).await?)
    }

    /// A gauge, which are whole numbers here.
    fn metric(&self, name: &str, label: &str) -> i64 {
        let families = self.lake.registry().gather();
        let family = families.iter().find(|family| family.name() == name).expect(name);
        let fits = |metric: &&prometheus::proto::Metric| {
            label.is_empty() || metric.get_label().iter().any(|pair| pair.value() == label)
        };
        family.get_metric().iter().find(fits).expect(label).get_gauge().get_value().round() as i64
    }
}

async fn until(what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await? {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_fills_and_serves_from_redis_and_from_valkey() -> Result<()> {
    for kind in [RedisKind::Redis, RedisKind::Valkey] {
        let world = World::start(kind).await?;
        // Writes follow behind what waits for them.
        until("a filled store", async || Ok(world.keys().await? >= DATASETS)).await?;
        let minted = world.lake.emulator().calls().sts;
        for n in 0..DATASETS {
            let answer = world.bob.ask(&format!("gs://lake-one/d{n}/x"), READ).await?;
            assert_ne!(world.tier(&answer)?, "minted", "d{n}");
        }
        assert_eq!(world.lake.emulator().calls().sts, minted, "no call to the cloud");
        world.redis_knows_no_secret(&world.bob.ask("gs://lake-one/d1/x", READ).await?).await?;
        // What is minted on demand is shared, behind the answer's back.
        let before = world.keys().await?;
        let answer = world.alice.ask("gs://lake-one/d0/open/x", READ).await?;
        assert_eq!(world.tier(&answer)?, "minted");
        until("it is shared", async || Ok(world.keys().await? > before)).await?;
        assert_eq!(world.metric("lakegate_broker_store_reached", ""), 1);
        assert!(world.lake.stop().await);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rd08_when_redis_dies_no_caller_sees_it_and_when_it_comes_back_it_is_filled() -> Result<()> {
    let mut world = World::start(RedisKind::Redis).await?;
    let warm = world.bob.ask("gs://lake-one/d0/x", READ).await?;
    world.redis.kill();
    for round in 0..20 {
        let answer = world.bob.ask("gs://lake-one/d0/x", READ).await?;
        assert_eq!(world.tier(&answer)?, "local");
        assert_eq!(answer.credential, warm.credential);
        // Nobody has a token for these: they are minted, with the store gone.
        let path = format!("gs://lake-one/d{}/open{round}/x", round % DATASETS);
        let answer = world.alice.ask(&path, READ).await?;
        assert_eq!(world.tier(&answer)?, "minted");
        assert_eq!(world.tier(&world.alice.ask(&path, READ).await?)?, "local");
    }
    until("lost writes are counted", async || {
        Ok(world.metric("lakegate_broker_store_failures", "write") >= 20)
    })
    .await?;
    assert!(world.metric("lakegate_broker_store_breaker_opened", "") >= 1);
    world.redis.restart().await?;
    until("the generator fills it again", async || Ok(world.keys().await? >= DATASETS)).await?;
    let round = std::sync::atomic::AtomicU64::new(0);
    until("the broker uses it again", async || {
        let next = round.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        world.alice.ask(&format!("gs://lake-one/d1/late{next}/x"), READ).await?;
        Ok(world.metric("lakegate_broker_store_breaker_open", "") == 0 && world.keys().await? > 0)
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rd10_when_redis_takes_nothing_callers_get_their_tokens_and_the_loss_is_counted() -> Result<()> {
    let world = World::start(RedisKind::Redis).await?;
    world.redis.command(&["FLUSHALL"]).await?;
    world.redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    let answer = world.alice.ask("gs://lake-one/d0/open/x", READ).await?;
    assert_eq!(world.tier(&answer)?, "minted");
    until("the dropped write is counted", async || {
        Ok(world.metric("lakegate_broker_store_failures", "write") >= 1)
    })
    .await?;
    assert_eq!(world.metric("lakegate_broker_store_breaker_open", ""), 0, "it answers, so it is asked");
    Ok(())
}
