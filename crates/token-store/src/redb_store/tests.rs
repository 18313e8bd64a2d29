//! What the embedded store does beyond the rules of the trait.

use std::os::unix::fs::PermissionsExt;

use lakegate_domain::ManualClock;
use redb::ReadableTableMetadata;
use tempfile::TempDir;

use super::*;
use crate::test_tokens::{NOON, scopes};
use crate::{LogName, LogSnapshot, RecordLog, Records, conformance, record_log};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOON))
}

fn kept(store: &RedbStore) -> u64 {
    store.0.database.begin_read().unwrap().open_table(TOKENS).unwrap().len().unwrap()
}

#[tokio::test]
async fn redb_store_conforms_in_memory_and_in_a_file() {
    conformance::run(async || RedbStore::in_memory(clock()).unwrap()).await.unwrap();
    let dir = TempDir::new().unwrap();
    let files = AtomicI64::new(0);
    let make = async || {
        let name = files.fetch_add(1, Ordering::Relaxed).to_string();
        RedbStore::open(dir.path().join(name), clock()).unwrap()
    };
    conformance::run(make).await.unwrap();
}

#[tokio::test]
async fn its_logs_conform_in_memory_and_in_a_file() {
    record_log::conformance::run(async || RedbStore::in_memory(clock()).unwrap()).await.unwrap();
    let dir = TempDir::new().unwrap();
    let files = AtomicI64::new(0);
    let make = async || {
        let name = files.fetch_add(1, Ordering::Relaxed).to_string();
        RedbStore::open(dir.path().join(name), clock()).unwrap()
    };
    record_log::conformance::run(make).await.unwrap();
}

#[tokio::test]
async fn a_file_keeps_logs_over_a_restart() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tokens");
    let log = LogName::DelegationKeys;
    let snapshot = LogSnapshot { number: 1, bytes: b"said".to_vec() };
    {
        let store = RedbStore::open(&path, clock()).unwrap();
        store.append(log, 1, b"one".to_vec()).await.unwrap();
        store.append(log, 2, b"two".to_vec()).await.unwrap();
        store.put_snapshot(log, snapshot.clone()).await.unwrap();
    }
    let store = RedbStore::open(&path, clock()).unwrap();
    let records = vec![(1, b"one".to_vec()), (2, b"two".to_vec())];
    assert_eq!(store.read(log, 0).await.unwrap(), Records { head: 2, oldest: 1, records });
    assert_eq!(store.snapshot(log).await.unwrap(), Some(snapshot));
}

#[tokio::test]
async fn a_file_keeps_values_and_id_over_a_restart_and_is_its_owners() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tokens");
    let [scope] = scopes();
    let first = RedbStore::open(&path, clock()).unwrap();
    let id = first.ping().await.unwrap();
    first.put(&scope.key(), b"value".to_vec(), NOON.plus(SWEEP_EVERY)).await.unwrap();
    assert!(matches!(RedbStore::open(&path, clock()), Err(StoreError::Open(_))), "one process at a time");
    drop(first);
    let second = RedbStore::open(&path, clock()).unwrap();
    assert_eq!(second.get_many(&[scope.key()]).await.unwrap(), [Some(b"value".to_vec())]);
    assert_eq!(second.ping().await.unwrap(), id);
    assert_ne!(RedbStore::in_memory(clock()).unwrap().ping().await.unwrap(), id);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn values_expire_by_the_clock_and_are_swept_once_a_minute() {
    let clock = clock();
    let store = RedbStore::in_memory(Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let [short, long, late] = scopes();
    let second = Duration::from_secs(1);
    store.put(&short.key(), b"s".to_vec(), NOON.plus(second)).await.unwrap();
    store.put(&long.key(), b"l".to_vec(), NOON.plus(Duration::from_hours(1))).await.unwrap();
    clock.advance(second);
    assert_eq!(store.get_many(&[short.key(), long.key()]).await.unwrap(), [None, Some(b"l".to_vec())]);
    store.put(&late.key(), b"x".to_vec(), NOON).await.unwrap();
    assert_eq!(kept(&store), 3, "a miss, but not swept yet");
    clock.advance(SWEEP_EVERY);
    store.put(&late.key(), b"x".to_vec(), NOON.plus(Duration::from_hours(1))).await.unwrap();
    assert_eq!(kept(&store), 2);
}

#[tokio::test]
async fn expired_values_leave_when_a_file_is_opened() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tokens");
    let [scope] = scopes();
    let store = RedbStore::open(&path, clock()).unwrap();
    store.put(&scope.key(), b"v".to_vec(), NOON.plus(SWEEP_EVERY)).await.unwrap();
    drop(store);
    let later = Arc::new(ManualClock::at(NOON.plus(SWEEP_EVERY)));
    assert_eq!(kept(&RedbStore::open(&path, later).unwrap()), 0);
}

#[tokio::test]
async fn rd01_a_huge_value_is_not_read_and_reads_as_empty() {
    let store = RedbStore::in_memory(clock()).unwrap();
    let [huge, fine] = scopes();
    store.0.write(&huge.key(), &vec![0; 64 << 20], NOON.plus(SWEEP_EVERY)).unwrap();
    store.0.write(&fine.key(), &vec![0; MAX_VALUE_BYTES], NOON.plus(SWEEP_EVERY)).unwrap();
    let read = store.get_many(&[huge.key(), fine.key()]).await.unwrap();
    assert_eq!(read, [Some(Vec::new()), Some(vec![0; MAX_VALUE_BYTES])]);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "not a store").unwrap();
    let refused = RedbStore::open(&path, clock());
    assert!(matches!(refused, Err(StoreError::Open(_))), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"not a store");
}
