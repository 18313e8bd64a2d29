//! An emulator with a bucket `lake`, and everything that a minter against it is made of.

use std::sync::Arc;
use std::time::Duration;

use lakegate_cloud_emulator::{
    BucketRole, CallCounts, Emulator, EmulatorConfig, Endpoint, Fault, Role, ServiceAccountKey,
};
use lakegate_domain::{AccessToken, Clock, Credential, ManualClock, Timestamp};
use lakegate_policy::{PolicyDocument, Scope};
use lakegate_sts::conformance::{Scopes, decide};
use lakegate_sts::gcs::source::{ImpersonationConfig, ImpersonationSource, KeyFileSource, Source};
use lakegate_sts::gcs::{GcsConfig, GcsMinter};
use lakegate_sts::{HttpClient, HttpConfig, MintError, Minter, Roots};
use serde_json::json;
use url::Url;

pub(crate) const BROKER: &str = "broker@project.iam.gserviceaccount.com";
pub(crate) const LAKE: &str = "lake@project.iam.gserviceaccount.com";

/// A whole pretend cloud with its own clock.
pub(crate) struct Cloud {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Arc<ManualClock>,
    /// Our clock: the cloud's too, unless a test wants them apart.
    pub(crate) ours: Arc<ManualClock>,
    pub(crate) http: HttpClient,
    pub(crate) key: ServiceAccountKey,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-03-01T12:00:00Z").unwrap()));
        let key = ServiceAccountKey::generate(BROKER).unwrap();
        let mut broker = key.account();
        broker.may_impersonate.push(LAKE.to_owned());
        let mut lake = ServiceAccountKey::generate(LAKE).unwrap().account();
        lake.roles = vec![BucketRole::everywhere(Role::ObjectAdmin)];
        let config = EmulatorConfig {
            buckets: vec!["lake".to_owned(), "pond".to_owned()],
            service_accounts: vec![broker, lake],
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..EmulatorConfig::default()
        };
        let emulator = Emulator::start(config).await.unwrap();
        Self { emulator, ours: Arc::clone(&clock), clock, http: http(Duration::from_secs(2)), key }
    }

    /// The same with a clock of our own, which shows the same time.
    pub(crate) async fn start_with_clocks_apart() -> Self {
        let cloud = Self::start().await;
        Self { ours: Arc::new(ManualClock::at(cloud.clock.now())), ..cloud }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.ours) as Arc<dyn Clock>
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&[self.emulator.url().as_str(), path].concat()).unwrap()
    }

    pub(crate) fn calls(&self) -> CallCounts {
        self.emulator.calls()
    }

    pub(crate) fn key_file_source(&self) -> Arc<dyn Source> {
        let key_file = self.key.key_file(&self.emulator.url());
        Arc::new(KeyFileSource::new(&key_file, self.http.clone(), self.clock()).unwrap())
    }

    pub(crate) fn impersonation_source(&self) -> Arc<dyn Source> {
        let config = ImpersonationConfig::new(self.url("/"), LAKE.to_owned());
        let source =
            ImpersonationSource::new(config, self.key_file_source(), self.http.clone(), self.clock());
        Arc::new(source.unwrap())
    }

    pub(crate) fn config(&self, source: Arc<dyn Source>) -> GcsConfig {
        GcsConfig::new(self.url("/v1/token"), self.clock(), source, self.http.clone())
    }

    /// The usual minter: by impersonation.
    pub(crate) fn minter(&self) -> Arc<dyn Minter> {
        Arc::new(GcsMinter::new(self.config(self.impersonation_source())).unwrap())
    }

    pub(crate) fn scopes(&self) -> Scopes {
        Scopes::decided_at(self.clock.now())
    }

    /// A scope of exactly these parts, each of (path, operations).
    pub(crate) fn scope(&self, parts: &[(&str, &str)]) -> Scope {
        let rule = |(index, (path, _)): (usize, &(&str, &str))| {
            let kind = if path.ends_with('/') { "prefix" } else { "object" };
            json!({
                "id": (["r", &index.to_string()].concat()),
                "effect": "allow",
                "on": { kind: path },
                "to": ["principal:u"],
                "operations": ["read", "list", "create", "write", "delete"],
            })
        };
        let rules: Vec<_> = parts.iter().enumerate().map(rule).collect();
        let policy = json!({
            "version": 1,
            "storages": [{"id": "lake", "dialect": "gcs", "buckets": ["lake", "pond"], "exact_operations": true}],
            "rules": rules,
        });
        let policy = PolicyDocument::from_json(&policy.to_string()).unwrap();
        decide(&policy, parts, self.clock.now()).scope().clone()
    }

    /// Mints once while the STS misbehaves.
    pub(crate) async fn mint_with(&self, fault: Fault) -> Result<Arc<AccessToken>, MintError> {
        self.emulator.faults().next_calls(Endpoint::Sts, &fault, 1);
        self.minter().mint(&self.scopes().plain, 1).await
    }

    /// The status of a storage call with the token.
    pub(crate) async fn storage(&self, method: reqwest::Method, path: &[&str], token: &AccessToken) -> u16 {
        let mut url = self.url("/storage/v1/b");
        let (segments, prefix) = match path {
            [bucket, key] => (vec![*bucket, "o", *key], None),
            [bucket, "?prefix", prefix] => (vec![*bucket, "o"], Some(*prefix)),
            _ => panic!("a path is (bucket, key) or (bucket, ?prefix, prefix)"),
        };
        url.path_segments_mut().unwrap().extend(segments);
        if let Some(prefix) = prefix {
            url.query_pairs_mut().append_pair("prefix", prefix);
        }
        let request = plain_client().request(method, url).bearer_auth(bearer(token));
        request.send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn reads(&self, key: &str, token: &AccessToken) -> u16 {
        self.storage(reqwest::Method::GET, &["lake", key], token).await
    }

    pub(crate) async fn lists(&self, prefix: &str, token: &AccessToken) -> u16 {
        self.storage(reqwest::Method::GET, &["lake", "?prefix", prefix], token).await
    }

    pub(crate) async fn deletes(&self, key: &str, token: &AccessToken) -> u16 {
        self.storage(reqwest::Method::DELETE, &["lake", key], token).await
    }

    /// The status of a simple upload.
    pub(crate) async fn writes(&self, key: &str, token: &AccessToken) -> u16 {
        let mut url = self.url("/upload/storage/v1/b/lake/o");
        url.query_pairs_mut().append_pair("uploadType", "media").append_pair("name", key);
        let request = plain_client().post(url).bearer_auth(bearer(token)).body("new");
        request.send().await.unwrap().status().as_u16()
    }

    pub(crate) fn put(&self, keys: &[&str]) {
        for key in keys {
            self.emulator.put_object("lake", key, "old").unwrap();
        }
    }
}

pub(crate) fn http(total_timeout: Duration) -> HttpClient {
    HttpClient::new(HttpConfig { roots: Roots::Only(Vec::new()), total_timeout, ..HttpConfig::default() })
        .unwrap()
}

fn plain_client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

pub(crate) fn bearer(token: &AccessToken) -> &str {
    match &token.credential {
        Credential::Bearer(secret) => secret.expose(),
        other => panic!("not a bearer token: {other:?}"),
    }
}
