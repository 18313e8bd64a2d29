//! Clients that ask without pause for what brokers have and they themselves do not keep.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lakegate_client::{Client, ClientError};
use lakegate_domain::{Operation, OperationSet};
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Deployment, Options};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Clients, each with a connection to each broker and so many who ask through it at once.
pub(crate) const CLIENTS: usize = 3;
const ASKING: usize = 4;
const DATASETS: usize = 12;
/// A test that makes no progress for so long is stuck.
const STUCK: Duration = Duration::from_mins(2);

/// A lake of many datasets, all of which alice may read, and whose tokens brokers have in memory.
pub(crate) async fn lake() -> Deployment {
    let dataset =
        |index| format!("  - {{ name: d{index}, prefix: \"gs://lake-one/d{index}/\", project: growth }}\n");
    let datasets = (0..DATASETS).map(dataset).collect::<Vec<_>>().concat();
    let policy = format!(
        "version: 1\n\
         storages: [{{ id: lake, dialect: gcs, buckets: [lake-one] }}]\n\
         projects: [{{ name: growth }}]\n\
         rules: [{{ id: all, effect: allow, on: {{ prefix: \"gs://lake-one/\" }}, to: [\"principal:alice\"], \
         operations: [read, list] }}]\n\
         datasets:\n{datasets}"
    );
    Deployment::start(Options::of(PolicyDocument::from_yaml(&policy).unwrap())).await.unwrap()
}

/// A client of alice's with a tier of so many tokens.
pub(crate) fn client(lake: &Deployment, endpoints: &[String], tier_capacity: usize) -> Client {
    let mut config = lake.client_config("alice").unwrap();
    config.endpoints = endpoints.iter().map(|endpoint| endpoint.parse().unwrap()).collect();
    config.tier_capacity = tier_capacity;
    Client::connect(config).unwrap()
}

/// Asks for a token for one object of a dataset.
pub(crate) async fn read(client: &Client, dataset: usize) -> Result<(), ClientError> {
    let path = format!("gs://lake-one/d{}/x", dataset % DATASETS);
    client.token_for(&path, OperationSet::of(&[Operation::Read])).await.map(|_| ())
}

/// Clients at work; they stop when this is dropped.
pub(crate) struct Work {
    tasks: JoinSet<()>,
    progress: Arc<watch::Sender<Done>>,
    over: Arc<AtomicBool>,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    pub(crate) calls: usize,
    pub(crate) failed: Vec<String>,
}

impl Work {
    /// Sets clients to work. Their tiers hold one token each, so nearly every call goes to a broker.
    pub(crate) fn start(lake: &Deployment, endpoints: &[String]) -> Self {
        let mut work = Self { tasks: JoinSet::new(), progress: Arc::default(), over: Arc::default() };
        for number in 0..CLIENTS * ASKING {
            if number % ASKING == 0 {
                let client = client(lake, endpoints, 1);
                for asking in 0..ASKING {
                    work.tasks.spawn(ask_on(
                        client.clone(),
                        asking,
                        Arc::clone(&work.progress),
                        Arc::clone(&work.over),
                    ));
                }
            }
        }
        work
    }

    /// Waits until so many more calls are done.
    pub(crate) async fn goes_on(&self, calls: usize) {
        let mut progress = self.progress.subscribe();
        let goal = progress.borrow().calls + calls;
        let reached = progress.wait_for(|done| done.calls >= goal);
        tokio::time::timeout(STUCK, reached).await.unwrap_or_else(|_| panic!("no progress")).unwrap();
    }

    /// Ends the work after the calls under way.
    pub(crate) async fn stop(mut self) -> Done {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.progress.borrow().clone()
    }
}

async fn ask_on(client: Client, asking: usize, progress: Arc<watch::Sender<Done>>, over: Arc<AtomicBool>) {
    let mut dataset = asking;
    while !over.load(Ordering::SeqCst) {
        let result = read(&client, dataset).await;
        dataset += ASKING + 1;
        progress.send_modify(|done| {
            done.calls += 1;
            if let Err(error) = result {
                done.failed.push(format!("{error:?}"));
            }
        });
    }
}
