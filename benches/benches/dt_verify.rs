//! One delegation token verified: base64, form, HMAC-SHA-256, names and dates, from the text of a header. No I/O.
//!
//! `known` is a token that is believed; `unknown key` is refused after the same work.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use criterion::Criterion;
use lakegate_delegation::{
    DelegationKey, Draft, KeyId, KeyRing, Moment, Terms, TokenId, Untouched, issue, verify,
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
    criterion.final_summary();
    Ok(())
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
