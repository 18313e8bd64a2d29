//! Logs on real servers: the same rules as everywhere, and what servers, networks and their users do to them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Secret, SystemClock};
use lakegate_testkit::{RedisKind, RedisServer, Relay, Weather};
use lakegate_token_store::settings::StoreSettings;
use lakegate_token_store::{
    Appended, LogError, LogName, RecordLog, RedisLog, SealedLog, SealingKey, SealingKeys, StoreError,
    record_log,
};
use redis::Value;
use tokio::time::Instant;

use crate::world::{KINDS, until};

const LOG: LogName = LogName::DelegationTokens;
const RECORDS: &str = "lg:log:delegation-tokens:records";
const SNAPSHOT: &str = "lg:log:delegation-tokens:snapshot";

/// The logs of a server, reached at an address, behind their breaker.
async fn logs_at(settings: &str) -> Result<Arc<dyn RecordLog>, StoreError> {
    let settings: StoreSettings = toml::from_str(settings).unwrap();
    let read = |path: &Path| Ok::<_, StoreError>(Secret::new(std::fs::read_to_string(path).unwrap()));
    Ok(settings.open_with_logs(Arc::new(SystemClock), read).await?.1)
}

async fn logs(server: &RedisServer) -> Arc<dyn RecordLog> {
    logs_at(&server.settings_toml()).await.unwrap()
}

/// A process with a view of the log.
fn sealed(store: Arc<dyn RecordLog>) -> SealedLog {
    let keys = SealingKeys::single(SealingKey::from_bytes(1, [1; 32]));
    SealedLog::new(store, LOG, keys, "lake").unwrap()
}

async fn write(log: &SealedLog, text: &str) {
    assert_eq!(log.append(log.seen() + 1, text.as_bytes()).await.unwrap(), Appended::Done);
}

async fn texts(log: &SealedLog, after: u64) -> Result<Vec<String>, LogError> {
    let read = log.read(after).await?;
    let all = read.snapshot.iter().chain(&read.records);
    Ok(all.map(|opened| String::from_utf8(opened.bytes.to_vec()).unwrap()).collect())
}

#[tokio::test]
async fn logs_conform_on_redis_and_on_valkey() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let settings: StoreSettings = toml::from_str(&server.settings_toml()).unwrap();
        let make = async || {
            server.command(&["FLUSHALL"]).await.unwrap();
            let StoreSettings::Redis(settings) = &settings else { panic!("another store") };
            let read = |path: &Path| Ok::<_, StoreError>(Secret::new(std::fs::read_to_string(path).unwrap()));
            RedisLog::start(settings.terms(read).unwrap()).await.unwrap()
        };
        record_log::conformance::run(make).await.unwrap();
    }
}

#[tokio::test]
async fn rd11_each_command_of_logs_that_the_access_list_denies_is_named_at_the_start() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        for command in ["XADD", "XRANGE", "XREVRANGE", "XTRIM", "TIME", "WAIT"] {
            let rule = |sign: &str| format!("{sign}{}", command.to_lowercase());
            server.command(&["ACL", "SETUSER", "lakegate", &rule("-")]).await.unwrap();
            if command == "WAIT" {
                logs_at(&server.settings_toml()).await.unwrap();
            }
            let settings = [&server.settings_toml(), "wait_replicas = 1\n"].concat();
            let denied = logs_at(&settings).await.unwrap_err();
            assert!(matches!(denied, StoreError::Rights(what) if what.contains(command)), "{denied}");
            server.command(&["ACL", "SETUSER", "lakegate", &rule("+")]).await.unwrap();
        }
        assert_eq!(server.command(&["DBSIZE"]).await.unwrap(), Value::Int(0), "trying out leaves nothing");
    }
}

