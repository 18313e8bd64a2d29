//! Keys that an operator mistook for others.

use super::*;

#[tokio::test]
async fn another_key_under_an_id_in_force_is_refused_and_the_keys_in_force_stay() {
    let clock = Arc::new(ManualClock::at(NOON));
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let tokens = start(&store, keys(1), &clock);
    let [scope] = scopes();
    tokens.put(&scope, &bearer(&scope, "t")).await.unwrap();
    let other = || SealingKey::from_bytes(1, [9; 32]);
    for reused in [SealingKeys::single(other()), SealingKeys { current: key(2), previous: Some(other()) }] {
        assert!(matches!(tokens.rotate(reused), Err(StoreError::KeyIdReused)));
    }
    assert!(tokens.get(&scope).await.unwrap().is_some());
    tokens.rotate(SealingKeys { current: key(2), previous: Some(key(1)) }).unwrap();
}
