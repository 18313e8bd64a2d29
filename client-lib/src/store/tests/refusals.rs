//! What the storage refuses with 403: the token is kept, the brokers are asked once, and the answer remembered.

use std::time::Duration;

use super::*;
use crate::testing::{breathe, unavailable};

const OBJECT: &str = "wh/sales/a";

/// A broker with one token for all of `wh/`, whatever is asked.
fn same_for_all() -> Bench {
    let everything = part("gs://lake/wh/", "read+list+create+write+delete");
    Bench::new(move |_| Ok(answer(std::slice::from_ref(&everything), "canary-same", start().plus(10 * HOUR))))
}

fn is_denied<T: std::fmt::Debug>(result: object_store::Result<T>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "cl10: {error:?}");
}

#[tokio::test]
async fn cl05_a_403_keeps_the_token_and_asks_the_brokers_once_for_exactly_that_path() {
    let (bench, peer) = (same_for_all(), Peer::start(|_| refusal(403)).await);
    let store = store(&bench, &peer);
    is_denied(store.get(&Path::from(OBJECT)).await);
    let object = part("gs://lake/wh/sales/a", "read");
    assert_eq!(asked(&bench), [[object.clone()], [object]]);
    assert!(bench.broker.asked().iter().all(|ask| ask.rejected.is_none()), "the token is good");
    assert_eq!((peer.requests().len(), bench.client.tier_len()), (1, 1), "the same token is not tried again");
}

#[tokio::test]
async fn cl05_a_remembered_403_costs_no_call_and_ends_after_half_a_minute() {
    let (bench, peer) = (same_for_all(), Peer::start(|_| refusal(403)).await);
    let store = store(&bench, &peer);
    is_denied(store.get(&Path::from(OBJECT)).await);
    let clone = store.clone();
    for _ in 0..20 {
        is_denied(store.get(&Path::from(OBJECT)).await);
        is_denied(clone.head(&Path::from(OBJECT)).await);
    }
    assert_eq!((peer.requests().len(), bench.broker.calls()), (1, 2));
    is_denied(store.list(Some(&Path::from("wh"))).try_collect::<Vec<_>>().await);
    is_denied(store.list(Some(&Path::from("wh"))).try_collect::<Vec<_>>().await);
    is_denied(store.list_with_delimiter(Some(&Path::from("wh"))).await);
    assert_eq!(
        (peer.requests().len(), bench.broker.calls()),
        (2, 3),
        "another operation is asked for by itself"
    );
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    is_denied(store.get(&Path::from(OBJECT)).await);
    assert_eq!((peer.requests().len(), bench.broker.calls()), (3, 4));
}

#[tokio::test]
async fn cl05_another_token_for_that_path_is_tried_once() {
    let bench = bench();
    let peer = Peer::start(|request| match request.headers()["authorization"].to_str().unwrap() {
        "Bearer canary-0" => refusal(403),
        _ => object("x"),
    })
    .await;
    let served = store(&bench, &peer);
    assert_eq!(&*served.get(&Path::from(OBJECT)).await.unwrap().bytes().await.unwrap(), b"x");
    assert_eq!((peer.requests().len(), bench.broker.calls()), (2, 2));
    served.get(&Path::from(OBJECT)).await.unwrap();
    assert_eq!(
        (peer.requests().len(), bench.broker.calls()),
        (3, 2),
        "it is kept, and nothing is remembered"
    );
    let stubborn = Peer::start(|_| refusal(403)).await;
    let bench = super::bench();
    let refused = store(&bench, &stubborn);
    is_denied(refused.get(&Path::from(OBJECT)).await);
    is_denied(refused.get(&Path::from(OBJECT)).await);
    assert_eq!((stubborn.requests().len(), bench.broker.calls()), (2, 2));
}

#[tokio::test]
async fn cl05_a_broker_that_confirms_the_refusal_takes_the_covering_token_back() {
    let (bench, peer) = (same_for_all(), Peer::start(|_| refusal(403)).await);
    let store = store(&bench, &peer);
    let held = bench.client.token_for("gs://lake/wh/x", crate::testing::ops("read")).await.unwrap();
    bench.broker.rewrite(|_| Err(denied()));
    is_denied(store.get(&Path::from(OBJECT)).await);
    assert_eq!(bench.client.tier_len(), 0, "the token covered what is denied now");
    is_denied(store.get(&Path::from(OBJECT)).await);
    assert_eq!((peer.requests().len(), bench.broker.calls()), (1, 2));
    assert_eq!(held.covered().len(), 1);
}

#[tokio::test]
async fn cl05_an_outage_of_the_brokers_is_no_decision_and_is_not_remembered() {
    let (bench, peer) = (same_for_all(), Peer::start(|_| refusal(403)).await);
    let store = store(&bench, &peer);
    bench.client.token_for("gs://lake/wh/x", crate::testing::ops("read")).await.unwrap();
    bench.broker.rewrite(|_| Err(unavailable()));
    is_denied(store.get(&Path::from(OBJECT)).await);
    is_denied(store.get(&Path::from(OBJECT)).await);
    assert_eq!((peer.requests().len(), bench.broker.calls(), bench.client.tier_len()), (2, 3, 1));
}

#[tokio::test]
async fn cl05_many_readers_of_one_refused_path_ask_the_brokers_once() {
    let (bench, peer) = (same_for_all(), Peer::start(|_| refusal(403)).await);
    let store = store(&bench, &peer);
    bench.client.token_for("gs://lake/wh/x", crate::testing::ops("read")).await.unwrap();
    bench.broker.hold();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        readers.spawn(async move { store.get(&Path::from(OBJECT)).await.map(|_| ()) });
    }
    while peer.requests().len() < 20 || bench.broker.calls() < 2 {
        tokio::task::yield_now().await;
    }
    // Give the last of them time to read its answer and to join.
    for _ in 0..50 {
        breathe().await;
    }
    bench.broker.release();
    readers.join_all().await.into_iter().for_each(is_denied);
    assert!(bench.broker.calls() <= 4, "{} calls for 20 readers", bench.broker.calls());
}

#[tokio::test]
async fn an_object_that_was_refused_while_it_was_not_there_is_read_after_it_was_written() {
    let bench = same_for_all();
    let written = std::sync::atomic::AtomicBool::new(false);
    let peer = Peer::start(move |request| {
        let order = std::sync::atomic::Ordering::SeqCst;
        if request.method() == http::Method::PUT {
            written.store(true, order);
        }
        if written.load(order) { object("x") } else { refusal(403) }
    })
    .await;
    let store = store(&bench, &peer);
    is_denied(store.get(&Path::from(OBJECT)).await);
    store.put(&Path::from(OBJECT), "x".into()).await.unwrap();
    store.get(&Path::from(OBJECT)).await.unwrap();
}

#[tokio::test]
async fn a_401_and_a_403_of_one_request_are_each_handled_once() {
    let bench = bench();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let peer = Peer::start(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        refusal(if number.is_multiple_of(2) { 401 } else { 403 })
    })
    .await;
    let error = store(&bench, &peer).get(&Path::from(OBJECT)).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
    assert_eq!((peer.requests().len(), bench.broker.calls()), (3, 3));
    assert!(bench.broker.asked()[1].rejected.is_some() && bench.broker.asked()[2].rejected.is_none());
}
