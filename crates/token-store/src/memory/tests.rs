//! The fake keeps the rules of the trait, and fails when told.

use super::*;
use crate::conformance;
use crate::test_tokens::{NOON, scopes};
use lakegate_domain::ManualClock;

fn store() -> MemoryStore {
    MemoryStore::new(Arc::new(ManualClock::at(NOON)))
}

#[tokio::test]
async fn memory_store_conforms() {
    conformance::run(async || store()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn faults_hold_until_they_are_mended() {
    let store = store();
    let [scope] = scopes();
    store.put(&scope.key(), b"value".to_vec(), NOON.plus(Duration::from_secs(1))).await.unwrap();
    store.set_fault(Fault::Down);
    assert!(matches!(store.get_many(&[scope.key()]).await, Err(StoreError::Unavailable(_))));
    assert!(store.put(&scope.key(), Vec::new(), NOON).await.is_err());
    assert!(store.remove(&[scope.key()]).await.is_err());
    assert!(store.ping().await.is_err());
    store.set_fault(Fault::Slow(Duration::from_secs(5)));
    let begun = tokio::time::Instant::now();
    assert!(store.ping().await.is_ok());
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    store.set_fault(Fault::None);
    assert_eq!(store.get_many(&[scope.key()]).await.unwrap(), [Some(b"value".to_vec())]);
}
