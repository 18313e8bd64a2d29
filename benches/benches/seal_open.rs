//! One token into the shared tier and out again: sealing and opening, over a map in memory and over the embedded
//! store.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::{Context as _, Result};
use criterion::Criterion;
use lakegate_benches::Lake;
use lakegate_domain::{AccessToken, Clock, Credential, Secret, SystemClock};
use lakegate_policy::{Scope, Snapshot};
use lakegate_token_store::{MemoryStore, RedbStore, SealedTokens, SealingKey, SealingKeys, TokenStore};

/// Bytes of a GCS token cut down by the STS are a few hundred to a thousand.
const TOKEN_BYTES: [usize; 2] = [300, 1_200];

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let scope = scope()?;
    for bytes in TOKEN_BYTES {
        let memory = Arc::new(MemoryStore::new(Arc::clone(&clock)));
        in_memory(&mut criterion, memory, &scope, bytes)?;
    }
    embedded(&mut criterion, Arc::new(RedbStore::in_memory(clock)?), &scope)?;
    criterion.final_summary();
    Ok(())
}

/// The memory store answers at once, so what is timed is sealing and opening, a map and two polls.
fn in_memory(
    criterion: &mut Criterion,
    store: Arc<dyn TokenStore>,
    scope: &Scope,
    bytes: usize,
) -> Result<()> {
    let tokens = tokens(store)?;
    let token = token(scope, bytes);
    at_once(tokens.put(scope, &token)).context("put")??;
    criterion.bench_function(&format!("seal and put/memory/{bytes}"), |bencher| {
        bencher.iter(|| at_once(tokens.put(black_box(scope), black_box(&token))));
    });
    at_once(tokens.get(scope)).context("get")??.context("the token is not there")?;
    criterion.bench_function(&format!("get and open/memory/{bytes}"), |bencher| {
        bencher.iter(|| at_once(tokens.get(black_box(scope))));
    });
    Ok(())
}

/// The embedded store works on threads of its own; a runtime carries its answers.
fn embedded(criterion: &mut Criterion, store: Arc<dyn TokenStore>, scope: &Scope) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let tokens = tokens(store)?;
    runtime.block_on(tokens.put(scope, &token(scope, 1_200)))?;
    runtime.block_on(tokens.get(scope))?.context("the token is not there")?;
    criterion.bench_function("get and open/embedded/1200", |bencher| {
        bencher.iter(|| runtime.block_on(tokens.get(black_box(scope))));
    });
    Ok(())
}

fn tokens(store: Arc<dyn TokenStore>) -> Result<SealedTokens> {
    let keys = SealingKeys::single(SealingKey::from_bytes(1, [7; 32]));
    Ok(SealedTokens::new(store, keys, "bench", Arc::new(SystemClock))?)
}

fn scope() -> Result<Scope> {
    let lake = Lake::of(100);
    let snapshot = Snapshot::compile(&lake.policy()?)?;
    Ok(snapshot.decide(&lake.member()?, &[lake.part()?], SystemClock.now())?.scope().clone())
}

fn token(scope: &Scope, bytes: usize) -> AccessToken {
    let now = SystemClock.now();
    AccessToken {
        credential: Credential::Bearer(Secret::new("x".repeat(bytes))),
        minted_at: now,
        expires_at: now.plus(Duration::from_hours(1)),
        scope_tag: scope.tag(),
        snapshot: 1,
    }
}

/// The output of a future that does not wait.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
