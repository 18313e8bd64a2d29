//! What the store sends to the storage and asks of the broker. The storage here is a script over HTTP.

mod ambient;
mod enforced;
mod peer;
mod refusals;

use futures_util::TryStreamExt;
use lakegate_domain::{ObjectPath, Part};
use object_store::{Error, ObjectStoreExt};
use url::Url;

use super::*;
use crate::error::{ClientError, ConfigFault};
use crate::testing::{Bench, HOUR, answer, denied, part, start};
use peer::{Peer, Reply, listing, object, refusal};

/// A broker whose tokens are numbered and cover what was asked.
fn bench() -> Bench {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Bench::new(move |ask| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(answer(&ask.parts, &format!("canary-{number}"), start().plus(10 * HOUR)))
    })
}

fn store(bench: &Bench, peer: &Peer) -> BrokeredStore {
    let endpoint = StorageEndpoint { base_url: Some(peer.url()), allow_http: true, ca: Vec::new() };
    BrokeredStore::new(bench.client.clone(), Bucket::parse("gs://lake").unwrap(), endpoint).unwrap()
}

fn asked(bench: &Bench) -> Vec<Vec<Part>> {
    bench.broker.asked().into_iter().map(|ask| ask.parts).collect()
}

#[tokio::test]
async fn each_operation_asks_for_the_rights_it_needs_and_no_more() {
    let bench = bench();
    let peer = Peer::start(|request| match request.method() {
        &http::Method::GET if request.uri().query().is_some() => listing(&["wh/a"], None),
        _ => object("x"),
    })
    .await;
    let store = store(&bench, &peer);
    let (a, b) = (Path::from("wh/a"), Path::from("wh/b"));
    store.get(&a).await.unwrap();
    store.list(Some(&Path::from("wh"))).try_collect::<Vec<_>>().await.unwrap();
    store.list(None).try_collect::<Vec<_>>().await.unwrap();
    store.put(&a, "x".into()).await.unwrap();
    store.put_opts(&b, "x".into(), PutMode::Create.into()).await.unwrap();
    store.delete(&a).await.unwrap();
    store.copy(&a, &b).await.unwrap();
    store.copy_if_not_exists(&a, &b).await.unwrap();
    store.rename(&a, &b).await.unwrap();
    let (at_a, at_b) = ("gs://lake/wh/a", "gs://lake/wh/b");
    let expected = vec![
        vec![part(at_a, "read")],
        vec![part("gs://lake/wh/", "list")],
        vec![part("gs://lake/", "list")],
        vec![part(at_a, "write")],
        vec![part(at_b, "create")],
        vec![part(at_a, "delete")],
        vec![part(at_a, "read"), part(at_b, "write")],
        vec![part(at_a, "read"), part(at_b, "create")],
        vec![part(at_a, "read+delete"), part(at_b, "write")],
    ];
    assert_eq!(asked(&bench), expected);
}