#[tokio::test]
async fn rd12_the_server_sees_numbers_and_ciphertext_only() {
    let server = RedisServer::start(RedisKind::Redis).await.unwrap();
    let log = sealed(logs(&server).await);
    write(&log, "principal:alice").await;
    log.put_snapshot(1, b"principal:alice").await.unwrap();
    let keys = server.command(&["KEYS", "*"]).await.unwrap();
    let Value::Array(mut keys) = keys else { panic!("{keys:?}") };
    keys.sort_by_key(|key| format!("{key:?}"));
    assert_eq!(keys, [RECORDS, SNAPSHOT].map(|key| Value::BulkString(key.as_bytes().to_vec())));
    for key in [RECORDS, SNAPSHOT] {
        let held = server.command(&["XRANGE", key, "-", "+"]).await.unwrap();
        assert!(!format!("{held:?}").contains("alice"));
    }
}

#[tokio::test]
async fn rd02_entries_that_are_not_of_our_making_are_alarms_and_never_ends() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let store = logs(&server).await;
        write(&sealed(Arc::clone(&store)), "one").await;
        server.command(&["COPY", RECORDS, "kept"]).await.unwrap();
        let long = "x".repeat(100_000);
        for (id, fields) in [
            ("2-0", vec!["r", "garbage"]),
            ("1-7", vec!["r", "x"]),
            ("2-0", vec!["r", "x", "s", "y"]),
            ("2-0", vec!["r", &long]),
            ("9-0", vec!["r", "x"]),
        ] {
            let words: Vec<&str> = ["XADD", RECORDS, id].into_iter().chain(fields).collect();
            server.command(&words).await.unwrap();
            let read = sealed(Arc::clone(&store)).read(0).await.map(drop);
            assert!(read.as_ref().is_err_and(LogError::is_alarming), "{kind:?} {id}: {read:?}");
            server.command(&["COPY", "kept", RECORDS, "REPLACE"]).await.unwrap();
        }
        assert_eq!(texts(&sealed(Arc::clone(&store)), 0).await.unwrap(), ["one"]);
        server.command(&["DEL", RECORDS]).await.unwrap();
        server.command(&["SET", RECORDS, "no stream"]).await.unwrap();
        assert!(sealed(store).read(0).await.is_err());
    }
}

#[tokio::test]
async fn rd10_after_flushall_a_log_is_put_back_by_whoever_remembers_it_and_else_an_alarm() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let store = logs(&server).await;
        let writer = sealed(Arc::clone(&store));
        write(&writer, "one").await;
        write(&writer, "two").await;
        writer.put_snapshot(2, b"one and two").await.unwrap();
        let late = sealed(Arc::clone(&store));
        assert_eq!(texts(&late, 0).await.unwrap(), ["one and two"]);
        server.command(&["FLUSHALL"]).await.unwrap();
        let read = late.read(2).await;
        assert!(matches!(read, Err(LogError::Rewound { seen: 2, head: 0 })), "{kind:?}: {read:?}");
        let append = late.append(3, b"three").await;
        assert!(matches!(append, Err(LogError::Rewound { seen: 2, head: 0 })), "{kind:?}: {append:?}");
        assert_eq!(texts(&writer, 2).await.unwrap(), [""; 0]);
        assert_eq!(texts(&late, 2).await.unwrap(), [""; 0], "it is whole again");
        assert_eq!(texts(&sealed(store), 0).await.unwrap(), ["one", "two"]);
    }
}

#[tokio::test]
async fn rd10_an_old_dump_put_back_is_made_whole_by_whoever_saw_more() {
    for kind in KINDS {
        let mut server = RedisServer::start(kind).await.unwrap();
        let store = logs(&server).await;
        let writer = sealed(Arc::clone(&store));
        write(&writer, "issue").await;
        server.command(&["SAVE"]).await.unwrap();
        write(&writer, "cancel").await;
        server.restart().await.unwrap();
        until("it is reached again", async || writer.read(2).await.is_ok()).await;
        assert_eq!(texts(&sealed(store), 0).await.unwrap(), ["issue", "cancel"], "{kind:?}");
    }
}

