//! RD08 and RD09: a network that is slow, mute, dripping or cut, between the store and a real server.

use std::time::Duration;

use lakegate_policy::ScopeKey;
use lakegate_testkit::{RedisServer, Relay, Weather};
use lakegate_token_store::{StoreError, TokenStore, conformance};

use crate::world::{FOR_EVER, KINDS, keys, through, until};

const CALL: Duration = Duration::from_millis(50);

#[tokio::test]
async fn rd08_whatever_the_network_does_a_call_ends_as_a_failure_within_its_time() {
    let server = RedisServer::start(KINDS[0]).await.unwrap();
    for weather in [
        Weather::Late(Duration::from_secs(5)),
        Weather::Drip(Duration::from_secs(1)),
        Weather::Silent,
        Weather::Cut,
        Weather::Refusing,
    ] {
        let relay = Relay::to(server.address()).await.unwrap();
        let store = through(&relay, &server, CALL).await;
        let [key] = keys();
        until("fair weather", async || store.put(&key, b"v".to_vec(), FOR_EVER).await.is_ok()).await;
        relay.set(weather);
        for _ in 0..20 {
            // Far below the five seconds of the network, far above the time of a call on a loaded machine.
            let answer = tokio::time::timeout(Duration::from_secs(3), store.get_many(&[key])).await;
            let answer = answer.unwrap_or_else(|_| panic!("{weather:?}: a call outlives its time"));
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{weather:?}: {answer:?}");
        }
        assert!(store.health().opened >= 1, "{weather:?}");
        relay.set(Weather::Fair);
        until("it recovers", async || store.get_many(&[key]).await.ok() == Some(vec![Some(b"v".to_vec())]))
            .await;
    }
}

#[tokio::test]
async fn rd09_a_call_that_is_given_up_never_answers_another() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let relay = Relay::to(server.address()).await.unwrap();
        let store = std::sync::Arc::new(through(&relay, &server, Duration::from_millis(20)).await);
        let keys: Vec<ScopeKey> =
            conformance::scopes(16).unwrap().iter().map(lakegate_policy::Scope::key).collect();
        for key in &keys {
            until("it is kept", async || store.put(key, key.as_bytes().to_vec(), FOR_EVER).await.is_ok())
                .await;
        }
        let (mut answers, mut failures) = (0_u32, 0_u32);
        // Replies come sometimes before and sometimes after the caller or the breaker has given up.
        for round in 0..40_u64 {
            relay.set(Weather::Late(Duration::from_millis(round * 7 % 30)));
            let calls = keys.iter().enumerate().map(|(n, key)| {
                let (store, key) = (std::sync::Arc::clone(&store), *key);
                tokio::spawn(async move {
                    let patience = Duration::from_millis((round + 3 * n as u64) % 25);
                    (key, tokio::time::timeout(patience, store.get_many(&[key])).await)
                })
            });
            for call in calls.collect::<Vec<_>>() {
                match call.await.unwrap() {
                    (key, Ok(Ok(values))) => {
                        answers += 1;
                        assert_eq!(values, [Some(key.as_bytes().to_vec())], "another key's value");
                    }
                    _ => failures += 1,
                }
            }
        }
        relay.set(Weather::Fair);
        until("answers came too", async || {
            for key in &keys {
                match store.get_many(&[*key]).await {
                    Ok(values) => assert_eq!(values, [Some(key.as_bytes().to_vec())]),
                    Err(_) => return false,
                }
            }
            true
        })
        .await;
        assert!(failures > 0, "calls were given up; {answers} were answered");
        assert!(store.health().connections > 1, "a connection is dropped with the call that was given up");
    }
}

#[tokio::test]
async fn rd09_a_connection_is_given_up_with_the_call_on_it() {
    let server = RedisServer::start(KINDS[0]).await.unwrap();
    let relay = Relay::to(server.address()).await.unwrap();
    let store = through(&relay, &server, CALL).await;
    let [key] = keys();
    until("fair weather", async || store.put(&key, b"v".to_vec(), FOR_EVER).await.is_ok()).await;
    let before = store.health().connections;
    relay.set(Weather::Silent);
    assert!(store.get_many(&[key]).await.is_err());
    relay.set(Weather::Fair);
    until("a new one is made", async || store.health().connections == before + 1).await;
    until("and used", async || store.get_many(&[key]).await.is_ok()).await;
}
