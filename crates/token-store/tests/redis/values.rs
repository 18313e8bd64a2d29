//! What somebody with access to the server may do to values, seen from the bytes. What sealing makes of them is
//! tested beside `SealedTokens`, on the same servers.

use std::time::Duration;

use lakegate_domain::{Clock, SystemClock, Timestamp};
use lakegate_token_store::{MAX_VALUE_BYTES, TokenStore};
use redis::Value;

use crate::world::{FOR_EVER, KINDS, World, keys, name, store};

#[tokio::test]
async fn rd01_a_huge_value_is_not_read_and_reads_as_empty() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [huge, fine] = keys();
        world.on("SETRANGE", &huge, &[&(64 << 20).to_string(), "x"]).await;
        assert_eq!(world.on("STRLEN", &huge, &[]).await, Value::Int((64 << 20) + 1));
        world.put(&fine, &vec![7; MAX_VALUE_BYTES]).await.unwrap();
        let sent = sent_bytes(&world).await;
        let read = world.store.get_many(&[huge, fine]).await.unwrap();
        assert_eq!(read, [Some(Vec::new()), Some(vec![7; MAX_VALUE_BYTES])]);
        assert!(sent_bytes(&world).await - sent < 1 << 20, "the server cut it");
    }
}

/// How many bytes the server has sent altogether.
async fn sent_bytes(world: &World) -> u64 {
    let mut admin = world.server.admin().await.unwrap();
    let info: String = redis::cmd("INFO").arg("stats").query_async(&mut admin).await.unwrap();
    let count = info.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:")).unwrap();
    count.trim().parse().unwrap()
}

#[tokio::test]
async fn rd01_an_empty_value_is_told_from_a_missing_one() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [empty, missing] = keys();
        world.on("SET", &empty, &[""]).await;
        assert_eq!(world.store.get_many(&[empty, missing]).await.unwrap(), [Some(Vec::new()), None]);
    }
}

#[tokio::test]
async fn rd01_a_key_of_another_type_reads_as_empty_and_can_be_removed_or_replaced() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [list, hash, fine] = keys();
        world.on("LPUSH", &list, &["x"]).await;
        world.on("HSET", &hash, &["f", "v"]).await;
        world.put(&fine, b"fine").await.unwrap();
        let read = world.store.get_many(&[list, hash, fine]).await.unwrap();
        assert_eq!(read, [Some(Vec::new()), Some(Vec::new()), Some(b"fine".to_vec())]);
        world.store.remove(&[list]).await.unwrap();
        world.put(&hash, b"again").await.unwrap();
        let read = world.store.get_many(&[list, hash]).await.unwrap();
        assert_eq!(read, [None, Some(b"again".to_vec())]);
    }
}

#[tokio::test]
async fn rd05_the_server_forgets_in_time_and_never_keeps_for_ever() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [short, long] = keys();
        let minute = SystemClock.now().plus(Duration::from_mins(1));
        world.store.put(&short, b"v".to_vec(), minute).await.unwrap();
        world.store.put(&long, b"v".to_vec(), FOR_EVER).await.unwrap();
        let Value::Int(left) = world.on("PTTL", &short, &[]).await else { panic!("no number") };
        assert!((1..=60_000).contains(&left), "{left}");
        let Value::Int(left) = world.on("TTL", &long, &[]).await else { panic!("no number") };
        assert!((1..=31 * 24 * 3600).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn rd05_poisoned_expiries_are_misses_or_values_and_never_errors() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [key] = keys();
        let ten_years = (10 * 365 * 24 * 3600).to_string();
        for (command, rest, stays) in [
            ("PERSIST", vec![], true),
            ("EXPIRE", vec![ten_years.as_str()], true),
            ("EXPIRE", vec!["0"], false),
            ("EXPIRE", vec!["-1"], false),
        ] {
            world.put(&key, b"v").await.unwrap();
            world.on(command, &key, &rest).await;
            assert_eq!(world.get(&key).await.unwrap().is_some(), stays, "{command} {rest:?}");
        }
        // A time that is over when it is put leaves nothing, not even what was there before.
        world.put(&key, b"v").await.unwrap();
        let past = Timestamp::from_millis(SystemClock.now().as_millis() - 1);
        world.store.put(&key, b"w".to_vec(), past).await.unwrap();
        assert_eq!(world.on("EXISTS", &key, &[]).await, Value::Int(0));
    }
}

#[tokio::test]
async fn rd12_all_that_the_server_knows_are_hashed_keys_under_the_prefix() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [key] = keys();
        world.put(&key, b"v").await.unwrap();
        let second = store(&world.server.settings_toml(), "prefix = \"lg:test:\"\n").await.unwrap();
        assert_eq!(second.get_many(&[key]).await.unwrap(), [None], "another deployment's prefix");
        second.put(&key, b"w".to_vec(), FOR_EVER).await.unwrap();
        assert_eq!(world.get(&key).await.unwrap(), Some(b"v".to_vec()));
        let mut admin = world.server.admin().await.unwrap();
        let mut names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut admin).await.unwrap();
        names.sort();
        assert_eq!(names, [name(&key), format!("lg:test:{key}")]);
    }
}
