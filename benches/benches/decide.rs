//! A decision: the pure function between a caller and a scope, in lakes of two sizes.
//!
//! `plain` is what nearly everybody gets, the whole home dataset; `narrowed` is the same question from somebody whom a
//! deny inside the dataset concerns.

use std::hint::black_box;

use anyhow::Result;
use criterion::{BenchmarkId, Criterion};
use lakegate_benches::Lake;
use lakegate_domain::Timestamp;
use lakegate_policy::Snapshot;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    for datasets in [100, 10_000] {
        decide(&mut criterion, Lake::of(datasets))?;
    }
    compile(&mut criterion, Lake::of(10_000))?;
    criterion.final_summary();
    Ok(())
}

fn decide(criterion: &mut Criterion, lake: Lake) -> Result<()> {
    let snapshot = Snapshot::compile(&lake.policy()?)?;
    let part = [lake.part()?];
    for (kind, caller) in [("plain", lake.member()?), ("narrowed", lake.limited_member()?)] {
        snapshot.decide(&caller, &part, NOW)?;
        criterion.bench_function(&format!("decide/{kind}/{}", lake.datasets()), |bencher| {
            bencher.iter(|| snapshot.decide(black_box(&caller), black_box(&part), NOW));
        });
    }
    Ok(())
}

fn compile(criterion: &mut Criterion, lake: Lake) -> Result<()> {
    let document = lake.policy()?;
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    group.bench_function(BenchmarkId::from_parameter(lake.datasets()), |bencher| {
        bencher.iter(|| Snapshot::compile(black_box(&document)));
    });
    group.finish();
    Ok(())
}