#[tokio::test]
async fn rd10_a_full_server_refuses_writes_and_goes_on_reading_logs() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let log = sealed(logs(&server).await);
        write(&log, "one").await;
        server.command(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
        for _ in 0..3 {
            let append = log.append(2, b"two").await;
            assert!(matches!(append, Err(LogError::Store(StoreError::Refused(_)))), "{append:?}");
        }
        assert!(matches!(log.put_snapshot(1, b"one").await, Err(LogError::Store(StoreError::Refused(_)))));
        assert_eq!(texts(&log, 0).await.unwrap(), ["one"]);
        server.command(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
        write(&log, "two").await;
    }
}

#[tokio::test]
async fn rd10_a_replica_is_read_and_takes_no_record() {
    let server = RedisServer::start(RedisKind::Redis).await.unwrap();
    let primary = RedisServer::start(RedisKind::Redis).await.unwrap();
    let log = sealed(logs(&server).await);
    write(&log, "one").await;
    let port = primary.address().port().to_string();
    server.command(&["REPLICAOF", "127.0.0.1", &port]).await.unwrap();
    let append = log.append(2, b"two").await;
    assert!(matches!(append, Err(LogError::Store(StoreError::Refused(_)))), "{append:?}");
    assert_eq!(texts(&log, 0).await.unwrap(), ["one"]);
    server.command(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    until("records are taken again", async || log.append(2, b"two").await.is_ok()).await;
    assert_eq!(texts(&log, 0).await.unwrap(), ["one", "two"]);
}

#[tokio::test]
async fn rd10_a_server_that_is_loading_has_no_empty_log() {
    for kind in KINDS {
        let mut server = RedisServer::start(kind).await.unwrap();
        write(&sealed(logs(&server).await), "one").await;
        server.command(&["DEBUG", "POPULATE", "20000", "filler", "16"]).await.unwrap();
        server.command(&["SAVE"]).await.unwrap();
        server.load_slowly(Duration::from_micros(500)).await.unwrap();
        let late = sealed(logs(&server).await);
        let read = late.read(0).await;
        assert!(matches!(read, Err(LogError::Store(StoreError::Refused(_)))), "{kind:?}: {read:?}");
        assert!(late.append(1, b"another one").await.is_err());
        until("it has loaded", async || late.read(0).await.is_ok()).await;
        assert_eq!(texts(&late, 0).await.unwrap(), ["one"]);
    }
}

#[tokio::test]
async fn rd08_a_black_hole_is_an_error_in_time_and_what_was_on_its_way_is_read_like_any_record() {
    let server = RedisServer::start(RedisKind::Redis).await.unwrap();
    let relay = Relay::to(server.address()).await.unwrap();
    let near = sealed(logs(&server).await);
    let far = sealed(logs_at(&server.settings_toml_through(relay.address())).await.unwrap());
    write(&near, "one").await;
    assert_eq!(texts(&far, 0).await.unwrap(), ["one"]);
    relay.set(Weather::Silent);
    let began = Instant::now();
    let append = far.append(2, b"far").await;
    assert!(matches!(append, Err(LogError::Store(StoreError::Unavailable(_)))), "{append:?}");
    assert!(far.read(1).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    write(&near, "two").await;
    relay.set(Weather::Fair);
    until("the link has healed", async || far.read(1).await.is_ok()).await;
    // The record that was held back comes too late for its number.
    assert_eq!(texts(&far, 1).await.unwrap(), ["two"]);
    assert_eq!(far.append(2, b"far").await.unwrap(), Appended::Taken);
    write(&far, "three").await;
    assert_eq!(texts(&near, 0).await.unwrap(), ["one", "two", "three"]);
}

#[tokio::test]
async fn a_reply_that_is_cut_off_doubles_nothing_and_lies_to_nobody() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let relay = Relay::to(server.address()).await.unwrap();
        let near = sealed(logs(&server).await);
        let far = sealed(logs_at(&server.settings_toml_through(relay.address())).await.unwrap());
        let mut done = Vec::new();
        for round in 0..10 {
            let text = format!("round {round}");
            until("it is reached", async || far.read(far.seen()).await.is_ok()).await;
            let next = far.seen() + 1;
            let cut = async {
                tokio::time::sleep(Duration::from_micros(150 * round)).await;
                relay.set(Weather::Cut);
            };
            let (append, ()) = tokio::join!(far.append(next, text.as_bytes()), cut);
            relay.set(Weather::Fair);
            if matches!(append, Ok(Appended::Done)) {
                done.push(text);
            }
        }
        let held = texts(&near, 0).await.unwrap();
        let mut once = held.clone();
        once.dedup();
        assert_eq!(held, once, "{kind:?}: nothing is there twice");
        assert!(done.iter().all(|text| held.contains(text)), "{kind:?}: {done:?} {held:?}");
    }
}

