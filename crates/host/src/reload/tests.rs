//! What was in force stays until something better is whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use lakegate_domain::{ManualClock, Timestamp};
use prometheus::TextEncoder;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::Level;

use super::*;
use crate::captured::while_logging;

const DEADLINE: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_hours(24);

/// A lock and its key: two files that must hold the same word, and the word in force.
struct Lock {
    dir: TempDir,
    registry: Registry,
    reloads: Reloads,
    in_force: watch::Sender<String>,
}

impl Lock {
    /// An item that looks only when its files are touched.
    fn watched() -> Self {
        let lock = Self::new(NEVER);
        let (files, in_force, take) = lock.parts();
        lock.reloads.follow(Item { name: "lock", files, in_force, take });
        lock
    }

    /// An item that hears of no change.
    fn deaf(every: Duration) -> Self {
        let lock = Self::new(NEVER);
        let (asking, asked) = mpsc::channel(1);
        lock.reloads.0.doors.lock().unwrap().push(Door { name: "lock", asking });
        let turns = Turns::new(FileWatch::new(&lock.reloads.0.watcher, Vec::new()), every, asked);
        let (files, in_force, take) = lock.parts();
        let following = Following::new("lock", files, in_force, take);
        let task =
            tokio::spawn(following.run(turns, lock.reloads.report("lock"), Arc::new(Confirmed::now())));
        lock.reloads.0.tasks.lock().unwrap().push(task);
        lock
    }

    fn new(poll: Duration) -> Self {
        let registry = Registry::new();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let reloads = Reloads::polling(poll, &registry, clock).unwrap();
        let lock = Self {
            dir: TempDir::new().unwrap(),
            registry,
            reloads,
            in_force: watch::Sender::new("one".to_owned()),
        };
        lock.write("lock", "one");
        lock.write("key", "one");
        lock
    }

