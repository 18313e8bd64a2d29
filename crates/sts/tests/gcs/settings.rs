//! What an operator writes about a storage: what is accepted, and what is found at start.

use std::num::NonZeroU32;
use std::sync::Arc;

use lakegate_domain::Secret;
use lakegate_sts::settings::{Budgets, Spending, StorageSettings};
use lakegate_sts::{ConfigError, EndpointProblem, Minter};
use serde_json::{Value, json};

use crate::cloud::Cloud;

fn settings(more: &Value) -> Result<StorageSettings, serde_json::Error> {
    let mut storage =
        json!({ "id": "lake", "settle_seconds": 0, "source": { "kind": "key-file", "path": "/k" } });
    let fields = more.as_object().unwrap().clone();
    storage.as_object_mut().unwrap().extend(fields);
    serde_json::from_value(storage)
}

struct Shop {
    cloud: Cloud,
    key_file: Secret,
}

impl Shop {
    async fn open() -> Self {
        let cloud = Cloud::start().await;
        let key_file = cloud.key.key_file(&cloud.emulator.url());
        Self { cloud, key_file }
    }

    fn make(&self, more: &Value) -> Result<Arc<dyn Minter>, ConfigError> {
        let settings = settings(more).unwrap();
        let mut budgets = Budgets::new(Spending { percent: 20, over: NonZeroU32::MIN });
        let key_file = settings.source.key_file().map(|_| &self.key_file);
        settings.minter(key_file, &mut budgets, self.cloud.clock())
    }
}

#[tokio::test]
async fn every_kind_of_source_makes_a_minter() {
    let shop = Shop::open().await;
    for (source, ends_early) in [
        (json!({ "kind": "key-file", "path": "/k" }), false),
        (json!({ "kind": "metadata-server" }), false),
        (json!({ "kind": "metadata-server", "account": "a@b.c", "host": "169.254.169.254" }), false),
        (json!({ "kind": "impersonation", "key_file": "/k", "account": "a@b.c" }), true),
        (json!({ "kind": "impersonation", "base": "metadata-server", "account": "a@b.c" }), true),
    ] {
        let minter = shop.make(&json!({ "source": source })).unwrap();
        assert_eq!(minter.lives().ends_early, ends_early, "{source}");
        assert!(minter.gate().is_none());
    }
    let probed = shop.make(&json!({ "canary": "gs://lake/canary" })).unwrap();
    assert!(probed.gate().is_some());
}

#[tokio::test]
async fn st14_a_region_or_universe_that_does_not_fit_is_found_at_start() {
    let shop = Shop::open().await;
    assert!(shop.make(&json!({ "sts_region": "europe-west1" })).is_ok());
    let url = shop.cloud.url("/v1/token").to_string();
    let both = shop.make(&json!({ "sts_region": "europe-west1", "sts_url": url })).unwrap_err();
    assert!(matches!(both, ConfigError::Conflict(_)), "{both:?}");
    let sovereign = shop.make(&json!({ "universe_domain": "apis-sovereign.example" })).unwrap_err();
    assert_eq!(sovereign, ConfigError::KeyFile("universe_domain is not that of the storage"));
    let machine =
        json!({ "universe_domain": "apis-sovereign.example", "source": { "kind": "metadata-server" } });
    assert!(shop.make(&machine).is_ok());
    for region in ["Europe-West1", "europe-west1.evil.example", "", "eu"] {
        assert!(settings(&json!({ "sts_region": region })).is_err(), "{region}");
    }
    for universe in ["https://googleapis.com", "googleapis.com/", "localhost", "10.0.0.1"] {
        assert!(settings(&json!({ "universe_domain": universe })).is_err(), "{universe}");
    }
    let elsewhere = shop.make(&json!({ "sts_url": "https://sts.europe-west1.rep.googleapis.com/v1/token" }));
    let host = ConfigError::Endpoint { name: "sts_url", problem: EndpointProblem::Host };
    assert_eq!(elsewhere.err(), Some(host), "a region that was not named is not trusted");
}

#[tokio::test]
async fn an_impersonation_has_exactly_one_base() {
    let shop = Shop::open().await;
    for source in [
        json!({ "kind": "impersonation", "account": "a@b.c" }),
        json!({ "kind": "impersonation", "account": "a@b.c", "key_file": "/k", "base": "metadata-server" }),
        json!({ "kind": "impersonation", "account": "a@b.c", "key_file": "/k", "metadata_host": "localhost" }),
    ] {
        let error = shop.make(&json!({ "source": source })).unwrap_err();
        assert!(matches!(error, ConfigError::Conflict(_)), "{source}: {error:?}");
    }
}

#[tokio::test]
async fn px04_a_misspelt_key_is_an_error() {
    assert!(settings(&json!({})).is_ok());
    assert!(settings(&json!({ "canari": "gs://lake/x" })).is_err());
    assert!(settings(&json!({ "source": { "kind": "metadata-server", "acount": "default" } })).is_err());
    assert!(settings(&json!({ "canary": "gs://lake/prefix/" })).is_err(), "a prefix is no object");
}
