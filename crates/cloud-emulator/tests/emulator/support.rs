//! A running emulator with one account, and the calls that every test makes.

use std::sync::{Arc, Once, OnceLock};

use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_domain::{Clock, ManualClock, Timestamp};
use object_store::gcp::{GcpCredential, GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::{ClientOptions, RetryConfig, StaticCredentialProvider};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "lakegate@emulated.iam.gserviceaccount.com";
pub(crate) const OBJECT_CLAUSE: &str =
    "resource.name.startsWith('projects/_/buckets/lake/objects/wh/sales/')";
pub(crate) const LIST_CLAUSE: &str =
    "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('wh/sales/')";

/// One key for all tests: making one takes long.
pub(crate) fn key() -> &'static ServiceAccountKey {
    static KEY: OnceLock<ServiceAccountKey> = OnceLock::new();
    KEY.get_or_init(|| ServiceAccountKey::generate(ACCOUNT).unwrap())
}

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: reqwest::Client,
}

impl World {
    /// Buckets `lake` and `other`, one account with full rights, a clock that stands.
    pub(crate) async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    pub(crate) async fn configured(change: impl FnOnce(&mut EmulatorConfig)) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-03-01T12:00:00Z").unwrap()));
        let mut config = EmulatorConfig {
            buckets: vec!["lake".to_owned(), "other".to_owned()],
            service_accounts: vec![key().account()],
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..EmulatorConfig::default()
        };
        change(&mut config);
        let emulator = Emulator::start(config).await.unwrap();
        Self { emulator, clock, client: client() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.emulator.url()))
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Response {
        self.request(Method::GET, path).bearer_auth(token).send().await.unwrap()
    }

    /// A source token of the account.
    pub(crate) fn source(&self) -> String {
        self.emulator.source_token(ACCOUNT).unwrap().expose().to_owned()
    }

    /// The answer to an exchange with these options.
    pub(crate) async fn exchange(&self, subject: &str, options: &str) -> Response {
        let token_type = "urn:ietf:params:oauth:token-type:access_token";
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", token_type),
            ("requested_token_type", token_type),
            ("subject_token", subject),
            ("options", options),
        ];
        self.request(Method::POST, "/v1/token").form(&form).send().await.unwrap()
    }

    /// A token downscoped to these rules of the bucket `lake`.
    pub(crate) async fn downscoped(&self, rules: &[(&str, &str)]) -> String {
        let response = self.exchange(&self.source(), &boundary(rules)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer: Value = response.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// What readers of `wh/sales/` get.
    pub(crate) async fn reader(&self) -> String {
        let listing = format!("{OBJECT_CLAUSE} || {LIST_CLAUSE}");
        self.downscoped(&[("objectViewer", &listing)]).await
    }

    /// What writers of `wh/sales/` get.
    pub(crate) async fn writer(&self) -> String {
        let rules = [
            ("legacyObjectReader", OBJECT_CLAUSE),
            ("objectViewer", LIST_CLAUSE),
            ("legacyBucketWriter", OBJECT_CLAUSE),
        ];
        self.downscoped(&rules).await
    }

    /// The real client on the bucket `lake`.
    pub(crate) fn store(&self, token: &str) -> GoogleCloudStorage {
        let credential = GcpCredential { bearer: token.to_owned() };
        let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        GoogleCloudStorageBuilder::new()
            .with_bucket_name("lake")
            .with_base_url(&self.emulator.url())
            .with_credentials(Arc::new(StaticCredentialProvider::new(credential)))
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_retry(retry)
            .build()
            .unwrap()
    }
}

/// The `options` of an exchange for rules of (role, condition) on the bucket `lake`.
pub(crate) fn boundary(rules: &[(&str, &str)]) -> String {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(role, expression)| {
            json!({
                "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
                "availablePermissions": [format!("inRole:roles/storage.{role}")],
                "availabilityCondition": { "expression": expression },
            })
        })
        .collect();
    json!({ "accessBoundary": { "accessBoundaryRules": rules } }).to_string()
}

/// A client that follows no redirects.
fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Status and JSON body.
pub(crate) async fn parsed(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}
