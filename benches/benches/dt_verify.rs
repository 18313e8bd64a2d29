//! One delegation token verified: base64, form, HMAC-SHA-256, names and dates, from the text of a header. No I/O.
//!
//! `known` is a token that is believed; `unknown key` is refused after the same work. `on record` looks the token up in
//! what a broker knows of 100,000 tokens, behind the lock that readers share; `remembered` is that look-up and the dates
//! alone, which is what a token costs that its connection presented before (beside one SHA-256 of its text).

use std::hint::black_box;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use anyhow::Result;
use criterion::Criterion;
use lakegate_delegation::{
    Binding, Book, DelegationKey, Draft, Fate, KeyId, KeyRing, Moment, Record, Row, Terms, TokenId,
    Untouched, Views, issue, verify,
};
use lakegate_domain::{Principal, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let ring = KeyRing::single("lake-production", DelegationKey::from_bytes(KeyId::new(1)?, [7; 32]))?;
    let other = KeyRing::single("lake-production", DelegationKey::from_bytes(KeyId::new(2)?, [8; 32]))?;
    let moment = Moment { now: NOW, skew: Duration::from_secs(30), views: &Untouched };
    let token = issue(draft()?, &Terms::default(), NOW, &ring)?.token;
    verify(token.expose(), &ring, &[], &moment)?;
    criterion.bench_function("dt verify/known", |bencher| {
        bencher.iter(|| verify(black_box(token.expose()), &ring, &[], &moment));
    });
    criterion.bench_function("dt verify/unknown key", |bencher| {
        bencher.iter(|| verify(black_box(token.expose()), &other, &[], &moment));
    });
    let shared = Shared(RwLock::new(book(&ring)?));
    let moment = Moment { views: &shared, ..moment };
    let verified = verify(token.expose(), &ring, &[], &moment)?;
    criterion.bench_function("dt verify/on record", |bencher| {
        bencher.iter(|| verify(black_box(token.expose()), &ring, &[], &moment));
    });
    criterion.bench_function("dt verify/remembered", |bencher| {
        bencher.iter(|| black_box(&verified).check(&moment));
    });
    criterion.final_summary();
    Ok(())
}

/// What a broker keeps.
#[derive(Debug)]
struct Shared(RwLock<Book>);

impl Views for Shared {
    fn fate(&self, token: &TokenId) -> Fate {
        self.0.read().unwrap_or_else(PoisonError::into_inner).fate(token)
    }

    fn binding(&self, token: &TokenId) -> Option<Binding> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).binding(token)
    }
}

/// A book of 100,000 tokens, of which every tenth was renewed.
fn book(ring: &KeyRing) -> Result<Book> {
    let mut book = Book::default();
    for number in 0_u64..100_000 {
        let mut id = [1; 16];
        for (to, from) in id.iter_mut().skip(8).zip(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
        {
            *to = from;
        }
        let id = if number == 0 { TokenId::from_bytes([1; 16]) } else { TokenId::from_bytes(id) };
        let issued = issue(Draft { id, ..draft()? }, &Terms::default(), NOW, ring)?;
        let until = issued.identifier.max_date;
        let mut records = vec![Record::Issued { id, row: Row::of(&issued.identifier, None) }];
        records.extend((number % 10 == 0).then_some(Record::Renewed { id, until }));
        for record in records {
            let (number, bytes) = book.next(&record);
            book.apply(number, &bytes)?;
        }
    }
    Ok(book)
}

fn draft() -> Result<Draft> {
    Ok(Draft {
        owner: Principal::parse("spiffe:prod.example.com/ns/etl/sa/loader")?,
        renewer: Some(Principal::parse("spiffe:prod.example.com/ns/yarn/sa/resource-manager")?),
        real_user: None,
        id: TokenId::from_bytes([1; 16]),
        sequence: 123_456,
        store_epoch: 0,
        binding: None,
    })
}
