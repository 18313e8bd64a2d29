//! Brokers that die, go silent and drain under clients at work: no call may fail.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod proxy;
mod work;

use lakegate_testkit::{Deployment, ExtraBroker};
use proxy::Proxy;
use work::{CLIENTS, Work, lake};

/// So many calls, over all clients, are made under each circumstance.
const CALLS: usize = 600;

async fn brokers(lake: &Deployment, count: usize) -> Vec<ExtraBroker> {
    let mut brokers = Vec::new();
    for _ in 0..count {
        brokers.push(lake.start_broker().await.unwrap());
    }
    brokers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cl02_no_call_fails_while_brokers_die_go_silent_and_drain() {
    let lake = lake().await;
    let mut brokers = brokers(&lake, 3).await;
    let proxies = [Proxy::to(brokers[0].address()).await, Proxy::to(brokers[1].address()).await];
    let endpoints = [proxies[0].endpoint(), proxies[1].endpoint(), brokers[2].endpoint()];
    let work = Work::start(&lake, &endpoints);
    work.goes_on(CALLS).await;

    brokers.remove(2).kill();
    work.goes_on(CALLS).await;

    proxies[0].go_silent();
    work.goes_on(CALLS).await;

    // Somebody must be left when the next one goes.
    proxies[0].speak_again();
    work.goes_on(CALLS).await;
    assert!(brokers.remove(1).drain().await.unwrap(), "a draining broker answers what it took");
    work.goes_on(CALLS).await;

    let done = work.stop().await;
    assert_eq!(done.failed, Vec::<String>::new());
    assert!(done.calls >= 5 * CALLS);
    assert!(proxies.iter().all(|proxy| proxy.connections() >= 1), "clients began at different brokers");
    assert!(lake.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cl02_a_broker_that_is_replaced_under_load_by_one_at_the_same_place_fails_nobody() {
    let lake = lake().await;
    let first = lake.start_broker().await.unwrap();
    let proxy = Proxy::to(first.address()).await;
    // One name for all brokers, as a Kubernetes service is.
    let work = Work::start(&lake, &[proxy.endpoint()]);
    work.goes_on(CALLS).await;
    let second = lake.start_broker().await.unwrap();
    proxy.lead_to(second.address());
    assert!(first.drain().await.unwrap());
    work.goes_on(CALLS).await;
    let third = lake.start_broker().await.unwrap();
    proxy.lead_to(third.address());
    assert!(second.drain().await.unwrap());
    work.goes_on(CALLS).await;
    let done = work.stop().await;
    assert_eq!(done.failed, Vec::<String>::new());
    assert!(!third.audit().records().unwrap().is_empty(), "the last one did the work");
    assert!(lake.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cl01_with_all_brokers_gone_what_is_held_goes_on_and_the_rest_is_told_in_one_kind_of_error() {
    let lake = lake().await;
    let brokers = brokers(&lake, CLIENTS.min(2)).await;
    let endpoints: Vec<String> = brokers.iter().map(ExtraBroker::endpoint).collect();
    let client = work::client(&lake, &endpoints, 100);
    work::read(&client, 0).await.unwrap();
    for broker in brokers {
        broker.kill();
    }
    work::read(&client, 0).await.unwrap();
    for _ in 0..3 {
        let error = work::read(&client, 1).await.unwrap_err();
        assert!(matches!(error, lakegate_client::ClientError::Connect(_)), "{error:?}");
    }
    work::read(&client, 0).await.unwrap();
    assert!(lake.stop().await);
}
