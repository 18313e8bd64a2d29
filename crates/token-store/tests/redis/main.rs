//! The store on real servers: Redis and Valkey, over TLS, with the shipped access list and configuration.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod logs;
mod network;
mod starting;
mod values;
mod world;

use lakegate_testkit::RedisServer;
use lakegate_token_store::conformance;
use world::{KINDS, World};

#[tokio::test]
async fn the_store_conforms_on_redis_and_on_valkey() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let make = async || {
            server.command(&["FLUSHALL"]).await.unwrap();
            world::store(&server.settings_toml(), "").await.unwrap()
        };
        conformance::run(make).await.unwrap();
    }
}

#[tokio::test]
async fn a_look_up_of_more_keys_than_one_trip_keeps_their_order() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let scopes = conformance::scopes(300).unwrap();
        let keys: Vec<_> = scopes.iter().map(lakegate_policy::Scope::key).collect();
        for (n, key) in keys.iter().enumerate().filter(|(n, _)| n % 3 != 0) {
            world.put(key, n.to_string().as_bytes()).await.unwrap();
        }
        let read = world.store.get_many(&keys).await.unwrap();
        assert_eq!(read.len(), 300);
        for (n, value) in read.into_iter().enumerate() {
            assert_eq!(value, (n % 3 != 0).then(|| n.to_string().into_bytes()), "{n}");
        }
    }
}
