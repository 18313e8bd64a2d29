//! The slow book: a list of all records, looked through from the start for every question.

use proptest::prelude::*;

use super::*;

/// Few tokens, so that records meet.
fn record() -> impl Strategy<Value = Record> {
    let number = 0_u8..4;
    let hours = 0_i64..250;
    prop_oneof![
        number.clone().prop_map(|number| issued(&token(number))),
        (number.clone(), hours).prop_map(|(number, hours)| Record::Renewed {
            id: id(number),
            until: Timestamp::from_millis(NOW.as_millis() + hours * 3_600_000)
        }),
        number.prop_map(|number| cancelled(&token(number))),
        (0_u32..2).prop_map(|epoch| Record::EpochRaised { epoch }),
    ]
}

/// What a list of records says of one token.
fn slow_fate(records: &[Record], token: &Identifier) -> Fate {
    let of = |record: &Record| match record {
        Record::Issued { id, .. } | Record::Renewed { id, .. } | Record::Cancelled { id, .. } => {
            *id == token.id
        }
        Record::EpochRaised { .. } => false,
    };
    let mine: Vec<_> = records.iter().filter(|record| of(record)).collect();
    let cancelled = |record: &&Record| matches!(record, Record::Cancelled { .. });
    let there = mine.iter().position(|record| matches!(record, Record::Issued { .. }));
    let dates = mine.iter().skip(there.unwrap_or(mine.len())).take_while(|record| !cancelled(record));
    let dates = dates.filter_map(|record| match record {
        Record::Renewed { until, .. } => Some((*until).min(token.max_date).max(token.first_renew_date)),
        _ => None,
    });
    let is_cancelled = mine.iter().any(cancelled);
    let epoch = records.iter().filter_map(|record| match record {
        Record::EpochRaised { epoch } => Some(*epoch),
        _ => None,
    });
    Fate {
        renewed_until: dates.max().filter(|_| !is_cancelled),
        cancelled: is_cancelled,
        epoch: epoch.max().unwrap_or(0),
    }
}

fn book_of(records: &[Record]) -> Book {
    let mut book = Book::default();
    for record in records {
        book.write(record);
    }
    book
}

proptest! {
    #[test]
    fn the_book_says_what_the_whole_log_says(records in prop::collection::vec(record(), 0..20)) {
        let book = book_of(&records);
        prop_assert_eq!(book.number(), records.len() as u64);
        let mut live = 0;
        for number in 0..4 {
            let (token, fate) = (token(number), slow_fate(&records, &token(number)));
            prop_assert_eq!(book.fate(&token.id), fate);
            let known = records.contains(&issued(&token)) && !fate.cancelled;
            prop_assert_eq!(book.row(&token.id).is_some(), known);
            live += usize::from(known && fate.epoch == 0);
        }
        prop_assert_eq!(book.live(NOW), live);
    }

    #[test]
    fn dt17_a_tombstone_wins_in_any_order(
        records in prop::collection::vec(record(), 0..12), place: prop::sample::Index, number in 0_u8..4,
    ) {
        let mut records = records;
        records.insert(place.index(records.len() + 1), cancelled(&token(number)));
        let book = book_of(&records);
        prop_assert!(book.fate(&id(number)).cancelled);
        let terms = RenewalTerms { terms: crate::Terms::default(), grace: 7 * DAY };
        prop_assert!(book.renew(&token(number), &terms, NOW).is_err());
        prop_assert!(book.cancel(&Tombstone::from(&token(number)), NOW).is_none(), "once is enough");
    }

    #[test]
    fn a_snapshot_and_the_rest_of_the_log_make_the_same_book(
        records in prop::collection::vec(record(), 0..20), place: prop::sample::Index,
    ) {
        let cut = place.index(records.len() + 1);
        let early = book_of(&records[..cut]);
        let mut late = Book::from_bytes(early.number(), &early.to_bytes()).unwrap();
        prop_assert_eq!(late.to_bytes(), early.to_bytes());
        records[cut..].iter().for_each(|record| late.write(record));
        let whole = book_of(&records);
        prop_assert_eq!(late.to_bytes(), whole.to_bytes());
        prop_assert_eq!(late.owned, whole.owned);
        prop_assert_eq!(late.ends, whole.ends);
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(book) = Book::from_bytes(0, &bytes) {
            prop_assert_eq!(book.to_bytes(), bytes);
        }
    }
}
