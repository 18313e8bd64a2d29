//! The last good policy stays, whatever happens to the file.

use std::fs;
use std::thread;

use lakegate_domain::ManualClock;
use lakegate_policy::PolicyDocument;
use prometheus::TextEncoder;
use tempfile::TempDir;

use super::*;
use crate::captured::while_logging;

const EVERY: Duration = Duration::from_secs(2);
const LOADED: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A policy of one rule.
fn policy(version: u64) -> String {
    format!(
        r"version: {version}
storages: [{{id: lake, dialect: gcs, buckets: [lake]}}]
projects: [{{name: p}}]
datasets: [{{name: d, prefix: gs://lake/d/, project: p}}]
rules: [{{id: r{version}, effect: allow, on: {{dataset: d}}, to: [principal:alice], operations: [read]}}]
"
    )
}

fn snapshot(version: u64) -> Snapshot {
    Snapshot::compile(&PolicyDocument::from_yaml(&policy(version)).unwrap()).unwrap()
}

fn pass() -> SnapshotCheck {
    Arc::new(|_| Ok(()))
}

/// Somewhere to be an item.
fn reloads() -> Reloads {
    Reloads::new(&Registry::new(), Arc::new(ManualClock::at(LOADED))).unwrap()
}

/// A policy file, and a feed that looks when it is told to.
struct Bench {
    dir: TempDir,
    feed: Arc<PolicyFeed>,
    follower: Follower,
}

impl Bench {
    fn new(check: SnapshotCheck, limit: u64) -> Self {
        let dir = TempDir::new().unwrap();
        let source = Source::new(dir.path().join("policy.yaml"), check).limited_to(limit);
        let freshness = Freshness::new();
        let clock = Arc::new(ManualClock::at(LOADED));
        let feed = Arc::new(PolicyFeed::new(Some(freshness)));
        Self { dir, feed, follower: Follower::new(source, clock) }
    }

    fn write(&self, text: &str) {
        fs::write(self.dir.path().join("policy.yaml"), text).unwrap();
    }

    async fn look(&mut self) {
        tokio::time::advance(EVERY).await;
        self.follower.look(&self.feed).await;
    }

    fn version(&self) -> Option<u64> {
        self.feed.current().map(|snapshot| snapshot.number())
    }

    /// Writes a text, looks, and asserts that it is refused, once, for this reason.
    async fn refuses(&mut self, text: &str, reason: &str) {
        let before = (self.version(), self.feed.failed_reloads(), self.feed.age());
        self.write(text);
        let logged = logs(self.look()).await;
        assert!(
            logged.contains(reason) && logged.contains("policy.yaml"),
            "wanted {reason}, logged {logged}"
        );
        self.look().await;
        assert_eq!(self.version(), before.0, "{reason}");
        assert_eq!(self.feed.failed_reloads(), before.1 + 1, "{reason}");
        assert!(self.feed.is_failing());
        assert_eq!(self.feed.age(), before.2 + 2 * EVERY, "{reason}: the age goes on");
    }
}

/// What is logged at `error` while a future runs.
async fn logs(future: impl Future<Output = ()>) -> String {
    while_logging(tracing::Level::ERROR, future).await.1
}

#[tokio::test(start_paused = true)]
async fn ps01_without_a_good_policy_there_is_none_and_a_first_good_one_is_taken() {
    let mut bench = Bench::new(pass(), 1 << 20);
    let logged = logs(bench.look()).await;
    assert!(logged.contains("cannot be read"), "{logged}");
    assert!(logs(bench.look()).await.is_empty(), "one complaint is logged once");
    assert_eq!((bench.version(), bench.feed.failed_reloads(), bench.feed.loaded_at()), (None, 2, None));
    bench.refuses("", "syntax").await;
    bench.refuses("{}", "syntax").await;
    bench.refuses("version: 1\nstorages: []\n", "would deny everything").await;
    let (ruleless, _) = policy(1).split_once("rules:").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    bench.refuses(&ruleless, "would deny everything").await;
    bench.write(&policy(1));
    bench.look().await;
    assert_eq!((bench.version(), bench.feed.loaded_at()), (Some(1), Some(LOADED)));
    assert!(!bench.feed.is_failing() && bench.feed.age().is_zero());
}

#[tokio::test(start_paused = true)]
async fn ps02_a_bad_document_is_refused_whole_and_the_last_good_one_kept() {
    let mut bench = Bench::new(pass(), 1 << 20);
    bench.write(&policy(5));
    bench.look().await;
    let good = policy(6);
    let twice = good.replace(
        "rules: [",
        "rules: [{id: r6, effect: deny, on: {dataset: d}, to: [principal:bob], operations: [read]}, ",
    );
    let cases = [
        (good[..good.len() / 2].to_owned(), "line "),
        (twice, "r6"),
        (good.replace("to:", "unles: [principal:x], to:"), "line 5"),
        (good.replace("effect: allow", "effect: permit"), "line 5"),
        (good.replace("version: 6", "version: six"), "line 1"),
        (policy(4), "policy version 4 is lower than version 5"),
        (policy(5).replace("alice", "bob"), "policy version 5 is in force with other content"),
    ];
    for (text, reason) in cases {
        bench.refuses(&text, reason).await;
    }
    fs::write(bench.dir.path().join("policy.yaml"), [0xff, 0xfe]).unwrap();
    let logged = logs(bench.look()).await;
    assert!(logged.contains("not UTF-8"), "{logged}");
    assert_eq!(bench.version(), Some(5));
    bench.write(&good);
    bench.look().await;
    assert_eq!((bench.version(), bench.feed.is_failing()), (Some(6), false));
    assert!(bench.feed.age().is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_comment_may_change_under_the_same_version() {
    let mut bench = Bench::new(pass(), 1 << 20);
    bench.write(&policy(1));
    bench.look().await;
    let in_force = bench.feed.current().unwrap();
    bench.write(&format!("# reviewed\n{}", policy(1)));
    bench.look().await;
    assert!(Arc::ptr_eq(&in_force, &bench.feed.current().unwrap()));
    assert!(!bench.feed.is_failing() && bench.feed.age().is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_this_process_cannot_serve_is_refused() {
    let check: SnapshotCheck =
        Arc::new(
            |snapshot| if snapshot.number() < 2 { Ok(()) } else { Err("storage lake: no minter".to_owned()) },
        );
    let mut bench = Bench::new(check, 1 << 20);
    bench.write(&policy(1));
    bench.look().await;
    bench.refuses(&policy(2), "storage lake: no minter").await;
}

#[tokio::test(start_paused = true)]
async fn a_source_out_of_reach_ages_and_is_fresh_again_when_it_returns() {
    let mut bench = Bench::new(pass(), 1 << 20);
    bench.write(&policy(1));
    bench.look().await;
    fs::remove_file(bench.dir.path().join("policy.yaml")).unwrap();
    bench.look().await;
    bench.look().await;
    assert_eq!((bench.version(), bench.feed.age(), bench.feed.failed_reloads()), (Some(1), 2 * EVERY, 2));
    bench.write(&policy(1));
    bench.look().await;
    assert_eq!((bench.feed.age(), bench.feed.is_failing()), (Duration::ZERO, false));
}

#[tokio::test(start_paused = true)]
async fn ps15_a_file_over_the_cap_is_refused_and_loading_happens_off_the_runtime() {
    let runtime = thread::current().id();
    let check: SnapshotCheck = Arc::new(move |_| {
        assert_ne!(thread::current().id(), runtime);
        Ok(())
    });
    let limit = policy(1).len() as u64;
    let mut bench = Bench::new(check, limit);
    bench.write(&policy(1));
    bench.look().await;
    assert_eq!(bench.version(), Some(1));
    bench.write(&format!("{}#", policy(2)));
    let logged = logs(bench.look()).await;
    assert!(logged.contains(&format!("longer than {limit} bytes")), "{logged}");
    assert_eq!(bench.version(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_keeps_the_last_good_policy() {
    let check: SnapshotCheck = Arc::new(|snapshot| {
        assert!(snapshot.number() < 2, "a fault of ours");
        Ok(())
    });
    let mut bench = Bench::new(check, 1 << 20);
    bench.write(&policy(1));
    bench.look().await;
    bench.write(&policy(2));
    let logged = logs(bench.look()).await;
    assert!(logged.contains("interrupted"), "{logged}");
    assert_eq!((bench.version(), bench.feed.age()), (Some(1), EVERY));
}

#[tokio::test(start_paused = true)]
async fn a_feed_follows_its_file_and_tells_of_each_snapshot() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("policy.yaml");
    fs::write(&path, policy(1)).unwrap();
    let clock = Arc::new(ManualClock::at(LOADED));
    let feed = PolicyFeed::start(path.clone(), pass(), EVERY, clock, &reloads()).await.unwrap();
    let mut numbers = feed.subscribe();
    assert_eq!(*numbers.borrow_and_update(), Some(1));
    for version in [2, 7] {
        fs::write(&path, policy(version)).unwrap();
        numbers.changed().await.unwrap();
        assert_eq!(*numbers.borrow_and_update(), Some(version));
        assert_eq!(feed.current().unwrap().number(), version);
    }
    drop(feed);
    assert!(numbers.changed().await.is_err(), "nothing follows for a feed that is gone");
}

#[tokio::test]
async fn json_is_read_by_its_ending_and_a_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("policy.JSON");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(LOADED));
    let document = PolicyDocument::from_yaml(&policy(3)).unwrap();
    fs::write(&path, serde_json::to_string(&document).unwrap()).unwrap();
    let feed = PolicyFeed::start(path, pass(), EVERY, Arc::clone(&clock), &reloads()).await.unwrap();
    assert_eq!(feed.current().unwrap().number(), 3);
    let refused = PolicyFeed::start(dir.path().to_owned(), pass(), EVERY, clock, &reloads()).await;
    assert!(matches!(refused, Err(FeedError::Directory { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_fixed_feed_has_no_age_and_its_version_only_rises() {
    let feed = PolicyFeed::fixed(snapshot(5));
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!((feed.age(), feed.loaded_at()), (Duration::ZERO, None));
    assert!(matches!(feed.replace(snapshot(4)), Err(FeedError::LowerVersion { offered: 4, in_force: 5 })));
    assert!(matches!(feed.replace(snapshot(5)), Err(FeedError::VersionReused { version: 5 })));
    let numbers = feed.subscribe();
    feed.replace(snapshot(6)).unwrap();
    assert!(numbers.has_changed().unwrap());
    assert_eq!(feed.current().unwrap().number(), 6);
}

#[tokio::test(start_paused = true)]
async fn the_gauges_tell_version_age_and_failure() {
    let mut bench = Bench::new(pass(), 1 << 20);
    bench.write(&policy(3));
    bench.look().await;
    let registry = Registry::new();
    bench.feed.register(&registry).unwrap();
    assert!(bench.feed.register(&registry).is_err(), "one feed for each registry");
    bench.write("bad");
    bench.look().await;
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for line in [
        "lakegate_policy_version 3",
        "lakegate_policy_age_seconds 2",
        "lakegate_policy_reload_failing 1",
        "lakegate_policy_failed_reloads 1",
        "lakegate_policy_loaded_timestamp_seconds 1800000000",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    drop(bench);
    assert!(registry.gather().is_empty());
}
