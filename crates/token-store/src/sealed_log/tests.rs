//! What somebody with access to the store, or an accident of the store, may do to a log.

mod forks;

use std::collections::BTreeMap;

use super::*;
use crate::record_log::{Held, MemoryLog, RECORDS_KEPT};
use crate::{Fault, RecordLog, Records};

const TOKENS: LogName = LogName::DelegationTokens;
const CLUSTER: &str = "lake";

fn keys(id: u32) -> SealingKeys {
    SealingKeys::single(SealingKey::from_bytes(id, [u8::try_from(id).unwrap(); 32]))
}

/// Another process on the same store.
fn start(store: &Arc<MemoryLog>) -> SealedLog {
    log_of(store, TOKENS, keys(1), CLUSTER)
}

fn log_of(store: &Arc<MemoryLog>, name: LogName, keys: SealingKeys, cluster: &str) -> SealedLog {
    SealedLog::new(Arc::clone(store) as Arc<dyn RecordLog>, name, keys, cluster).unwrap()
}

/// Appends what has these texts, behind what is known.
async fn write(log: &SealedLog, texts: &[&str]) {
    for text in texts {
        let next = log.seen() + 1;
        assert_eq!(log.append(next, text.as_bytes()).await.unwrap(), Appended::Done);
    }
}

/// Everything behind a number, as text.
async fn texts(log: &SealedLog, after: u64) -> Result<Vec<String>, LogError> {
    let (mut texts, mut at) = (Vec::new(), after);
    loop {
        let read = log.read(at).await?;
        let all = read.snapshot.iter().chain(&read.records);
        texts.extend(all.map(|opened| String::from_utf8(opened.bytes.to_vec()).unwrap()));
        at = read.reached(at);
        if at == read.head {
            return Ok(texts);
        }
    }
}

#[tokio::test]
async fn what_one_process_writes_another_reads_in_order() {
    let store = Arc::new(MemoryLog::new());
    let (a, b) = (start(&store), start(&store));
    write(&a, &["issue", "renew"]).await;
    assert_eq!(texts(&b, 0).await.unwrap(), ["issue", "renew"]);
    write(&b, &["cancel"]).await;
    assert_eq!(texts(&a, 2).await.unwrap(), ["cancel"]);
    assert_eq!(texts(&a, 3).await.unwrap(), [""; 0]);
    assert_eq!((a.seen(), b.seen()), (3, 3));
}

#[tokio::test]
async fn lg01_nothing_that_was_written_stands_in_the_store_or_in_debug_output() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    write(&log, &["a very secret key"]).await;
    log.put_snapshot(1, b"a very secret key").await.unwrap();
    let held = format!("{store:?} {log:?} {:?}", log.read(0).await.unwrap());
    let bytes = format!("{:?}", b"very secret").replace(['[', ']'], "");
    assert!(!held.contains("very secret") && !held.contains(&bytes));
}

#[tokio::test]
async fn of_two_writers_of_a_number_one_is_told_that_it_is_taken() {
    let store = Arc::new(MemoryLog::new());
    let (a, b) = (start(&store), start(&store));
    write(&a, &["a's"]).await;
    assert_eq!(b.append(1, b"b's").await.unwrap(), Appended::Taken);
    assert_eq!(b.seen(), 0, "what was not written was not seen");
    assert_eq!(texts(&b, 0).await.unwrap(), ["a's"]);
}

#[tokio::test]
async fn a_lost_reply_is_found_to_be_a_success_and_nothing_is_written_twice() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    store.lose_next_reply();
    assert_eq!(log.append(1, b"once").await.unwrap(), Appended::Done);
    assert_eq!(texts(&start(&store), 0).await.unwrap(), ["once"]);
}

#[tokio::test]
async fn a_write_that_the_store_did_not_take_is_an_error_and_can_be_repeated() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    store.set_fault(Fault::Down);
    for _ in 0..3 {
        let failed = log.append(1, b"x").await;
        assert!(matches!(failed, Err(LogError::Store(StoreError::Unavailable(_)))), "{failed:?}");
    }
    assert!(!log.read(0).await.unwrap_err().is_alarming());
    store.set_fault(Fault::None);
    assert_eq!(log.append(1, b"x").await.unwrap(), Appended::Done);
    assert_eq!(texts(&log, 0).await.unwrap(), ["x"]);
}

