//! What every [`TokenStore`] must do; each implementation's tests call [`run`].

use std::error::Error;
use std::sync::Arc;

use lakegate_domain::Timestamp;
use lakegate_policy::{PolicyDocument, Scope, ScopeKey, Snapshot};

use crate::{KEYS_PER_TRIP, MAX_VALUE_BYTES, StoreError, TokenStore};

/// Never, as far as a store is concerned.
const FOR_EVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// What a check returns: a failure of the store ends it.
type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Runs all checks, each on a fresh, empty store.
///
/// # Errors
/// What the store answered where it should have succeeded.
///
/// # Panics
/// When the store breaks a rule.
pub async fn run<S: TokenStore + 'static>(make_store: impl AsyncFn() -> S) -> Outcome {
    let keys: Vec<ScopeKey> = scopes(3)?.iter().map(Scope::key).collect();
    let [a, b, c] = keys.as_slice() else {
        return Err("three scopes make three keys".into());
    };
    values_are_read_back_in_the_order_of_the_keys(&make_store().await, [a, b, c]).await?;
    the_last_put_wins(&make_store().await, a).await?;
    expired_values_are_misses(&make_store().await, a).await?;
    removal_forgets_and_may_be_repeated(&make_store().await, [a, b, c]).await?;
    more_keys_than_one_trip_holds_are_forgotten(&make_store().await, a).await?;
    long_values_are_refused(&make_store().await, a).await?;
    writers_do_not_lose_each_others_values(Arc::new(make_store().await), &keys).await?;
    a_store_knows_its_data(&make_store().await).await
}

async fn values_are_read_back_in_the_order_of_the_keys(
    store: &dyn TokenStore,
    keys: [&ScopeKey; 3],
) -> Outcome {
    let [a, b, c] = keys;
    store.put(a, b"value of a".to_vec(), FOR_EVER).await?;
    store.put(b, vec![0; MAX_VALUE_BYTES], FOR_EVER).await?;
    let read = store.get_many(&[*b, *c, *a, *a]).await?;
    let of_a = Some(b"value of a".to_vec());
    assert_eq!(read, [Some(vec![0; MAX_VALUE_BYTES]), None, of_a.clone(), of_a]);
    assert!(store.get_many(&[]).await?.is_empty());
    Ok(())
}

async fn the_last_put_wins(store: &dyn TokenStore, key: &ScopeKey) -> Outcome {
    store.put(key, b"first, and longer".to_vec(), FOR_EVER).await?;
    store.put(key, b"second".to_vec(), FOR_EVER).await?;
    assert_eq!(store.get_many(&[*key]).await?, [Some(b"second".to_vec())]);
    Ok(())
}

async fn expired_values_are_misses(store: &dyn TokenStore, key: &ScopeKey) -> Outcome {
    for past in [Timestamp::from_millis(1), Timestamp::from_millis(0), Timestamp::from_millis(-1)] {
        store.put(key, b"alive".to_vec(), FOR_EVER).await?;
        store.put(key, b"dead".to_vec(), past).await?;
        assert_eq!(store.get_many(&[*key]).await?, [None], "kept until {past}");
    }
    Ok(())
}

async fn removal_forgets_and_may_be_repeated(store: &dyn TokenStore, keys: [&ScopeKey; 3]) -> Outcome {
    let [a, b, c] = keys;
    for key in keys {
        store.put(key, b"value".to_vec(), FOR_EVER).await?;
    }
    store.remove(&[*a, *c]).await?;
    store.remove(&[*c, *a, *a]).await?;
    store.remove(&[]).await?;
    assert_eq!(store.get_many(&[*a, *b, *c]).await?, [None, Some(b"value".to_vec()), None]);
    Ok(())
}

async fn more_keys_than_one_trip_holds_are_forgotten(store: &dyn TokenStore, last: &ScopeKey) -> Outcome {
    store.put(last, b"value".to_vec(), FOR_EVER).await?;
    let mut keys: Vec<ScopeKey> = scopes(KEYS_PER_TRIP + 2)?.iter().map(Scope::key).collect();
    keys.retain(|key| key != last);
    keys.push(*last);
    store.remove(&keys).await?;
    assert_eq!(store.get_many(&[*last]).await?, [None]);
    Ok(())
}

async fn long_values_are_refused(store: &dyn TokenStore, key: &ScopeKey) -> Outcome {
    let refused = store.put(key, vec![0; MAX_VALUE_BYTES + 1], FOR_EVER).await;
    assert!(matches!(refused, Err(StoreError::TooLarge)), "{refused:?}");
    assert_eq!(store.get_many(&[*key]).await?, [None]);
    Ok(())
}

async fn writers_do_not_lose_each_others_values(store: Arc<dyn TokenStore>, keys: &[ScopeKey]) -> Outcome {
    let writers: Vec<_> = keys
        .iter()
        .map(|key| {
            let (store, key) = (Arc::clone(&store), *key);
            tokio::spawn(async move { store.put(&key, key.as_bytes().to_vec(), FOR_EVER).await })
        })
        .collect();
    for writer in writers {
        writer.await??;
    }
    let expected: Vec<_> = keys.iter().map(|key| Some(key.as_bytes().to_vec())).collect();
    assert_eq!(store.get_many(keys).await?, expected);
    Ok(())
}

async fn a_store_knows_its_data(store: &dyn TokenStore) -> Outcome {
    let id = store.ping().await?;
    assert!(!id.as_str().is_empty());
    assert_eq!(store.ping().await?, id);
    Ok(())
}

/// Plain scopes of that many datasets, all different; only a policy can make them.
///
/// # Errors
/// When the policy behind them does not load.
pub fn scopes(count: usize) -> Result<Vec<Scope>, Box<dyn Error + Send + Sync>> {
    scopes_of_generation(count, 0)
}

/// The same scopes in another generation of their storage.
///
/// # Errors
/// When the policy behind them does not load.
pub fn scopes_of_generation(
    count: usize,
    generation: u64,
) -> Result<Vec<Scope>, Box<dyn Error + Send + Sync>> {
    let datasets: Vec<String> = (0..count)
        .map(|n| format!(r#"{{"name":"d{n}","prefix":"gs://lake/d{n}/","project":"p"}}"#))
        .collect();
    let rules: Vec<String> = (0..count)
        .map(|n| {
            format!(r#"{{"id":"r{n}","effect":"allow","on":{{"dataset":"d{n}"}},"to":["group:g"],"operations":["read","list"]}}"#)
        })
        .collect();
    let text = format!(
        r#"{{"version":1,
            "storages":[{{"id":"lake","dialect":"gcs","buckets":["lake"],"generation":{generation}}}],
            "projects":[{{"name":"p"}}],"groups":[{{"name":"g","members":["principal:alice"]}}],
            "datasets":[{}],"rules":[{}]}}"#,
        datasets.join(","),
        rules.join(",")
    );
    let snapshot = Snapshot::compile(&PolicyDocument::from_json(&text)?)?;
    Ok(snapshot.plain_scopes().iter().map(|plain| plain.scope().clone()).collect())
}
