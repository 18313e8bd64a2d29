//! What every [`RecordLog`] must do; each implementation's tests call [`run`].

use std::error::Error;
use std::sync::Arc;

use super::{
    Appended, LogName, LogSnapshot, MAX_SNAPSHOT_BYTES, RECORDS_KEPT, RECORDS_PER_READ, RecordLog, Records,
};
use crate::{MAX_VALUE_BYTES, StoreError};

const KEYS: LogName = LogName::DelegationKeys;
const TOKENS: LogName = LogName::DelegationTokens;

/// What a check returns: a failure of the store ends it.
type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Runs all checks, each on a fresh, empty store.
///
/// # Errors
/// What the store answered where it should have succeeded.
///
/// # Panics
/// When the store breaks a rule.
pub async fn run<S: RecordLog + 'static>(make_store: impl AsyncFn() -> S) -> Outcome {
    an_empty_log_says_so(&make_store().await).await?;
    records_are_read_back_in_order(&make_store().await).await?;
    logs_do_not_meet(&make_store().await).await?;
    a_number_is_given_once_and_only_behind_the_head(&make_store().await).await?;
    of_many_writers_one_gets_a_number(Arc::new(make_store().await)).await?;
    a_read_is_bounded(&make_store().await).await?;
    snapshots_never_go_backwards(&make_store().await).await?;
    forgetting_keeps_readers_that_are_a_little_behind(&make_store().await).await?;
    long_values_are_refused(&make_store().await).await
}

async fn an_empty_log_says_so(store: &dyn RecordLog) -> Outcome {
    assert_eq!(store.read(KEYS, 0).await?, Records::default());
    assert_eq!(store.read(KEYS, 7).await?, Records::default());
    assert_eq!(store.snapshot(KEYS).await?, None);
    Ok(())
}

async fn records_are_read_back_in_order(store: &dyn RecordLog) -> Outcome {
    let bytes: Vec<Vec<u8>> = vec![b"one".to_vec(), vec![0, 255, 13, 10], vec![7; MAX_VALUE_BYTES]];
    for (number, record) in (1..).zip(&bytes) {
        assert_eq!(store.append(KEYS, number, record.clone()).await?, Appended::Done);
    }
    let numbered: Vec<(u64, Vec<u8>)> = (1..).zip(bytes).collect();
    for after in 0..4 {
        let records = numbered.iter().filter(|(number, _)| *number > after).cloned().collect();
        assert_eq!(store.read(KEYS, after).await?, Records { head: 3, oldest: 1, records });
    }
    assert_eq!(store.read(KEYS, u64::MAX).await?.records, []);
    Ok(())
}

async fn logs_do_not_meet(store: &dyn RecordLog) -> Outcome {
    store.append(KEYS, 1, b"key".to_vec()).await?;
    assert_eq!(store.read(TOKENS, 0).await?, Records::default());
    assert_eq!(store.append(TOKENS, 1, b"token".to_vec()).await?, Appended::Done);
    store.put_snapshot(TOKENS, LogSnapshot { number: 1, bytes: b"all".to_vec() }).await?;
    assert_eq!(store.snapshot(KEYS).await?, None);
    assert_eq!(store.read(KEYS, 0).await?.records, [(1, b"key".to_vec())]);
    Ok(())
}

async fn a_number_is_given_once_and_only_behind_the_head(store: &dyn RecordLog) -> Outcome {
    let ahead = store.append(KEYS, 2, b"too early".to_vec()).await;
    assert!(matches!(ahead, Err(StoreError::NotNext { head: 0 })), "{ahead:?}");
    assert_eq!(store.append(KEYS, 1, b"first".to_vec()).await?, Appended::Done);
    assert_eq!(store.append(KEYS, 1, b"first again".to_vec()).await?, Appended::Taken);
    assert_eq!(store.append(KEYS, 0, b"none".to_vec()).await?, Appended::Taken);
    let ahead = store.append(KEYS, 3, b"too early".to_vec()).await;
    assert!(matches!(ahead, Err(StoreError::NotNext { head: 1 })), "{ahead:?}");
    assert_eq!(store.append(KEYS, 2, b"second".to_vec()).await?, Appended::Done);
    let records = vec![(1, b"first".to_vec()), (2, b"second".to_vec())];
    assert_eq!(store.read(KEYS, 0).await?, Records { head: 2, oldest: 1, records });
    Ok(())
}

