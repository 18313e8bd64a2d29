//! A broker that leaves under load, and one that is out of file descriptors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use lakegate_domain::{Operation, OperationSet};
use rustix::process::{Resource, Rlimit, prlimit};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::admin;
use crate::site::{Running, Site};

fn read() -> OperationSet {
    OperationSet::of(&[Operation::Read])
}

/// Waits until something holds; ten seconds at most.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}

/// Callers who ask one broker or the other without end, some on one connection, some on a new one each time.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    asking: JoinSet<Vec<String>>,
}

impl Load {
    fn start(site: &Arc<Site>, brokers: [&Running; 2]) -> Self {
        let (over, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut asking = JoinSet::new();
        for caller in 0..6 {
            let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
            let (site, addresses) = (Arc::clone(site), brokers.map(|broker| broker.address.clone()));
            asking.spawn(async move {
                let mut lost = Vec::new();
                let mut client = site.client_of(&addresses, "alice");
                for round in 0_usize.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    if caller % 2 == 0 {
                        client = site.client_of(&addresses, "alice");
                    }
                    // A client that keeps one token asks for the other dataset each time.
                    let path = ["gs://lake-process/sales/x", "gs://lake-process/exports/x"][round % 2];
                    match client.token_for(path, read()).await {
                        Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            lost.push(error.to_string());
                            0
                        }
                    };
                }
                lost
            });
        }
        Self { over, answered, asking }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    async fn stop(self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        self.asking.join_all().await.concat()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_told_to_go_under_load_loses_no_call() {
    let site = Arc::new(Site::new().await);
    let (leaving, staying) = (site.start(), site.start_another());
    let load = Load::start(&site, [&leaving, &staying]);
    until("some load", async || load.answered() > 50).await;
    leaving.terminate();
    until("word of the leave", async || admin(&leaving.admin, "/readyz").await.starts_with("HTTP/1.1 503"))
        .await;
    // It is not ready any more and serves everybody still.
    let alone = site.client_of(std::slice::from_ref(&leaving.address), "alice");
    alone.token_for("gs://lake-process/sales/x", read()).await.unwrap();
    let (status, log) = tokio::task::spawn_blocking(move || leaving.wait()).await.unwrap();
    assert!(status.success(), "{log}");
    let before = load.answered();
    until("load on the other one", async || load.answered() > before + 50).await;
    assert_eq!(load.stop().await, Vec::<String>::new(), "calls were lost");
    staying.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn gh07_a_broker_out_of_file_descriptors_serves_those_it_has_and_recovers() {
    let site = Site::new().await;
    let broker = site.start();
    let alice = site.client(&broker, "alice");
    for path in ["gs://lake-process/exports/x", "gs://lake-process/sales/x"] {
        alice.token_for(path, read()).await.unwrap();
    }
    let pid = rustix::process::Pid::from_child(&broker.child);
    let open = std::fs::read_dir(format!("/proc/{}/fd", broker.child.id())).unwrap().count();
    let few = u64::try_from(open + 10).unwrap();
    prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(few), maximum: Some(few) }).unwrap();
    let mut hoard = Vec::new();
    for _ in 0..40 {
        hoard.push(TcpStream::connect(&broker.address).await.unwrap());
    }
    // Those who are here are served; nobody else can be told anything, the admin port included.
    for _ in 0..10 {
        alice.token_for("gs://lake-process/exports/x", read()).await.unwrap();
        alice.token_for("gs://lake-process/sales/x", read()).await.unwrap();
    }
    drop(hoard);
    until("a new connection", async || {
        let fresh = site.client(&broker, "alice");
        fresh.token_for("gs://lake-process/sales/x", read()).await.is_ok()
    })
    .await;
    let metrics = admin(&broker.admin, "/metrics").await;
    assert!(metrics.contains("refused_connections_total{cause=\"accept\"}"), "{metrics}");
    let (status, log) = broker.stop();
    assert!(status.success() && log.contains("connection was not accepted"), "{log}");
}
