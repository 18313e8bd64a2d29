//! Two histories: a store that lost its end, and two processes that both go on.

use std::collections::VecDeque;

use async_trait::async_trait;

use super::*;
use crate::record_log::Records;

/// What comes before an append.
#[derive(Debug)]
enum Between {
    Nothing,
    /// Another process writes this.
    Writes(Arc<SealedLog>, &'static str),
    /// The store loses what it has, and has this.
    Has(Held),
}

/// A store that another process writes to just before an append: before the first, the second, and so on.
#[derive(Debug)]
struct Interleaved {
    store: Arc<MemoryLog>,
    between: Mutex<VecDeque<Between>>,
}

#[async_trait]
impl RecordLog for Interleaved {
    async fn append(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError> {
        let between = self.between.lock().unwrap().pop_front();
        match between.unwrap_or(Between::Nothing) {
            Between::Nothing => {}
            Between::Writes(other, text) => {
                texts(&other, other.seen()).await.unwrap();
                write(&other, &[text]).await;
            }
            Between::Has(held) => self.store.restore(held),
        }
        self.store.append(log, number, record).await
    }

    async fn read(&self, log: LogName, after: u64) -> Result<Records, StoreError> {
        self.store.read(log, after).await
    }

    async fn snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, StoreError> {
        self.store.snapshot(log).await
    }

    async fn put_snapshot(&self, log: LogName, snapshot: LogSnapshot) -> Result<(), StoreError> {
        self.store.put_snapshot(log, snapshot).await
    }
}

/// A process that wrote five records, of which the store lost the last three; another one saw only the first two, and
/// writes one of its own before the mender's append of this number, counted from 0.
async fn torn(before: usize) -> (Arc<MemoryLog>, SealedLog, Arc<SealedLog>) {
    let store = Arc::new(MemoryLog::new());
    let mut between = VecDeque::new();
    let interleaved = Arc::new(Interleaved { store: Arc::clone(&store), between: Mutex::default() });
    let mender =
        SealedLog::new(Arc::clone(&interleaved) as Arc<dyn RecordLog>, TOKENS, keys(1), CLUSTER).unwrap();
    write(&mender, &["one", "two"]).await;
    let other = Arc::new(start(&store));
    assert_eq!(texts(&other, 0).await.unwrap(), ["one", "two"]);
    let kept = store.backup();
    write(&mender, &["three", "four", "five"]).await;
    store.restore(kept);
    between.resize_with(before, || Between::Nothing);
    between.push_back(Between::Writes(Arc::clone(&other), "cancel"));
    *interleaved.between.lock().unwrap() = between;
    (store, mender, other)
}

#[tokio::test]
async fn rd10_a_mender_never_puts_its_own_end_behind_what_another_one_wrote() {
    for before in 0..3 {
        let (store, mender, other) = torn(before).await;
        let number = u64::try_from(before).unwrap() + 3;
        let read = mender.read(5).await;
        assert!(
            matches!(read, Err(LogError::Forked { number: forked }) if forked == number),
            "{before}: {read:?}"
        );
        let mut all = vec!["one", "two", "three", "four", "five"];
        all.truncate(before + 2);
        all.push("cancel");
        assert_eq!(texts(&start(&store), 0).await.unwrap(), all, "{before}: one history");
        assert_eq!(texts(&other, 0).await.unwrap(), all);
        assert!(matches!(mender.read(5).await, Err(LogError::Forked { .. })), "{before}: nor later");
    }
}

#[tokio::test]
async fn rd10_a_store_that_changes_its_history_under_a_mender_is_a_fork_and_told() {
    let store = Arc::new(MemoryLog::new());
    let interleaved = Arc::new(Interleaved { store: Arc::clone(&store), between: Mutex::default() });
    let mender =
        SealedLog::new(Arc::clone(&interleaved) as Arc<dyn RecordLog>, TOKENS, keys(1), CLUSTER).unwrap();
    write(&mender, &["one"]).await;
    let kept = store.backup();
    write(&mender, &["two", "three"]).await;
    store.restore(kept.clone());
    let other = start(&store);
    texts(&other, 0).await.unwrap();
    write(&other, &["cancel"]).await;
    let others = store.backup();
    store.restore(kept);
    // It puts back the second record; then the store fails over to where another one is, and it puts back the third.
    interleaved.between.lock().unwrap().extend([Between::Nothing, Between::Has(others)]);
    let read = mender.read(3).await;
    assert!(matches!(read, Err(LogError::Forked { number: 2 })), "{read:?}");
}

#[tokio::test]
async fn rd10_two_menders_at_once_put_back_the_same() {
    let store = Arc::new(MemoryLog::new());
    let (a, b) = (start(&store), start(&store));
    write(&a, &["one"]).await;
    let kept = store.backup();
    write(&a, &["two", "three", "four"]).await;
    assert_eq!(texts(&b, 0).await.unwrap().len(), 4);
    store.restore(kept);
    let (from_a, from_b) = tokio::join!(a.read(4), b.read(4));
    assert!(from_a.is_ok() && from_b.is_ok(), "{from_a:?} {from_b:?}");
    assert_eq!(texts(&start(&store), 0).await.unwrap(), ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn rd04_a_fork_does_not_clear_itself_when_its_place_is_forgotten() {
    let store = Arc::new(MemoryLog::new());
    let (a, b) = (start(&store), start(&store));
    write(&a, &["one"]).await;
    let kept = store.backup();
    write(&a, &["a's cancel"]).await;
    store.restore(kept);
    texts(&b, 0).await.unwrap();
    write(&b, &["b's two"]).await;
    assert!(matches!(a.read(2).await, Err(LogError::Forked { number: 2 })));
    for _ in 0..RECORDS_KEPT + 10 {
        write(&b, &["more"]).await;
    }
    b.put_snapshot(b.seen(), b"without a's cancel").await.unwrap();
    assert!(store.read(TOKENS, 0).await.unwrap().oldest > 3);
    assert!(matches!(a.read(2).await, Err(LogError::Forked { .. })), "nobody compared the two");
    // Who keeps what must not be lost may go over to the other history.
    let stranger = a.stranger();
    assert_eq!(texts(&stranger, 0).await.unwrap()[0], "without a's cancel");
    a.adopt(stranger);
    assert_eq!(texts(&a, b.seen()).await.unwrap(), [""; 0]);
    write(&a, &["a's cancel again"]).await;
    assert_eq!(texts(&b, b.seen()).await.unwrap(), ["a's cancel again"]);
}

#[tokio::test]
async fn rd04_a_fork_is_over_when_the_store_has_its_own_record_again() {
    let store = Arc::new(MemoryLog::new());
    let (a, b) = (start(&store), start(&store));
    write(&a, &["one"]).await;
    let (kept, ours) = (store.backup(), {
        write(&a, &["two"]).await;
        store.backup()
    });
    store.restore(kept);
    texts(&b, 0).await.unwrap();
    write(&b, &["b's two"]).await;
    assert!(matches!(a.read(2).await, Err(LogError::Forked { number: 2 })));
    store.restore(ours);
    assert_eq!(texts(&a, 2).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn rd10_a_record_that_nobody_copied_is_an_error_until_one_behind_it_is_copied() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    store.leave_alone(true);
    let alone = log.append(1, b"cancel").await;
    assert!(matches!(alone, Err(LogError::Store(StoreError::NotCopied { copies: 0 }))), "{alone:?}");
    assert!(log.is_unacknowledged() && !alone.unwrap_err().is_alarming());
    assert_eq!(texts(&log, 0).await.unwrap(), ["cancel"], "it is there");
    assert!(log.is_unacknowledged(), "and may still be lost");
    store.lose_next_reply();
    assert!(matches!(log.append(2, b"x").await, Err(LogError::Store(StoreError::Unavailable(_)))));
    store.leave_alone(false);
    texts(&log, 1).await.unwrap();
    assert_eq!(log.append(3, b"cancel").await.unwrap(), Appended::Done);
    assert!(!log.is_unacknowledged());
}