#[tokio::test]
async fn a_writer_that_went_away_leaves_a_record_like_any_other() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    // Its record is in the store, and it is gone before it hears so.
    {
        let mut append = std::pin::pin!(log.append(1, b"late"));
        while store.read(TOKENS, 0).await.unwrap().head == 0 {
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(append.as_mut().poll(context)));
            assert!(polled.await.is_pending());
        }
    }
    assert_eq!(log.seen(), 0, "nobody was told");
    assert_eq!(texts(&log, 0).await.unwrap(), ["late"]);
    write(&log, &["next"]).await;
    assert_eq!(texts(&log, 0).await.unwrap(), ["late", "next"]);
}

#[tokio::test]
async fn rd01_any_flipped_bit_and_any_cut_is_tampering_and_never_an_end() {
    let store = Arc::new(MemoryLog::new());
    write(&start(&store), &["one", "two"]).await;
    let whole = store.backup();
    let length = 2 + SEAL_BYTES + 1;
    for at in 0..length {
        store.restore(whole.clone());
        store.tamper(TOKENS, |records| records.get_mut(&2).unwrap()[at] ^= 1);
        let read = start(&store).read(0).await;
        let version_or_key_id = at < 5;
        match read {
            Err(LogError::Tampered { number: 2 }) if !version_or_key_id => {}
            Err(LogError::UnknownKey { number: 2 }) if version_or_key_id => {}
            other => panic!("{at}: {other:?}"),
        }
        store.restore(whole.clone());
        store.tamper(TOKENS, |records| records.get_mut(&2).unwrap().truncate(at));
        assert!(start(&store).read(0).await.unwrap_err().is_alarming(), "cut to {at}");
    }
}

#[tokio::test]
async fn rd02_records_that_were_swapped_moved_or_copied_do_not_open() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    write(&log, &["one", "two"]).await;
    log_of(&store, LogName::DelegationKeys, keys(1), CLUSTER).append(1, b"key").await.unwrap();
    log_of(&store, LogName::DelegationKeys, keys(1), CLUSTER).append(2, b"key").await.unwrap();
    let whole = store.backup();
    store.tamper(TOKENS, |records| {
        let (one, two) = (records[&1].clone(), records[&2].clone());
        records.extend([(1, two), (2, one)]);
    });
    assert!(matches!(start(&store).read(0).await, Err(LogError::Tampered { number: 1 })));
    store.restore(whole.clone());
    let mut foreign = Vec::new();
    store.tamper(LogName::DelegationKeys, |records| foreign = records[&2].clone());
    store.tamper(TOKENS, |records| drop(records.insert(2, foreign)));
    assert!(matches!(start(&store).read(0).await, Err(LogError::Tampered { number: 2 })));
    store.restore(whole.clone());
    let elsewhere = log_of(&store, TOKENS, keys(1), "another lake");
    assert!(matches!(elsewhere.read(0).await, Err(LogError::Tampered { number: 1 })));
    let mut record = Vec::new();
    store.tamper(TOKENS, |records| record = records[&1].clone());
    store.tamper_snapshot(TOKENS, |snapshot| *snapshot = Some(LogSnapshot { number: 1, bytes: record }));
    assert!(matches!(start(&store).read(0).await, Err(LogError::SnapshotTampered { number: 1 })));
}

#[tokio::test]
async fn rd04_a_record_that_was_put_in_the_place_of_a_seen_one_is_a_fork() {
    let store = Arc::new(MemoryLog::new());
    let (a, b) = (start(&store), start(&store));
    write(&a, &["one"]).await;
    let before = store.backup();
    write(&a, &["a's two"]).await;
    // The store loses the second record before anybody else sees it, and another process gets its number.
    store.restore(before);
    texts(&b, 0).await.unwrap();
    write(&b, &["b's two"]).await;
    assert!(matches!(a.read(2).await, Err(LogError::Forked { number: 2 })));
    write(&b, &["three"]).await;
    assert!(matches!(a.read(2).await, Err(LogError::Forked { number: 2 })));
    assert_eq!(texts(&b, 0).await.unwrap(), ["one", "b's two", "three"]);
}

