//! A look-up in the client tier, filled by a real broker of a deployment in this process.

use std::hint::black_box;

use anyhow::{Context, Result};
use criterion::Criterion;
use lakegate_domain::{ObjectPath, Operation, OperationSet, Target};
use lakegate_testkit::{Deployment, Options};

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let deployment = runtime.block_on(Deployment::start(Options::sample()?))?;
    let read = OperationSet::of(&[Operation::Read]);
    let near = target("gs://lake-sample/warehouse/part-0.csv")?;
    let deep = target("gs://lake-sample/warehouse/sales/us/2026-11-01/a/b/c/d/part-0.csv")?;
    let client = {
        let _inside = runtime.enter();
        deployment.client("alice")?
    };
    for target in [&near, &deep] {
        runtime.block_on(client.token_for(target, read))?;
        client.cached(target, read).context("the tier does not hold the token")?;
    }
    criterion
        .bench_function("client hit/near", |bencher| bencher.iter(|| client.cached(black_box(&near), read)));
    criterion
        .bench_function("client hit/deep", |bencher| bencher.iter(|| client.cached(black_box(&deep), read)));
    criterion.bench_function("client miss", |bencher| {
        let elsewhere = Target::parse("gs://elsewhere/a/b/c/d/e/f/part-0.csv");
        bencher.iter(|| elsewhere.as_ref().map(|target| client.cached(black_box(target), read)));
    });
    criterion.final_summary();
    drop(client);
    runtime.block_on(deployment.stop());
    Ok(())
}

fn target(path: &str) -> Result<Target> {
    Ok(Target::Object(ObjectPath::parse(path)?))
}