#[tokio::test]
async fn all_operations_share_the_connections_of_one_pool() {
    let (bench, peer) = (bench(), Peer::start(|_| object("x")).await);
    let store = store(&bench, &peer);
    for index in 0..10 {
        store.get(&Path::from(format!("wh/{index}"))).await.unwrap().bytes().await.unwrap();
    }
    assert_eq!(peer.requests().len(), 10);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn the_key_that_is_sent_is_the_key_that_policy_decided_on() {
    let (bench, peer) = (bench(), Peer::start(|_| object("x")).await);
    let store = store(&bench, &peer);
    let names =
        ["a b", "100%", "ü/é", "hour=10%3A00", "a+b&c", "~x~", "[a]{b}", "a?b", "quote\"d", "..a", "%2E"];
    for name in names {
        let location = Path::from(format!("wh/{name}"));
        if store.get(&location).await.is_err() {
            assert!(ObjectPath::parse(&format!("gs://lake/{location}")).is_err(), "{name}");
            continue;
        }
        let sent = peer.requests().pop().unwrap();
        let key = sent.uri().path().strip_prefix("/lake/").unwrap().to_owned();
        let key = percent_decoded(&key);
        assert_eq!(key, bench.broker.asked().pop().unwrap().parts[0].target().key(), "{name}");
        assert_eq!(key, location.as_ref(), "{name}");
    }
    assert!(peer.requests().len() > 6);
}

fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let (b'%', [high, low, after @ ..]) = (first, tail) {
            let digits = String::from_utf8(vec![*high, *low]).unwrap();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn names_that_policy_refuses_reach_neither_broker_nor_storage() {
    let (bench, peer) = (bench(), Peer::start(|_| object("x")).await);
    let store = store(&bench, &peer);
    for name in ["wh\\x", "wh/%2e%2e/x", "wh/a#b", "wh/x?generation=1"] {
        assert!(store.get(&Path::parse(name).unwrap()).await.is_err(), "{name}");
    }
    assert!(store.get(&Path::ROOT).await.is_err());
    assert_eq!((bench.broker.calls(), peer.requests().len()), (0, 0));
}

#[tokio::test]
async fn cl03_a_401_is_answered_once_with_another_token() {
    let bench = bench();
    let peer = Peer::start(|request| match request.headers()["authorization"].to_str().unwrap() {
        "Bearer canary-0" => refusal(401),
        _ => object("x"),
    })
    .await;
    let store = store(&bench, &peer);
    let body = store.get(&Path::from("wh/a")).await.unwrap().bytes().await.unwrap();
    assert_eq!(&*body, b"x");
    assert_eq!(peer.requests().len(), 2);
    assert!(bench.broker.asked()[1].rejected.is_some());
    store.get(&Path::from("wh/a")).await.unwrap();
    assert_eq!((peer.requests().len(), bench.broker.calls()), (3, 2), "the replacement is kept");
}

#[tokio::test]
async fn cl03_a_storage_that_refuses_every_token_is_asked_twice_and_never_in_a_loop() {
    let (bench, peer) = (bench(), Peer::start(|_| refusal(401)).await);
    let store = store(&bench, &peer);
    let error = store.get(&Path::from("wh/a")).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
    assert_eq!((peer.requests().len(), bench.broker.calls()), (2, 2));
    assert!(!format!("{error} {error:?} {store:?}").contains("canary"));
    let listed = store.list(None).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(listed, Error::Unauthenticated { .. }), "{listed}");
}

#[tokio::test]
async fn a_brokers_refusal_reaches_the_engine_as_its_own_kind_of_error() {
    let (bench, peer) = (bench(), Peer::start(|_| object("x")).await);
    let store = store(&bench, &peer);
    bench.broker.rewrite(|_| Err(denied()));
    let error = store.get(&Path::from("wh/a")).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    bench.broker.rewrite(|_| Err(ClientError::Unauthenticated(crate::error::Refusal::default())));
    let error = store.put(&Path::from("wh/a"), "x".into()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
    bench.broker.rewrite(|_| Err(crate::testing::unavailable()));
    let error = store.list(None).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(error, Error::Generic { .. }), "{error}");
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn a_long_listing_outlives_its_first_token() {
    let bench = bench();
    let peer = Peer::start(|request| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let bearer = request.headers()["authorization"].to_str().unwrap();
        match (query.contains("continuation-token"), bearer) {
            (false, _) => listing(&["wh/a"], Some("page-2")),
            (true, "Bearer canary-0") => refusal(401),
            (true, _) => listing(&["wh/b"], None),
        }
    })
    .await;
    let listed = store(&bench, &peer).list(Some(&Path::from("wh"))).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(bench.broker.calls(), 2);
}

#[tokio::test]
async fn an_upload_is_carried_by_one_write_token_from_the_tier() {
    let (bench, peer) = (bench(), Peer::start(peer::upload).await);
    let mut upload = store(&bench, &peer).put_multipart(&Path::from("wh/a")).await.unwrap();
    upload.put_part("one".into()).await.unwrap();
    upload.put_part("two".into()).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(asked(&bench), [[part("gs://lake/wh/a", "write")]]);
    assert_eq!(peer.requests().len(), 4);
}

#[tokio::test]
async fn a_refused_upload_says_so_although_its_client_calls_it_generic() {
    let bench = bench();
    let peer = Peer::start(|request| match request.uri().query() {
        Some(query) if request.method() == http::Method::POST && query.starts_with("uploadId") => {
            refusal(403)
        }
        _ => peer::upload(request),
    })
    .await;
    let mut upload = store(&bench, &peer).put_multipart(&Path::from("wh/a")).await.unwrap();
    upload.put_part("one".into()).await.unwrap();
    let error = upload.complete().await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_a_token() {
    let bench = bench();
    let elsewhere = Peer::start(|_| object("stolen")).await;
    let target = elsewhere.url().join("/x").unwrap().to_string();
    let peer = Peer::start(move |_| -> Reply {
        http::Response::builder().status(302).header("location", &target).body(Vec::new()).unwrap()
    })
    .await;
    assert!(store(&bench, &peer).get(&Path::from("wh/a")).await.is_err());
    assert!(elsewhere.requests().is_empty());
}

fn refused(base_url: &str, allow_http: bool, bucket: &str) -> Option<ConfigFault> {
    let client = bench().client;
    let base_url = Some(Url::parse(base_url).unwrap());
    let endpoint = StorageEndpoint { base_url, allow_http, ca: Vec::new() };
    match BrokeredStore::new(client, Bucket::parse(bucket).unwrap(), endpoint) {
        Err(ClientError::Config(fault)) => Some(fault),
        _ => None,
    }
}

#[tokio::test]
async fn cl08_plaintext_is_for_loopback_addresses_and_has_to_be_allowed() {
    for (url, allowed) in [
        ("http://127.0.0.1:9000", false),
        ("http://storage.googleapis.com", true),
        ("http://10.0.0.1", true),
        ("http://localhost:9000", true),
        ("http://127.0.0.1.evil.com", true),
        ("ftp://127.0.0.1", true),
        ("https://storage.example/base", true),
        ("https://user@storage.example", true),
        ("https://storage.example/?x=1", true),
    ] {
        assert!(matches!(refused(url, allowed, "gs://lake"), Some(ConfigFault::StorageAddress)), "{url}");
    }
    assert!(refused("http://127.0.0.1:9000", true, "gs://lake").is_none());
    assert!(refused("http://[::1]:9000", true, "gs://lake").is_none());
    assert!(matches!(refused("http://127.0.0.1:9000", true, "s3://lake"), Some(ConfigFault::Bucket)));
}

#[tokio::test]
async fn cl08_a_storage_certificate_of_an_unknown_authority_is_refused_and_no_token_is_sent() {
    let (bench, peer) = (bench(), Peer::start(|_| object("x")).await);
    let authority = rcgen::generate_simple_self_signed(vec!["storage.example".to_owned()]).unwrap();
    let mut address = peer.url();
    address.set_scheme("https").unwrap();
    let endpoint = StorageEndpoint {
        base_url: Some(address),
        allow_http: false,
        ca: vec![authority.cert.der().clone()],
    };
    let bucket = Bucket::parse("gs://lake").unwrap();
    let store = BrokeredStore::new(bench.client.clone(), bucket, endpoint).unwrap();
    tokio::time::timeout(std::time::Duration::from_mins(1), store.get(&Path::from("wh/a")))
        .await
        .unwrap()
        .unwrap_err();
    assert!(peer.requests().is_empty());
}
