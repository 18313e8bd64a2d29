//! Tokens that the storage refuses, and secrets that must not show.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::endpoints::Ask;
use crate::error::ClientError;
use crate::testing::{Bench, HOUR, MINUTE, Reply, answer, breathe, ops, part, start};

const PATH: &str = "gs://lake/wh/sales/x";

/// A broker whose every token is another one.
fn numbered() -> impl Fn(&Ask) -> Reply + Send + Sync {
    let count = std::sync::atomic::AtomicUsize::new(0);
    move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let covered = [part("gs://lake/wh/sales/", "read+list")];
        Ok(answer(&covered, &format!("canary-{number}"), start().plus(10 * HOUR)))
    }
}

#[tokio::test(start_paused = true)]
async fn cl03_a_refused_token_is_dropped_and_replaced_and_the_broker_told_which() {
    let bench = Bench::new(numbered());
    let token = bench.client.token_for(PATH, ops("read")).await.unwrap();
    let other = bench.client.invalidate(&token).await.unwrap();
    assert_ne!(other.digest(), token.digest());
    assert_eq!(bench.broker.asked()[1].rejected, Some(token.digest()));
    let served = bench.client.token_for(PATH, ops("read")).await.unwrap();
    assert!(Arc::ptr_eq(&served, &other));
}

#[tokio::test(start_paused = true)]
async fn cl03_a_replacement_that_is_refused_too_is_an_error_without_another_call() {
    let bench = Bench::new(numbered());
    let token = bench.client.token_for(PATH, ops("read")).await.unwrap();
    let other = bench.client.invalidate(&token).await.unwrap();
    for _ in 0..10 {
        assert!(matches!(bench.client.invalidate(&other).await, Err(ClientError::RefusedByStorage)));
    }
    assert_eq!(bench.broker.calls(), 2);
    bench.pass(MINUTE).await;
    assert!(bench.client.invalidate(&other).await.is_ok(), "half a minute later it may be tried again");
}

#[tokio::test(start_paused = true)]
async fn cl03_a_broker_that_returns_the_refused_token_is_not_believed() {
    let bench =
        Bench::new(|_| Ok(answer(&[part("gs://lake/wh/sales/", "read+list")], "same", start().plus(HOUR))));
    let token = bench.client.token_for(PATH, ops("read")).await.unwrap();
    assert!(matches!(bench.client.invalidate(&token).await, Err(ClientError::RefusedByStorage)));
    assert_eq!(bench.client.tier_len(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_whose_token_was_refused_make_one_call() {
    let bench = Bench::new(numbered());
    let token = bench.client.token_for(PATH, ops("read")).await.unwrap();
    bench.broker.hold();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (client, token) = (bench.client.clone(), Arc::clone(&token));
        tasks.spawn(async move { client.invalidate(&token).await });
    }
    breathe().await;
    bench.broker.release();
    let replaced = tasks.join_all().await;
    assert!(replaced.iter().all(Result::is_ok));
    let late = bench.client.invalidate(&token).await.unwrap();
    assert_ne!(late.digest(), token.digest(), "who comes late gets the replacement");
    assert_eq!(bench.broker.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn lg01_nothing_of_a_token_shows_in_debug_output_or_errors() {
    let bench = Bench::new(numbered());
    let answer = bench.client.answer_for_parts(&[part(PATH, "read")]).await.unwrap();
    let error = {
        let other = bench.client.invalidate(&answer.token).await.unwrap();
        bench.client.invalidate(&other).await.unwrap_err()
    };
    let shown = format!("{:?} {answer:?} {:?} {error} {error:?}", bench.client, answer.token);
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(bench.now().wall, start());
}
