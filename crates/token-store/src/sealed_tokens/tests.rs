//! Attacks on values in the store, on each kind of store.

mod rotation;

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use lakegate_domain::{Credential, ManualClock, Secret};
use lakegate_testkit::{RedisKind, RedisServer};

use super::*;
use crate::test_tokens::{HOUR, NOON, bearer, key, keys, redis_store, scopes, texts, token};
use crate::{Fault, MemoryStore, RedbStore, conformance};

/// A store, and a process that uses it.
struct Bench {
    store: Arc<dyn TokenStore>,
    clock: Arc<ManualClock>,
    tokens: SealedTokens,
    _server: Option<RedisServer>,
}

/// Every kind of store, the servers started for this test.
async fn benches() -> Vec<Bench> {
    let clock = Arc::new(ManualClock::at(NOON));
    let of = |store: Arc<dyn TokenStore>, server| Bench {
        tokens: start(&store, keys(1), &clock),
        clock: Arc::clone(&clock),
        store,
        _server: server,
    };
    let wall = || Arc::clone(&clock) as Arc<dyn Clock>;
    let mut benches = vec![
        of(Arc::new(MemoryStore::new(wall())), None),
        of(Arc::new(RedbStore::in_memory(wall()).unwrap()), None),
    ];
    for kind in [RedisKind::Redis, RedisKind::Valkey] {
        let server = RedisServer::start(kind).await.unwrap();
        benches.push(of(redis_store(&server, wall()).await, Some(server)));
    }
    benches
}