#[tokio::test]
async fn rd09_a_cancelled_call_leaves_the_log_whole_and_nobody_reads_its_reply() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let log = sealed(logs(&server).await);
        write(&log, "0").await;
        for round in 1..60_u64 {
            let text = round.to_string();
            let next = log.seen() + 1;
            let _given_up =
                tokio::time::timeout(Duration::from_micros(20 * round), log.append(next, text.as_bytes()))
                    .await;
            until("it is read", async || log.read(log.seen()).await.is_ok()).await;
        }
        let held: Vec<u64> = texts(&log, 0).await.unwrap().iter().map(|text| text.parse().unwrap()).collect();
        assert!(held.is_sorted_by(|a, b| a < b), "{kind:?}: {held:?}");
        assert_eq!(log.seen(), u64::try_from(held.len()).unwrap());
    }
}

#[tokio::test]
async fn rd10_a_record_counts_when_a_replica_has_it_and_not_before() {
    let server = RedisServer::start(RedisKind::Redis).await.unwrap();
    let replica = RedisServer::start(RedisKind::Redis).await.unwrap();
    let log = sealed(logs_at(&[&server.settings_toml(), "wait_replicas = 1\n"].concat()).await.unwrap());
    let alone = log.append(1, b"one").await;
    assert!(matches!(alone, Err(LogError::Store(StoreError::NotCopied { copies: 0 }))), "{alone:?}");
    assert_eq!(texts(&log, 0).await.unwrap(), ["one"], "it is there all the same");
    replica.replicate(&server).await.unwrap();
    let copied = async || {
        // Those that were not copied are there.
        log.read(log.seen()).await.is_ok()
            && matches!(log.append(log.seen() + 1, b"more").await, Ok(Appended::Done))
    };
    until("it is copied", copied).await;
    assert!(!log.is_unacknowledged());
    let held = server.command(&["XLEN", RECORDS]).await.unwrap();
    assert_eq!(replica.command(&["XLEN", RECORDS]).await.unwrap(), held, "without a moment's wait");
    // A replica that is connected and hangs is what min-replicas-to-write takes for one that has the record.
    replica.freeze().unwrap();
    let hangs = log.append(log.seen() + 1, b"cancel").await;
    assert!(matches!(hangs, Err(LogError::Store(StoreError::NotCopied { copies: 0 }))), "{hangs:?}");
    assert!(log.is_unacknowledged());
    replica.thaw().unwrap();
    until("it is copied", copied).await;
    assert!(!log.is_unacknowledged());
}

#[tokio::test]
async fn the_servers_clock_can_be_asked_for() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let time = logs(&server).await.time().await.unwrap().unwrap();
        let apart = lakegate_domain::Clock::now(&SystemClock).as_millis() - time.as_millis();
        assert!(apart.abs() < 10_000, "{kind:?}: {apart}");
    }
}