#[tokio::test]
async fn rd10_a_lost_end_is_put_back_by_whoever_remembers_it() {
    let store = Arc::new(MemoryLog::new());
    let (a, b) = (start(&store), start(&store));
    write(&a, &["one", "two"]).await;
    let before = store.backup();
    write(&a, &["cancel", "four"]).await;
    for lost in [before, Held::default()] {
        store.restore(lost);
        assert_eq!(texts(&a, 4).await.unwrap(), [""; 0]);
        assert_eq!(texts(&b, 0).await.unwrap(), ["one", "two", "cancel", "four"]);
    }
}

#[tokio::test]
async fn rd10_a_store_that_lost_more_than_is_remembered_is_an_alarm_and_never_empty() {
    let store = Arc::new(MemoryLog::new());
    let writer = start(&store);
    write(&writer, &["one", "two"]).await;
    writer.put_snapshot(2, b"one and two").await.unwrap();
    let late = start(&store);
    assert_eq!(texts(&late, 0).await.unwrap(), ["one and two"]);
    store.lose_everything();
    for _ in 0..2 {
        let read = late.read(2).await;
        assert!(
            matches!(
                read,
                Err(LogError::SnapshotRewound { seen: 2, number: 0 } | LogError::Rewound { seen: 2, head: 0 })
            ),
            "{read:?}"
        );
        assert!(read.unwrap_err().is_alarming());
        assert!(late.read(0).await.is_err(), "not even when asked from the beginning");
    }
    assert!(matches!(late.append(3, b"x").await, Err(LogError::Rewound { seen: 2, head: 0 })));
    assert_eq!(store.read(TOKENS, 0).await.unwrap(), Records::default(), "nothing was written behind a hole");
}

#[tokio::test]
async fn rd04_an_old_snapshot_put_back_is_an_alarm_to_whoever_saw_a_newer_one() {
    let store = Arc::new(MemoryLog::new());
    let writer = start(&store);
    write(&writer, &["one", "two"]).await;
    writer.put_snapshot(1, b"one").await.unwrap();
    let mut old = None;
    store.tamper_snapshot(TOKENS, |snapshot| old.clone_from(snapshot));
    writer.put_snapshot(2, b"one and two").await.unwrap();
    let log = start(&store);
    assert_eq!(texts(&log, 0).await.unwrap(), ["one and two"]);
    store.tamper_snapshot(TOKENS, |snapshot| *snapshot = old);
    assert!(matches!(log.read(0).await, Err(LogError::SnapshotRewound { seen: 2, number: 1 })));
    // Whoever never saw the newer one is told the same by it and the records behind it.
    assert_eq!(texts(&start(&store), 0).await.unwrap(), ["one", "two"]);
}

#[tokio::test]
async fn a_snapshot_whose_followers_are_gone_is_a_gap_and_one_beyond_the_end_a_rewind() {
    let store = Arc::new(MemoryLog::new());
    let writer = start(&store);
    write(&writer, &["one", "two", "three"]).await;
    writer.put_snapshot(1, b"one").await.unwrap();
    let whole = store.backup();
    store.tamper(TOKENS, |records| drop(records.remove(&2)));
    assert!(matches!(start(&store).read(0).await, Err(LogError::Gap { missing: 2 })));
    store.tamper(TOKENS, BTreeMap::clear);
    assert!(matches!(start(&store).read(0).await, Err(LogError::Gap { missing: 2 })));
    store.restore(whole);
    store.tamper_snapshot(TOKENS, |snapshot| *snapshot = None);
    store.tamper(TOKENS, |records| drop(records.remove(&1)));
    assert!(matches!(start(&store).read(0).await, Err(LogError::Gap { missing: 1 })));
}

