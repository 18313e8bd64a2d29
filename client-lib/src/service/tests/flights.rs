//! One call for many.

use std::time::Duration;

use lakegate_domain::{ObjectPath, OperationSet};
use tokio::task::JoinSet;

use crate::endpoints::Ask;
use crate::error::ClientError;
use crate::testing::{Bench, HOUR, MINUTE, Reply, answer, breathe, denied, ops, part, start, unavailable};
use crate::token::Served;

type Reads = JoinSet<Result<(), ClientError>>;

/// A broker that lets everybody read all of `wh/sales/`.
fn sales() -> impl Fn(&Ask) -> Reply + Send + Sync {
    |_| Ok(answer(&[part("gs://lake/wh/sales/", "read+list")], "t", start().plus(HOUR)))
}

/// A broker whose every token covers what was asked and no more.
fn exact() -> impl Fn(&Ask) -> Reply + Send + Sync {
    |ask| Ok(answer(&ask.parts, "t", start().plus(HOUR)))
}

fn reads(bench: &Bench, paths: impl Iterator<Item = String>) -> Reads {
    let mut tasks = JoinSet::new();
    for path in paths {
        let client = bench.client.clone();
        tasks.spawn(async move { client.token_for(&path, ops("read")).await.map(|_| ()) });
    }
    tasks
}

/// Starts the reads while the broker is held up, and lets it answer when all of them wait.
async fn reads_at_once(bench: &Bench, paths: impl Iterator<Item = String>) -> Reads {
    bench.broker.hold();
    let tasks = reads(bench, paths);
    breathe().await;
    bench.broker.release();
    tasks
}

async fn failures(tasks: Reads) -> usize {
    tasks.join_all().await.into_iter().filter(Result::is_err).count()
}

