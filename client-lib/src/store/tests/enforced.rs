//! The store against a pretend cloud that checks every token and every call.

use std::sync::Arc;

use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_domain::{Clock, ManualClock};
use object_store::WriteMultipart;

use super::*;
use crate::testing::MINUTE;

const ACCOUNT: &str = "lakegate@emulated.iam.gserviceaccount.com";

/// A cloud, and a client whose broker hands out source tokens of that cloud.
struct World {
    emulator: Arc<Emulator>,
    cloud_clock: Arc<ManualClock>,
    bench: Bench,
    store: BrokeredStore,
}

impl World {
    async fn start() -> Self {
        let cloud_clock = Arc::new(ManualClock::at(start()));
        let config = EmulatorConfig {
            buckets: vec!["lake".to_owned()],
            service_accounts: vec![ServiceAccountKey::generate(ACCOUNT).unwrap().account()],
            clock: Arc::clone(&cloud_clock) as Arc<dyn Clock>,
            ..EmulatorConfig::default()
        };
        let emulator = Arc::new(Emulator::start(config).await.unwrap());
        let cloud = Arc::clone(&emulator);
        let bench = Bench::new(move |ask| {
            let token = cloud.source_token(ACCOUNT).unwrap();
            Ok(answer(&ask.parts, token.expose(), start().plus(10 * HOUR)))
        });
        let base_url = Some(emulator.url().parse().unwrap());
        let endpoint = StorageEndpoint { base_url, allow_http: true, ca: Vec::new() };
        let bucket = Bucket::parse("gs://lake").unwrap();
        let store = BrokeredStore::new(bench.client.clone(), bucket, endpoint).unwrap();
        Self { emulator, cloud_clock, bench, store }
    }

    async fn text(&self, location: &str) -> String {
        let body = self.store.get(&Path::parse(location).unwrap()).await.unwrap().bytes().await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    async fn names(&self, prefix: &str) -> Vec<String> {
        let listed = self.store.list(Some(&Path::from(prefix))).try_collect::<Vec<_>>().await.unwrap();
        listed.into_iter().map(|meta| meta.location.to_string()).collect()
    }
}

#[tokio::test]
async fn a_cloud_takes_every_operation_of_the_store() {
    let world = World::start().await;
    let (store, at) = (&world.store, |text: &str| Path::parse(text).unwrap());
    store.put(&at("wh/hour=10%3A00/a b"), "one".into()).await.unwrap();
    assert_eq!(world.text("wh/hour=10%3A00/a b").await, "one");
    store.copy(&at("wh/hour=10%3A00/a b"), &at("wh/b")).await.unwrap();
    let again = store.copy_if_not_exists(&at("wh/hour=10%3A00/a b"), &at("wh/b")).await.unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
    let again = store.put_opts(&at("wh/b"), "two".into(), PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
    store.rename(&at("wh/b"), &at("wh/c")).await.unwrap();
    assert_eq!(world.names("wh").await, ["wh/c", "wh/hour=10%3A00/a b"]);
    let top = store.list_with_delimiter(Some(&at("wh"))).await.unwrap();
    assert_eq!((top.objects.len(), top.common_prefixes), (1, vec![at("wh/hour=10%3A00")]));
    store.delete(&at("wh/c")).await.unwrap();
    let gone = store.head(&at("wh/c")).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
}

#[tokio::test]
async fn cl03_a_token_that_the_cloud_ended_early_is_replaced_in_the_middle_of_an_upload() {
    let world = World::start().await;
    let upload = world.store.put_multipart(&Path::from("wh/large")).await.unwrap();
    let mut writer = WriteMultipart::new_with_chunk_size(upload, 5 * 1024 * 1024);
    writer.write(&vec![b'a'; 5 * 1024 * 1024]);
    writer.wait_for_capacity(0).await.unwrap();
    world.cloud_clock.advance(61 * MINUTE);
    writer.write(b"the end");
    writer.finish().await.unwrap();
    assert_eq!(world.bench.broker.calls(), 2, "one token, and one for the token that ended");
    assert_eq!(world.emulator.object("lake", "wh/large").unwrap().len(), 5 * 1024 * 1024 + 7);
}