    fn parts(&self) -> (FileSet, SetDigest, Take) {
        let files = FileSet::new().public(&self.dir.path().join("lock")).secret(&self.dir.path().join("key"));
        let in_force = self.in_force.clone();
        let take: Take = Arc::new(move |contents| {
            let [lock, key] = contents.files() else { return Err("not two files".into()) };
            if lock.bytes() != key.bytes() {
                return Err(format!("{} does not fit", key.path().display()).into());
            }
            in_force.send_replace(String::from_utf8(lock.bytes().to_vec())?);
            Ok(())
        });
        let digest = files.read().unwrap().digest();
        (files, digest, take)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    async fn holds(&self, word: &str) {
        let mut in_force = self.in_force.subscribe();
        timeout(DEADLINE, in_force.wait_for(|now| now == word)).await.unwrap().unwrap();
    }

    fn metrics(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap()
    }

    async fn all(&self) -> Outcome {
        let outcomes = self.reloads.reload_all().await;
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        assert_eq!(outcomes[0].0, "lock");
        outcomes[0].1
    }
}

#[tokio::test]
async fn xc25_a_set_that_does_not_fit_is_kept_out_said_once_and_taken_when_it_fits() {
    let lock = Lock::watched();
    let ((), log) = while_logging(Level::ERROR, async {
        lock.write("lock", "two");
        assert_eq!(lock.all().await, Outcome::Refused);
        assert_eq!(lock.all().await, Outcome::Refused);
    })
    .await;
    assert_eq!(log.matches("reload refused").count(), 1, "{log}");
    assert!(log.contains("lock,") && log.contains("key does not fit"), "{log}");
    assert_eq!(*lock.in_force.borrow(), "one");
    assert!(lock.metrics().contains("lakegate_reload_failing{item=\"lock\"} 1"));
    lock.write("key", "two");
    lock.holds("two").await;
    // Asked after the set is taken, the item has nothing left to do.
    assert_eq!(lock.all().await, Outcome::Unchanged);
    let metrics = lock.metrics();
    for line in [
        "lakegate_reload_failing{item=\"lock\"} 0",
        "lakegate_reload_last_success_timestamp_seconds{item=\"lock\"} 1800000000",
        "lakegate_reloads_total{item=\"lock\",outcome=\"taken\"} 2",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn files_that_go_bad_and_come_back_as_they_were_fail_no_longer() {
    // Nobody else looks, so every complaint comes from the look that is asked for.
    let lock = Lock::deaf(Duration::from_hours(1));
    fs::set_permissions(lock.dir.path().join("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let (outcome, log) = while_logging(Level::ERROR, lock.all()).await;
    assert_eq!(outcome, Outcome::Refused);
    assert!(log.contains("has mode 644"), "{log}");
    fs::remove_file(lock.dir.path().join("key")).unwrap();
    let (outcome, log) = while_logging(Level::ERROR, lock.all()).await;
    assert_eq!(outcome, Outcome::Refused);
    assert!(log.contains("cannot be read"), "another complaint is another line: {log}");
    lock.write("key", "one");
    let (outcome, log) = while_logging(Level::INFO, lock.all()).await;
    assert_eq!(outcome, Outcome::Unchanged);
    assert!(log.contains("again") || lock.metrics().contains("lakegate_reload_failing{item=\"lock\"} 0"));
    assert_eq!(*lock.in_force.borrow(), "one");
}

#[tokio::test]
async fn a_change_that_nobody_was_told_of_is_seen_by_polling() {
    let lock = Lock::deaf(Duration::from_millis(20));
    lock.write("lock", "two");
    lock.write("key", "two");
    lock.holds("two").await;
}

#[tokio::test]
async fn sighup_lets_every_item_look_and_says_how_it_went() {
    let lock = Lock::deaf(NEVER);
    lock.reloads.on(Hangups::listen().unwrap());
    let own = rustix::process::getpid();
    let hangup = || rustix::process::kill_process(own, rustix::process::Signal::HUP).unwrap();
    lock.write("lock", "two");
    lock.write("key", "two");
    hangup();
    lock.holds("two").await;
    lock.write("key", "three");
    let refused = async {
        hangup();
        while !lock.metrics().contains("lakegate_reload_failing{item=\"lock\"} 1") {
            tokio::task::yield_now().await;
        }
        // The summary follows the last answer.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    };
    let (waited, _log) = while_logging(Level::INFO, timeout(DEADLINE, refused)).await;
    waited.unwrap();
    assert_eq!(*lock.in_force.borrow(), "two");
}

#[tokio::test]
async fn a_summary_names_each_item_by_how_it_fared() {
    let outcomes = [("policy", Outcome::Taken), ("tls", Outcome::Unchanged), ("keys", Outcome::Refused)];
    let ((), log) = while_logging(Level::INFO, async { summarise(&outcomes) }).await;
    for said in ["ERROR", "taken=\"policy\"", "unchanged=\"tls\"", "refused=\"keys\"", "late=\"\""] {
        assert!(log.contains(said), "{said} is not in {log}");
    }
    let ((), log) = while_logging(Level::INFO, async { summarise(&outcomes[..2]) }).await;
    assert!(log.contains("INFO") && log.contains("reloaded on SIGHUP"), "{log}");
}

#[tokio::test]
async fn a_fault_in_taking_keeps_the_old_and_the_item_goes_on() {
    let lock = Lock::new(NEVER);
    let (files, in_force, take) = lock.parts();
    let faulty: Take = Arc::new(move |contents| {
        assert_ne!(contents.files()[0].bytes(), b"bug", "a fault of ours");
        take(contents)
    });
    lock.reloads.follow(Item { name: "lock", files, in_force, take: faulty });
    lock.write("lock", "bug");
    lock.write("key", "bug");
    assert_eq!(lock.all().await, Outcome::Refused);
    lock.write("lock", "two");
    lock.write("key", "two");
    lock.holds("two").await;
}

#[tokio::test]
async fn what_looks_by_itself_looks_at_once_at_a_change_in_time_and_when_asked() {
    let lock = Lock::new(NEVER);
    let (looks, seen) = (watch::Sender::new(0_u32), lock.dir.path().join("lock"));
    let counting = looks.clone();
    let looking: Look = Box::new(move || {
        counting.send_modify(|looks| *looks += 1);
        let outcome = if *counting.borrow() % 2 == 1 { Outcome::Taken } else { Outcome::Refused };
        Box::pin(std::future::ready(outcome))
    });
    lock.reloads.follow_by("lock", vec![seen], NEVER, looking).await;
    assert_eq!(*looks.borrow(), 1);
    assert_eq!(lock.all().await, Outcome::Refused);
    assert!(lock.metrics().contains("lakegate_reload_failing{item=\"lock\"} 1"));
    lock.write("lock", "two");
    timeout(DEADLINE, looks.subscribe().wait_for(|looks| *looks == 3)).await.unwrap().unwrap();
    let ticking = watch::Sender::new(0_u32);
    let counting = ticking.clone();
    let looking: Look = Box::new(move || {
        counting.send_modify(|looks| *looks += 1);
        Box::pin(std::future::ready(Outcome::Unchanged))
    });
    lock.reloads.follow_by("other", Vec::new(), Duration::from_millis(20), looking).await;
    timeout(DEADLINE, ticking.subscribe().wait_for(|looks| *looks > 3)).await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_is_followed_for_reloads_that_are_gone() {
    let lock = Lock::watched();
    let in_force = lock.in_force.clone();
    let senders = in_force.sender_count();
    drop(lock);
    let ended = async {
        while in_force.sender_count() > senders - 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, ended).await.unwrap();
}
