//! RD10: a server that answers, but not with what was asked for. And RD08 where the server itself is at fault.

use std::time::Duration;

use lakegate_testkit::RedisKind;
use lakegate_token_store::{BreakerState, StoreError, TokenStore};

use crate::world::{FOR_EVER, KINDS, World, keys, store, until};

#[tokio::test]
async fn rd10_after_flushall_everything_is_a_miss() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [a, b] = keys();
        world.put(&a, b"a").await.unwrap();
        world.server.command(&["FLUSHALL"]).await.unwrap();
        assert_eq!(world.store.get_many(&[a, b]).await.unwrap(), [None, None]);
        world.put(&b, b"b").await.unwrap();
        assert_eq!(world.get(&b).await.unwrap(), Some(b"b".to_vec()));
    }
}

#[tokio::test]
async fn rd10_a_full_server_refuses_writes_and_goes_on_reading() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [kept, refused] = keys();
        world.put(&kept, b"kept").await.unwrap();
        world.server.command(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
        for _ in 0..10 {
            let put = world.put(&refused, b"x").await;
            assert!(matches!(put, Err(StoreError::Refused(_))), "{put:?}");
        }
        assert_eq!(world.store.get_many(&[kept, refused]).await.unwrap(), [Some(b"kept".to_vec()), None]);
        assert_eq!(world.store.health().breaker, BreakerState::Closed);
        // One that starts meanwhile starts all the same.
        let late = store(&world.server.settings_toml(), "").await.unwrap();
        assert_eq!(late.get_many(&[kept]).await.unwrap(), [Some(b"kept".to_vec())]);
        world.server.command(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
        world.put(&refused, b"x").await.unwrap();
    }
}

#[tokio::test]
async fn rd10_a_replica_is_read_and_left_for_its_successor() {
    let world = World::start(RedisKind::Redis).await;
    let [key] = keys();
    world.put(&key, b"v").await.unwrap();
    let primary = World::start(RedisKind::Redis).await;
    let port = primary.server.address().port().to_string();
    // A replica that cannot reach its primary keeps its data and says READONLY to writers.
    world.server.command(&["REPLICAOF", "127.0.0.1", &port]).await.unwrap();
    let put = world.put(&key, b"w").await;
    assert!(matches!(put, Err(StoreError::Refused(_))), "{put:?}");
    assert_eq!(world.get(&key).await.unwrap(), Some(b"v".to_vec()), "reads go on");
    let before = world.store.health().connections;
    until("it connects anew: the name may lead elsewhere", async || {
        world.store.health().connections > before
    })
    .await;
    world.server.command(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    until("writes are taken again", async || world.put(&key, b"w").await.is_ok()).await;
    assert_eq!(world.get(&key).await.unwrap(), Some(b"w".to_vec()));
}

#[tokio::test]
async fn the_store_id_changes_with_the_body_of_data() {
    for kind in KINDS {
        let mut world = World::start(kind).await;
        let first = world.store.ping().await.unwrap();
        assert_eq!(world.store.ping().await.unwrap(), first);
        world.server.restart().await.unwrap();
        until("it answers again", async || world.store.ping().await.is_ok()).await;
        assert_ne!(world.store.ping().await.unwrap(), first, "{kind:?}");
    }
}

#[tokio::test]
async fn rd10_a_server_that_is_loading_is_a_refusal_and_not_a_fault_of_ours() {
    for kind in KINDS {
        let mut world = World::start(kind).await;
        let [key] = keys();
        world.put(&key, b"v").await.unwrap();
        // Enough keys, each loaded slowly, that loading lasts until the test has seen it.
        world.server.command(&["DEBUG", "POPULATE", "20000", "filler", "16"]).await.unwrap();
        world.server.command(&["SAVE"]).await.unwrap();
        world.server.load_slowly(Duration::from_micros(500)).await.unwrap();
        let late = store(&world.server.settings_toml(), "").await.unwrap();
        let read = late.get_many(&[key]).await;
        assert!(matches!(read, Err(StoreError::Refused(_))), "{kind:?}: {read:?}");
        assert!(matches!(late.put(&key, vec![1], FOR_EVER).await, Err(StoreError::Refused(_))));
        assert_eq!(late.health().breaker, BreakerState::Closed);
        world.server.command(&["CONFIG", "SET", "key-load-delay", "0"]).await.unwrap();
        until("it has loaded", async || late.get_many(&[key]).await.ok() == Some(vec![Some(b"v".to_vec())]))
            .await;
    }
}

#[tokio::test]
async fn rd08_a_server_that_hangs_costs_a_few_calls_and_then_nothing() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [key] = keys();
        let store = store(&world.server.settings_toml(), "call_millis = 50\n").await.unwrap();
        store.put(&key, b"v".to_vec(), FOR_EVER).await.unwrap();
        world.server.freeze().unwrap();
        until("the breaker opens", async || {
            assert!(store.get_many(&[key]).await.is_err());
            store.health().breaker == BreakerState::Open
        })
        .await;
        assert!(store.health().timeouts >= 1);
        assert!(store.health().refused_calls == 0, "it opens after the fifth failure");
        assert!(store.get_many(&[key]).await.is_err());
        assert_eq!(store.health().refused_calls, 1);
        world.server.thaw().unwrap();
        until("it is used again", async || {
            store.get_many(&[key]).await.ok() == Some(vec![Some(b"v".to_vec())])
        })
        .await;
        assert_eq!(store.health().breaker, BreakerState::Closed);
    }
}