#[tokio::test]
async fn a_reader_far_behind_begins_with_the_snapshot_and_one_a_little_behind_goes_on() {
    let store = Arc::new(MemoryLog::new());
    let (writer, behind, far_behind) = (start(&store), start(&store), start(&store));
    write(&writer, &["one"]).await;
    assert_eq!(texts(&far_behind, 0).await.unwrap(), ["one"]);
    for _ in 0..RECORDS_KEPT + 20 {
        write(&writer, &["more"]).await;
    }
    let head = writer.seen();
    assert_eq!(texts(&behind, 0).await.unwrap().len(), usize::try_from(head).unwrap());
    writer.put_snapshot(head - 5, b"nearly all").await.unwrap();
    assert_eq!(texts(&far_behind, 1).await.unwrap()[..2], ["nearly all", "more"]);
    assert_eq!(texts(&behind, head - 50).await.unwrap().len(), 50);
    assert_eq!(texts(&start(&store), 0).await.unwrap().len(), 6);
}

#[tokio::test]
async fn rd06_a_rotation_of_the_sealing_keys_reads_what_the_old_one_sealed() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    write(&log, &["one"]).await;
    let [new, old] = [2, 1].map(|id| keys(id).current);
    log.rotate(SealingKeys { current: new, previous: Some(old) }).unwrap();
    write(&log, &["two"]).await;
    assert_eq!(texts(&log, 0).await.unwrap(), ["one", "two"]);
    assert!(matches!(start(&store).read(0).await, Err(LogError::UnknownKey { number: 2 })));
    assert!(matches!(
        log.rotate(SealingKeys::single(SealingKey::from_bytes(2, [9; 32]))),
        Err(StoreError::KeyIdReused)
    ));
}

#[tokio::test]
async fn rd06_an_old_sealing_key_can_be_dropped_when_the_log_was_sealed_anew() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    assert!(!log.wants_snapshot());
    write(&log, &["one"]).await;
    log.put_snapshot(1, b"one").await.unwrap();
    write(&log, &["two"]).await;
    let both = || {
        let [new, old] = [2, 1].map(|id| keys(id).current);
        SealingKeys { current: new, previous: Some(old) }
    };
    log.rotate(both()).unwrap();
    assert!(log.wants_snapshot());
    log.put_snapshot(1, b"one").await.unwrap();
    assert!(log.wants_snapshot(), "the second record still is sealed with the old key");
    // A process that starts in the middle of it wants the same.
    let late = log_of(&store, TOKENS, both(), CLUSTER);
    texts(&late, 0).await.unwrap();
    assert!(late.wants_snapshot());
    late.put_snapshot(2, b"one and two").await.unwrap();
    assert!(!late.wants_snapshot());
    let without = log_of(&store, TOKENS, keys(2), CLUSTER);
    assert_eq!(texts(&without, 0).await.unwrap(), ["one and two"]);
    assert!(!without.wants_snapshot());
}

#[tokio::test]
async fn an_answer_from_before_a_write_is_no_rewind() {
    let store = Arc::new(MemoryLog::new());
    let log = Arc::new(start(&store));
    write(&log, &["one"]).await;
    let mut crossed = 0;
    for round in 0..200 {
        let head = log.seen();
        let reading = tokio::spawn({
            let log = Arc::clone(&log);
            async move { log.read(head).await.map(|read| read.head) }
        });
        // The answer is made before, while or after the record is.
        for _ in 0..round % 6 {
            tokio::task::yield_now().await;
        }
        write(&log, &["more"]).await;
        crossed += u32::from(reading.await.unwrap().unwrap() == head);
    }
    assert!((1..200).contains(&crossed), "{crossed} of 200 answers were from before the write");
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_it_is_sent() {
    let store = Arc::new(MemoryLog::new());
    let log = start(&store);
    let record = vec![0; MAX_VALUE_BYTES];
    assert!(matches!(log.append(1, &record).await, Err(LogError::Store(StoreError::TooLarge))));
    assert_eq!(log.append(1, &record[SEAL_BYTES..]).await.unwrap(), Appended::Done);
    let snapshot = vec![0; MAX_SNAPSHOT_BYTES];
    assert!(matches!(log.put_snapshot(1, &snapshot).await, Err(LogError::Store(StoreError::TooLarge))));
    log.put_snapshot(1, &snapshot[SEAL_BYTES..]).await.unwrap();
    assert_eq!(log.read(0).await.unwrap().reached(0), 1);
}
