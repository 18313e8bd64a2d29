//! One token out of Redis: the library alone with one `GET`, the store with its breaker, and sealed tokens on top.
//! All over TLS to a real server on this machine; needs `cargo xtask peers`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use criterion::Criterion;
use lakegate_benches::Lake;
use lakegate_domain::{AccessToken, Clock, Credential, Secret, SystemClock};
use lakegate_policy::{Scope, Snapshot};
use lakegate_testkit::{RedisKind, RedisServer};
use lakegate_token_store::settings::StoreSettings;
use lakegate_token_store::{SealedTokens, SealingKey, SealingKeys, TokenStore};
use redis::aio::MultiplexedConnection;
use redis::{Client, TlsCertificates};

/// Bytes of a GCS token cut down by the STS.
const TOKEN_BYTES: usize = 1_200;

fn main() -> Result<()> {
    let _first = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let server = runtime.block_on(RedisServer::start(RedisKind::Redis))?;
    let scope = scope()?;
    let store = runtime.block_on(store(&server))?;
    let keys = SealingKeys::single(SealingKey::from_bytes(1, [7; 32]));
    let tokens = SealedTokens::new(Arc::clone(&store), keys, "bench", Arc::new(SystemClock))?;
    runtime.block_on(tokens.put(&scope, &token(&scope)))?;
    let key = scope.key();
    let name = format!("lg:{key}");
    let mut alone = runtime.block_on(alone(&server))?;
    let found: Option<Vec<u8>> = runtime.block_on(redis::cmd("GET").arg(&name).query_async(&mut alone))?;
    found.context("the token is not there")?;
    criterion.bench_function("redis/library alone, GET", |bencher| {
        bencher.iter(|| {
            let get = async { redis::cmd("GET").arg(&name).query_async::<Vec<u8>>(&mut alone).await };
            black_box(runtime.block_on(get))
        });
    });
    criterion.bench_function("redis/store behind its breaker", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(store.get_many(&[key]))));
    });
    criterion.bench_function("redis/get and open", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(tokens.get(&scope))));
    });
    criterion.final_summary();
    Ok(())
}

async fn store(server: &RedisServer) -> Result<Arc<dyn TokenStore>> {
    let read = |path: &Path| anyhow::Ok(Secret::new(std::fs::read_to_string(path)?));
    StoreSettings::Redis(Box::new(server.settings()?)).open(Arc::new(SystemClock), read).await
}

/// A connection that the library makes itself, as a user that may do everything.
async fn alone(server: &RedisServer) -> Result<MultiplexedConnection> {
    server.command(&["ACL", "SETUSER", "bench", "on", ">bench", "~*", "+@all"]).await?;
    let root_cert = Some(server.authority().certificate_pem().into_bytes());
    let url = format!("rediss://bench:bench@{}", server.address());
    let client = Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert })?;
    Ok(client.get_multiplexed_async_connection().await?)
}

fn scope() -> Result<Scope> {
    let lake = Lake::of(100);
    let snapshot = Snapshot::compile(&lake.policy()?)?;
    Ok(snapshot.decide(&lake.member()?, &[lake.part()?], SystemClock.now())?.scope().clone())
}

fn token(scope: &Scope) -> AccessToken {
    let now = SystemClock.now();
    AccessToken {
        credential: Credential::Bearer(Secret::new("x".repeat(TOKEN_BYTES))),
        minted_at: now,
        expires_at: now.plus(Duration::from_hours(1)),
        scope_tag: scope.tag(),
        snapshot: 1,
    }
}