async fn of_many_writers_one_gets_a_number(store: Arc<dyn RecordLog>) -> Outcome {
    for number in 1..=5 {
        let writers: Vec<_> = (0..8_u8)
            .map(|writer| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { (writer, store.append(KEYS, number, vec![writer]).await) })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            let (writer, appended) = writer.await?;
            match appended? {
                Appended::Done => winners.push(writer),
                Appended::Taken => {}
            }
        }
        assert_eq!(store.read(KEYS, number - 1).await?.records, [(number, winners.clone())]);
        assert_eq!(winners.len(), 1, "{winners:?}");
    }
    Ok(())
}

async fn a_read_is_bounded(store: &dyn RecordLog) -> Outcome {
    let count = u64::try_from(RECORDS_PER_READ)? + 10;
    for number in 1..=count {
        store.append(KEYS, number, number.to_be_bytes().to_vec()).await?;
    }
    let mut seen = 0;
    while seen < count {
        let read = store.read(KEYS, seen).await?;
        assert_eq!((read.head, read.oldest), (count, 1));
        assert!((1..=RECORDS_PER_READ).contains(&read.records.len()));
        for (number, record) in read.records {
            assert_eq!((number, record), (seen + 1, (seen + 1).to_be_bytes().to_vec()));
            seen = number;
        }
    }
    Ok(())
}

async fn snapshots_never_go_backwards(store: &dyn RecordLog) -> Outcome {
    for number in 1..=4 {
        store.append(KEYS, number, vec![0]).await?;
    }
    let snapshot = |number, bytes: &[u8]| LogSnapshot { number, bytes: bytes.to_vec() };
    store.put_snapshot(KEYS, snapshot(3, b"three")).await?;
    for late in [snapshot(2, b"two"), snapshot(1, b"one"), snapshot(0, b"")] {
        store.put_snapshot(KEYS, late).await?;
        assert_eq!(store.snapshot(KEYS).await?, Some(snapshot(3, b"three")));
    }
    for again in [b"the same, sealed with another key".as_slice(), b"and once more"] {
        store.put_snapshot(KEYS, snapshot(3, again)).await?;
        assert_eq!(store.snapshot(KEYS).await?, Some(snapshot(3, again)));
    }
    store.put_snapshot(KEYS, snapshot(4, b"")).await?;
    assert_eq!(store.snapshot(KEYS).await?, Some(snapshot(4, b"")));
    let records = store.read(KEYS, 0).await?;
    assert_eq!((records.head, records.oldest, records.records.len()), (4, 1, 4), "a short log stays whole");
    Ok(())
}

async fn forgetting_keeps_readers_that_are_a_little_behind(store: &dyn RecordLog) -> Outcome {
    let count = RECORDS_KEPT + 50;
    for number in 1..=count {
        store.append(KEYS, number, number.to_be_bytes().to_vec()).await?;
    }
    let snapshot = LogSnapshot { number: count - 10, bytes: vec![1; MAX_SNAPSHOT_BYTES] };
    store.put_snapshot(KEYS, snapshot.clone()).await?;
    let oldest = count - 10 - RECORDS_KEPT + 1;
    let read = store.read(KEYS, 0).await?;
    assert_eq!((read.head, read.oldest), (count, oldest));
    assert_eq!(read.records.first(), Some(&(oldest, oldest.to_be_bytes().to_vec())));
    let read = store.read(KEYS, count - 5).await?;
    assert_eq!(read.records.len(), 5, "what the snapshot does not say stays");
    for forgotten in [1, oldest - 1, oldest] {
        assert_eq!(store.append(KEYS, forgotten, b"again".to_vec()).await?, Appended::Taken);
    }
    assert_eq!(store.append(KEYS, count + 1, b"next".to_vec()).await?, Appended::Done);
    assert_eq!(store.snapshot(KEYS).await?, Some(snapshot));
    Ok(())
}

async fn long_values_are_refused(store: &dyn RecordLog) -> Outcome {
    let refused = store.append(KEYS, 1, vec![0; MAX_VALUE_BYTES + 1]).await;
    assert!(matches!(refused, Err(StoreError::TooLarge)), "{refused:?}");
    let long = LogSnapshot { number: 1, bytes: vec![0; MAX_SNAPSHOT_BYTES + 1] };
    let refused = store.put_snapshot(KEYS, long).await;
    assert!(matches!(refused, Err(StoreError::TooLarge)), "{refused:?}");
    assert_eq!(store.read(KEYS, 0).await?, Records::default());
    assert_eq!(store.snapshot(KEYS).await?, None);
    Ok(())
}