/// A process start on a store.
fn start(store: &Arc<dyn TokenStore>, keys: SealingKeys, clock: &Arc<ManualClock>) -> SealedTokens {
    SealedTokens::new(Arc::clone(store), keys, "prod", Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

impl Bench {
    async fn raw(&self, scope: &Scope) -> Option<Vec<u8>> {
        self.store.get_many(&[scope.key()]).await.unwrap().pop().flatten()
    }

    /// What a stranger with access to the store does.
    async fn plant(&self, scope: &Scope, value: Vec<u8>) {
        self.store.put(&scope.key(), value, Timestamp::from_millis(i64::MAX)).await.unwrap();
    }

    /// Asserts that the scope has no token and that its value left the store.
    async fn is_refused_and_removed(&self, scope: &Scope) {
        assert!(self.tokens.get(scope).await.unwrap().is_none());
        assert!(self.raw(scope).await.is_none(), "removed");
        assert!(self.tokens.get(scope).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn tokens_come_back_to_this_and_other_processes_in_the_order_asked() {
    for bench in benches().await {
        let [a, b, c] = scopes();
        let triple = Credential::Aws {
            access_key_id: "ASIA".to_owned(),
            secret_access_key: Secret::new("s".to_owned()),
            session_token: Secret::new("t".to_owned()),
        };
        bench.tokens.put(&a, &bearer(&a, "of a")).await.unwrap();
        bench.tokens.put(&b, &token(&b, triple)).await.unwrap();
        let other = start(&bench.store, keys(1), &bench.clock);
        for process in [&bench.tokens, &other] {
            let read = process.get_many(&[&b, &c, &a]).await.unwrap();
            let read: Vec<_> =
                read.iter().map(|token| token.as_ref().map(|t| texts(&t.credential))).collect();
            assert_eq!(read, [Some(vec!["aws", "ASIA", "s", "t"]), None, Some(vec!["bearer", "of a"])]);
        }
        let read = other.get(&a).await.unwrap().unwrap();
        assert_eq!((read.scope_tag, read.snapshot, read.minted_at), (a.tag(), 7, NOON));
        bench.tokens.remove(&[a.key()]).await.unwrap();
        assert!(other.get(&a).await.unwrap().is_none());
        assert_eq!(other.alarms(), AlarmCounts::default());
    }
}

#[tokio::test]
async fn rd01_tampered_values_are_misses_counted_and_removed() {
    for bench in benches().await {
        let [scope] = scopes();
        bench.tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
        let value = bench.raw(&scope).await.unwrap();
        let mut flipped = value.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for (n, tampered) in [flipped, value[..60].to_vec(), Vec::new()].into_iter().enumerate() {
            bench.plant(&scope, tampered).await;
            bench.is_refused_and_removed(&scope).await;
            assert_eq!(bench.tokens.alarms().tampered, n as u64 + 1);
        }
        bench.plant(&scope, value).await;
        assert!(bench.tokens.get(&scope).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn rd02_swapped_values_are_misses_for_both_keys() {
    for bench in benches().await {
        let [a, b] = scopes();
        bench.tokens.put(&a, &bearer(&a, "of a")).await.unwrap();
        bench.tokens.put(&b, &bearer(&b, "of b")).await.unwrap();
        let (of_a, of_b) = (bench.raw(&a).await.unwrap(), bench.raw(&b).await.unwrap());
        bench.plant(&a, of_b).await;
        bench.plant(&b, of_a).await;
        assert!(bench.tokens.get_many(&[&a, &b]).await.unwrap().iter().all(Option::is_none));
        assert_eq!(bench.tokens.alarms(), AlarmCounts { tampered: 2, ..AlarmCounts::default() });
        assert!(bench.raw(&a).await.is_none() && bench.raw(&b).await.is_none());
    }
}

#[tokio::test]
async fn rd03_values_of_another_format_are_misses_and_left_for_those_who_read_them() {
    for bench in benches().await {
        let [scope] = scopes();
        bench.tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
        let mut value = bench.raw(&scope).await.unwrap();
        value[0] = 2;
        bench.plant(&scope, value.clone()).await;
        assert!(bench.tokens.get(&scope).await.unwrap().is_none());
        assert_eq!(bench.tokens.alarms().unknown_format, 1);
        assert_eq!(bench.raw(&scope).await, Some(value));
    }
}

#[tokio::test]
async fn rd04_a_replayed_value_of_another_generation_does_not_serve() {
    for bench in benches().await {
        let [old] = scopes();
        let raised = conformance::scopes_of_generation(1, 1).unwrap().remove(0);
        assert_ne!(old.key(), raised.key(), "the generation is part of the key");
        bench.tokens.put(&old, &bearer(&old, "t")).await.unwrap();
        assert!(bench.tokens.get(&raised).await.unwrap().is_none());
        bench.plant(&raised, bench.raw(&old).await.unwrap()).await;
        bench.is_refused_and_removed(&raised).await;
        assert_eq!(bench.tokens.alarms().tampered, 1);
        // Even where the seal is good, the generation inside is compared.
        for (distrust, generation, inside) in
            [(Distrust::OldGeneration, 0, &raised), (Distrust::WrongScope, 1, &old)]
        {
            let sealer = bench.tokens.sealer.load();
            let value = sealer.seal_purporting(&raised, inside, generation).unwrap();
            assert_eq!(believe(&sealer, &raised, value, NOON).unwrap_err(), distrust);
        }
    }
}

#[tokio::test]
async fn rd04_a_replayed_value_serves_no_longer_than_its_own_token_lives() {
    for bench in benches().await {
        let [scope] = scopes();
        bench.tokens.put(&scope, &bearer(&scope, "first")).await.unwrap();
        let first = bench.raw(&scope).await.unwrap();
        bench.clock.set(NOON.plus(Duration::from_secs(HOUR)));
        bench.plant(&scope, first).await;
        bench.is_refused_and_removed(&scope).await;
        assert_eq!(bench.tokens.alarms(), AlarmCounts { expired_inside: 1, ..AlarmCounts::default() });
        bench.clock.set(NOON);
    }
}

#[tokio::test]
async fn rd05_what_the_store_thinks_of_expiry_is_not_relied_upon() {
    for bench in benches().await {
        let [scope] = scopes();
        bench.tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
        let value = bench.raw(&scope).await.unwrap();
        let ten_years = NOON.plus(Duration::from_hours(10 * 365 * 24));
        let end = NOON.plus(Duration::from_secs(HOUR));
        for keep_until in [ten_years, Timestamp::from_millis(i64::MAX)] {
            bench.store.put(&scope.key(), value.clone(), keep_until).await.unwrap();
            bench.clock.set(end.minus(Duration::from_millis(1)));
            assert!(bench.tokens.get(&scope).await.unwrap().is_some());
            bench.clock.set(end);
            bench.is_refused_and_removed(&scope).await;
            bench.clock.set(NOON);
        }
        let counted = bench.tokens.alarms();
        assert_eq!(counted.expired_inside, 2);
        for keep_until in [Timestamp::from_millis(0), Timestamp::from_millis(-1)] {
            bench.store.put(&scope.key(), value.clone(), keep_until).await.unwrap();
            assert!(bench.tokens.get(&scope).await.unwrap().is_none());
        }
        assert_eq!(bench.tokens.alarms(), counted, "a value that expired early is a plain miss");
    }
}

#[tokio::test]
async fn rd06_values_of_unknown_keys_are_misses_and_stay_for_those_who_have_the_key() {
    for bench in benches().await {
        let [scope] = scopes();
        bench.tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
        let value = bench.raw(&scope).await;
        let rotating = SealingKeys { current: key(2), previous: Some(key(1)) };
        assert!(start(&bench.store, rotating, &bench.clock).get(&scope).await.unwrap().is_some());
        let retired = start(&bench.store, keys(2), &bench.clock);
        assert!(retired.get(&scope).await.unwrap().is_none());
        assert_eq!(retired.alarms(), AlarmCounts { wrong_key: 1, ..AlarmCounts::default() });
        assert_eq!(bench.raw(&scope).await, value);
    }
}

#[tokio::test]
async fn rd12_the_store_sees_hashed_keys_and_no_name() {
    let clock = Arc::new(ManualClock::at(NOON));
    let memory = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let store: Arc<dyn TokenStore> = Arc::clone(&memory) as Arc<dyn TokenStore>;
    let tokens = start(&store, keys(1), &clock);
    let [scope] = scopes();
    tokens.put(&scope, &bearer(&scope, "canary-51d2")).await.unwrap();
    let contents = memory.contents();
    let [(key, value)] = contents.as_slice() else { panic!("one entry") };
    assert_eq!(key, &scope.key());
    for word in ["canary", "lake", "prod", "gs://"] {
        let found = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!found(value), "{word}");
        assert!(!found(key.as_bytes()), "{word}");
    }
}

#[tokio::test]
async fn a_token_is_not_put_under_a_scope_that_it_is_not_for() {
    for bench in benches().await {
        let [a, b] = scopes();
        let refused = bench.tokens.put(&a, &bearer(&b, "t")).await;
        assert!(matches!(refused, Err(StoreError::WrongScope)));
        assert!(bench.raw(&a).await.is_none());
    }
}

/// A store that answers fewer keys than it was asked for.
#[derive(Debug)]
struct Forgetful;

#[async_trait::async_trait]
impl TokenStore for Forgetful {
    async fn get_many(&self, _: &[ScopeKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        Ok(vec![None])
    }

    async fn put(&self, _: &ScopeKey, _: Vec<u8>, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn remove(&self, _: &[ScopeKey]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<StoreId, StoreError> {
        Ok(StoreId::new("forgetful".to_owned()))
    }
}

#[tokio::test]
async fn an_answer_for_another_number_of_keys_is_an_error_and_says_nothing_of_any() {
    let clock = Arc::new(ManualClock::at(NOON));
    let tokens = start(&(Arc::new(Forgetful) as Arc<dyn TokenStore>), keys(1), &clock);
    let [a, b] = scopes();
    assert!(matches!(tokens.get_many(&[&a, &b]).await, Err(StoreError::Unavailable(_))));
    assert!(tokens.get_many(&[&a]).await.unwrap()[0].is_none());
}

#[tokio::test]
async fn a_store_that_is_down_is_an_error_and_never_a_miss() {
    let clock = Arc::new(ManualClock::at(NOON));
    let memory = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let tokens = start(&(Arc::clone(&memory) as Arc<dyn TokenStore>), keys(1), &clock);
    let [scope] = scopes();
    tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
    memory.set_fault(Fault::Down);
    assert!(matches!(tokens.get(&scope).await, Err(StoreError::Unavailable(_))));
    assert!(tokens.put(&scope, &bearer(&scope, "t")).await.is_err());
    assert!(tokens.remove(&[scope.key()]).await.is_err());
    assert!(tokens.ping().await.is_err());
    memory.set_fault(Fault::None);
    assert!(tokens.get(&scope).await.unwrap().is_some());
    assert!(tokens.ping().await.is_ok());
}

/// Where captured logs go.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn lg01_no_secret_is_in_debug_output_logs_or_the_store() {
    const CANARY: &str = "canary-9b1e";
    let logs = Captured::default();
    let writer = logs.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _capturing = tracing::subscriber::set_default(subscriber);
    let secret: [u8; 32] = *b"canary-9b1e-canary-9b1e-canary-9";
    let key = crate::SealingKey::from_bytes(1, secret);
    let shown_key = format!("{key:?}");
    let clock = Arc::new(ManualClock::at(NOON));
    let memory = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let store: Arc<dyn TokenStore> = Arc::clone(&memory) as Arc<dyn TokenStore>;
    let tokens = start(&store, SealingKeys::single(key), &clock);
    let [scope, other] = scopes();
    let sealed = bearer(&scope, CANARY);
    tokens.put(&scope, &sealed).await.unwrap();
    let value = memory.contents().remove(0).1;
    store.put(&other.key(), value.clone(), NOON.plus(Duration::from_secs(1))).await.unwrap();
    assert!(tokens.get(&other).await.unwrap().is_none());
    let read = tokens.get(&scope).await.unwrap();
    let refused = tokens.put(&other, &sealed).await.unwrap_err();
    let shown = format!("{shown_key} {tokens:?} {tokens:#?} {read:?} {sealed:?} {refused:?} {refused}");
    let logged = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("tampered") && logged.contains("ERROR"), "the alarm is in the log: {logged}");
    assert!(!shown.contains(CANARY) && !shown.contains(&format!("{:?}", &secret[..4])), "{shown}");
    assert!(!logged.contains(CANARY));
    assert!(!value.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

#[tokio::test]
async fn after_a_rotation_old_values_open_while_their_key_is_the_previous_one() {
    for bench in benches().await {
        let [old, new] = scopes();
        bench.tokens.put(&old, &bearer(&old, "before")).await.unwrap();
        bench.tokens.rotate(SealingKeys { current: key(2), previous: Some(key(1)) }).unwrap();
        bench.tokens.put(&new, &bearer(&new, "after")).await.unwrap();
        let both = bench.tokens.get_many(&[&old, &new]).await.unwrap();
        assert!(both.iter().all(Option::is_some));
        // A process that has only the new key reads what was sealed after the rotation.
        let reader = start(&bench.store, keys(2), &bench.clock);
        assert!(reader.get(&old).await.unwrap().is_none());
        assert!(reader.get(&new).await.unwrap().is_some());
        bench.tokens.rotate(keys(2)).unwrap();
        assert!(bench.tokens.get(&old).await.unwrap().is_none());
        assert!(bench.tokens.get(&new).await.unwrap().is_some());
        assert_eq!(bench.tokens.alarms(), AlarmCounts { wrong_key: 1, ..AlarmCounts::default() });
        assert!(bench.raw(&old).await.is_some(), "left for those who have the key");
    }
}

#[tokio::test]
async fn a_rotation_that_fails_leaves_the_old_keys_in_force() {
    let clock = Arc::new(ManualClock::at(NOON));
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let tokens = start(&store, keys(1), &clock);
    let [scope] = scopes();
    tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
    let twins = SealingKeys { current: key(2), previous: Some(key(2)) };
    assert!(matches!(tokens.rotate(twins), Err(StoreError::DuplicateKeyId)));
    assert!(tokens.get(&scope).await.unwrap().is_some());
    tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
    assert!(start(&store, keys(1), &clock).get(&scope).await.unwrap().is_some());
    // The cluster stays the one it was.
    tokens.rotate(keys(3)).unwrap();
    tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
    assert!(start(&store, keys(3), &clock).get(&scope).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_misses_a_token_while_keys_rotate_under_load() {
    let clock = Arc::new(ManualClock::at(NOON));
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let tokens = Arc::new(start(&store, keys(1), &clock));
    let users: Vec<_> = scopes::<4>()
        .into_iter()
        .map(|scope| {
            let tokens = Arc::clone(&tokens);
            tokio::spawn(async move {
                for round in 0..500 {
                    let text = format!("{round}");
                    tokens.put(&scope, &bearer(&scope, &text)).await.unwrap();
                    // Between these two at most one rotation may come: each keeps the key before it.
                    let read = tokens.get(&scope).await.unwrap();
                    assert_eq!(texts(&read.unwrap().credential), ["bearer", &text]);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 2..=40 {
        // A put and a get lie within one turn of each user; give them all some turns.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        tokens.rotate(SealingKeys { current: key(number), previous: Some(key(number - 1)) }).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for user in users {
        user.await.unwrap();
    }
    assert_eq!(tokens.alarms(), AlarmCounts::default());
}

#[tokio::test(start_paused = true)]
async fn a_token_put_later_waits_for_nothing_and_what_is_too_much_is_dropped_and_counted() {
    let clock = Arc::new(ManualClock::at(NOON));
    let memory = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let tokens = start(&(Arc::clone(&memory) as Arc<dyn TokenStore>), keys(1), &clock);
    let [scope, other] = scopes();
    memory.set_fault(Fault::Slow(Duration::from_secs(5)));
    for _ in 0..WRITES_UNDER_WAY + 3 {
        tokens.put_later(&scope, &bearer(&scope, "t")).unwrap();
    }
    assert!(memory.is_empty());
    assert_eq!(tokens.failures(), FailureCounts { dropped: 3, ..FailureCounts::default() });
    tokens.settled().await;
    assert_eq!(memory.len(), 1);
    assert!(matches!(tokens.put_later(&scope, &bearer(&other, "t")), Err(StoreError::WrongScope)));
    memory.set_fault(Fault::Down);
    tokens.put_later(&scope, &bearer(&scope, "t")).unwrap();
    tokens.settled().await;
    assert!(tokens.get(&scope).await.is_err());
    assert!(tokens.remove(&[scope.key()]).await.is_err());
    let counts = FailureCounts { reads: 1, writes: 1, removals: 1, dropped: 3 };
    assert_eq!(tokens.failures(), counts);
}