#[tokio::test(start_paused = true)]
async fn many_who_want_the_same_make_one_call() {
    let bench = Bench::new(exact());
    let tasks = reads_at_once(&bench, (0..50).map(|_| "gs://lake/wh/sales/x".to_owned())).await;
    assert_eq!(failures(tasks).await, 0);
    assert_eq!(bench.broker.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_takes_nobodys_answer_with_him() {
    let bench = Bench::new(exact());
    bench.broker.hold();
    let mut leader = reads(&bench, ["gs://lake/wh/x".to_owned()].into_iter());
    breathe().await;
    let others = reads(&bench, (0..5).map(|_| "gs://lake/wh/x".to_owned()));
    breathe().await;
    leader.abort_all();
    while leader.join_next().await.is_some() {}
    bench.broker.release();
    assert_eq!(failures(others).await, 0);
    assert_eq!(bench.broker.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn neighbours_wait_for_the_first_answer_and_use_it() {
    let bench = Bench::new(sales());
    let tasks = reads_at_once(&bench, (0..50).map(|i| format!("gs://lake/wh/sales/part-{i}"))).await;
    assert_eq!(failures(tasks).await, 0);
    assert_eq!(bench.broker.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn neighbours_whom_the_first_answer_does_not_serve_ask_together() {
    let bench = Bench::new(exact());
    bench.broker.hold();
    let tasks = reads(&bench, (0..20).map(|i| format!("gs://lake/wh/sales/part-{i}")));
    breathe().await;
    assert_eq!(bench.broker.calls(), 1);
    bench.broker.release_one();
    breathe().await;
    assert_eq!(bench.broker.calls(), 20, "all others are under way at once");
    bench.broker.release();
    assert_eq!(failures(tasks).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_to_all_neighbours_by_one_call() {
    let bench = Bench::new(|_| Err(unavailable()));
    let tasks = reads_at_once(&bench, (0..20).map(|i| format!("gs://lake/wh/sales/part-{i}"))).await;
    assert_eq!(failures(tasks).await, 20);
    assert_eq!(bench.broker.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_denial_of_one_object_is_none_of_its_neighbours() {
    let bench = Bench::new(|ask| {
        if ask.parts[0].target().key().ends_with("secret") { Err(denied()) } else { exact()(ask) }
    });
    bench.broker.hold();
    let mut refused = reads(&bench, ["gs://lake/wh/secret".to_owned()].into_iter());
    breathe().await;
    let others = reads(&bench, (0..5).map(|i| format!("gs://lake/wh/part-{i}")));
    breathe().await;
    bench.broker.release();
    assert!(matches!(refused.join_next().await, Some(Ok(Err(ClientError::Denied(_))))));
    assert_eq!(failures(others).await, 0);
}

#[tokio::test(start_paused = true)]
async fn all_below_a_token_that_ran_out_ask_once_for_its_successor() {
    let bench = Bench::new(sales());
    bench.client.token_for("gs://lake/wh/sales/x", ops("read")).await.unwrap();
    let whole = [part("gs://lake/wh/sales/", "read+list")];
    let successor = answer(&whole, "t2", start().plus(2 * HOUR));
    bench.broker.rewrite(move |_| Ok(successor.clone()));
    bench.pass(58 * MINUTE).await;
    let paths = (0..30).map(|i| format!("gs://lake/wh/sales/day={i}/part-0"));
    assert_eq!(failures(reads_at_once(&bench, paths).await).await, 0);
    assert_eq!(bench.broker.calls(), 2);
    assert_eq!(bench.broker.asked()[1].parts, whole);
}

#[tokio::test(start_paused = true)]
async fn when_a_successor_is_denied_those_below_ask_for_themselves() {
    let bench = Bench::new(sales());
    bench.client.token_for("gs://lake/wh/sales/x", ops("read")).await.unwrap();
    bench.pass(58 * MINUTE).await;
    bench.broker.rewrite(|ask| match ask.parts[0].target().key() {
        "wh/sales/" => Err(denied()),
        _ => Ok(answer(&ask.parts, "t2", start().plus(2 * HOUR))),
    });
    bench.client.token_for("gs://lake/wh/sales/x", ops("read")).await.unwrap();
    assert_eq!(bench.broker.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_one_question_and_its_answer_serves_the_next_copy() {
    let bench = Bench::new(|_| {
        let everything = "read+list+create+write+delete";
        let covered = [part("gs://lake/a/", "read+list"), part("gs://lake/b/", everything)];
        Ok(answer(&covered, "copy", start().plus(HOUR)))
    });
    let object = |path| ObjectPath::parse(path).unwrap();
    bench.client.token_for_copy(&object("gs://lake/a/1"), &object("gs://lake/b/1")).await.unwrap();
    bench.client.token_for_copy(&object("gs://lake/a/2"), &object("gs://lake/b/2")).await.unwrap();
    let asked = bench.broker.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].parts, [part("gs://lake/a/1", "read"), part("gs://lake/b/1", "write")]);
}

#[tokio::test(start_paused = true)]
async fn the_answer_says_whether_a_broker_was_asked() {
    let bench = Bench::new(sales());
    let wanted = [part("gs://lake/wh/sales/x", "read")];
    assert_eq!(bench.client.answer_for_parts(&wanted).await.unwrap().served, Served::Fresh);
    assert_eq!(bench.client.answer_for_parts(&wanted).await.unwrap().served, Served::ClientTier);
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_none_are_refused_without_a_call() {
    let bench = Bench::new(exact());
    let client = &bench.client;
    let up = client.token_for("gs://lake/a/../b", ops("read")).await;
    assert!(matches!(up, Err(ClientError::InvalidPath(_))));
    assert!(matches!(client.token_for_parts(&[]).await, Err(ClientError::InvalidParts)));
    let five: Vec<_> = (0..5).map(|i| part(&format!("gs://lake/{i}"), "read")).collect();
    assert!(matches!(client.token_for_parts(&five).await, Err(ClientError::InvalidParts)));
    let nothing = client.token_for("gs://lake/a", OperationSet::EMPTY).await;
    assert!(matches!(nothing, Err(ClientError::InvalidOperations(_))));
    assert_eq!(bench.broker.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_of_operations_is_not_served_from_the_tier_either() {
    let bench = Bench::new(sales());
    bench.client.token_for("gs://lake/wh/sales/x", ops("read")).await.unwrap();
    assert!(bench.client.token_for("gs://lake/wh/sales/x", OperationSet::EMPTY).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_tier_is_bounded() {
    let bench = Bench::with_capacity(16, exact());
    for index in 0..100 {
        bench.client.token_for(&format!("gs://lake/{index}/x"), ops("read")).await.unwrap();
        bench.pass(Duration::from_millis(1)).await;
    }
    assert!(bench.client.tier_len() <= 16);
}
