//! Where services may call from, on paused time.

use super::super::resolver::tests::{KnownHosts, Told};
use super::*;

const NODE: &str = "node-1.lake.example";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn at(addresses: &[&str]) -> Told {
    Told::At(addresses.iter().map(|text| ip(text)).collect())
}

struct World {
    hosts: KnownHosts,
    book: Arc<HostBook>,
}

impl World {
    fn with(told: Told) -> Self {
        let hosts = KnownHosts::default();
        hosts.put(NODE, told);
        Self { book: Arc::new(HostBook::new(Arc::new(hosts.clone()))), hosts }
    }

    fn peer(&self, address: &str) -> Arc<Residence> {
        Residence::begin(&self.book, &HostName::parse(NODE).unwrap(), ip(address))
    }

    async fn verdict(&self, address: &str) -> &'static str {
        verdict(&self.peer(address)).await
    }
}

async fn verdict(residence: &Arc<Residence>) -> &'static str {
    match residence.check().await {
        Ok(()) => "here",
        Err(Failure::Elsewhere) => "elsewhere",
        Err(Failure::HostUnknown(_)) => "unknown",
        Err(_) => "another failure",
    }
}

#[tokio::test(start_paused = true)]
async fn xc21_only_an_address_that_the_name_resolves_to_is_its_host() {
    let world = World::with(at(&["10.0.0.1", "10.0.0.2", "fd00::1", "::ffff:10.0.0.9"]));
    for here in ["10.0.0.1", "10.0.0.2", "::ffff:10.0.0.2", "fd00::1"] {
        assert_eq!(world.verdict(here).await, "here", "{here}");
    }
    for elsewhere in ["10.0.0.3", "::ffff:10.0.0.3", "fd00::2", "::1"] {
        assert_eq!(world.verdict(elsewhere).await, "elsewhere", "{elsewhere}");
    }
    assert_eq!(World::with(at(&[])).verdict("10.0.0.1").await, "elsewhere");
}

#[tokio::test(start_paused = true)]
async fn xc21_a_name_service_that_is_down_is_no_refusal() {
    assert_eq!(World::with(Told::Broken).verdict("10.0.0.1").await, "unknown");
    let began = Instant::now();
    assert_eq!(World::with(Told::Silent).verdict("10.0.0.1").await, "unknown");
    assert!(began.elapsed() <= PATIENCE + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn xc21_an_answer_is_good_for_a_minute_and_no_longer() {
    let world = World::with(at(&["10.0.0.1"]));
    let peer = world.peer("10.0.0.1");
    assert_eq!(verdict(&peer).await, "here");
    world.hosts.put(NODE, Told::Broken);
    tokio::time::advance(Duration::from_millis(59_900)).await;
    assert_eq!(verdict(&peer).await, "here");
    tokio::time::advance(Duration::from_millis(200)).await;
    assert_eq!(verdict(&peer).await, "unknown");
    world.hosts.put(NODE, at(&["10.0.0.7"]));
    assert_eq!(verdict(&peer).await, "elsewhere");
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_busy_connection_wait_for_no_look_up() {
    let world = World::with(at(&["10.0.0.1"]));
    let peer = world.peer("10.0.0.1");
    assert_eq!(verdict(&peer).await, "here");
    for _ in 0..100 {
        tokio::time::advance(Duration::from_secs(10)).await;
        let ready = futures_util::FutureExt::now_or_never(peer.check());
        assert!(matches!(ready, Some(Ok(()))), "a check waited");
        // The look-up of the background, if there is one, ends.
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
    assert!((25..=60).contains(&world.hosts.asked()), "{}", world.hosts.asked());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_came_to_its_address_just_now_is_let_in() {
    let world = World::with(at(&["10.0.0.1"]));
    assert_eq!(world.verdict("10.0.0.1").await, "here");
    let moved = world.peer("10.0.0.2");
    assert_eq!(verdict(&moved).await, "elsewhere");
    world.hosts.put(NODE, at(&["10.0.0.2"]));
    tokio::time::advance(REFUSED).await;
    assert_eq!(verdict(&moved).await, "here");
}

#[tokio::test(start_paused = true)]
async fn many_requests_ask_once_and_share_a_failure() {
    let world = World::with(Told::Silent);
    let began = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let peer = world.peer("10.0.0.1");
        asking.spawn(async move { verdict(&peer).await });
    }
    assert!(asking.join_all().await.iter().all(|verdict| *verdict == "unknown"));
    assert_eq!(world.hosts.asked(), 1);
    assert!(began.elapsed() <= PATIENCE + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn the_book_holds_no_more_hosts_than_it_may() {
    let world = World::with(at(&["10.0.0.1"]));
    for number in 0..PAGES + 10 {
        let host = HostName::parse(&format!("h{number}.lake.example")).unwrap();
        drop(world.book.page(&host, Family::V4));
    }
    assert!(world.book.pages.lock().unwrap().len() <= PAGES);
    assert_eq!(world.verdict("10.0.0.1").await, "here");
}
