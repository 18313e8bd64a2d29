//! A broker that behaves: answers by a script, counts what it is asked, and can be held up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::{Clock, ManualClock, OperationSet, Part, Target, Timestamp};
use lakegate_proto::v1::{self, get_access_token_response::Credential};
use lakegate_proto::{operations_to_wire, part_to_wire, timestamp_to_wire};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::client::Client;
use crate::endpoints::{Ask, Broker};
use crate::error::{ClientError, Refusal};
use crate::freshness::Moment;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// As many calls as an open gate lets through.
const OPEN: usize = 1_000_000;

pub(crate) type Reply = Result<v1::GetAccessTokenResponse, ClientError>;
type Script = Box<dyn Fn(&Ask) -> Reply + Send + Sync>;

/// A scripted broker.
pub(crate) struct FakeBroker {
    script: Mutex<Script>,
    asked: Mutex<Vec<Ask>>,
    gate: Semaphore,
}

impl FakeBroker {
    pub(crate) fn new(script: impl Fn(&Ask) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(Box::new(script)),
            asked: Mutex::default(),
            gate: Semaphore::new(OPEN),
        })
    }

    /// From now on it answers otherwise.
    pub(crate) fn rewrite(&self, script: impl Fn(&Ask) -> Reply + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub(crate) fn hold(&self) {
        self.gate.forget_permits(OPEN);
    }

    pub(crate) fn release(&self) {
        self.gate.add_permits(OPEN);
    }

    pub(crate) fn release_one(&self) {
        self.gate.add_permits(1);
    }

    pub(crate) fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl std::fmt::Debug for FakeBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeBroker")
    }
}

#[async_trait]
impl Broker for FakeBroker {
    async fn ask(&self, ask: &Ask) -> Reply {
        self.asked.lock().unwrap().push(ask.clone());
        self.gate.acquire().await.unwrap().forget();
        (self.script.lock().unwrap())(ask)
    }
}

/// A client of a scripted broker, with a clock that stands.
pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) broker: Arc<FakeBroker>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Bench {
    pub(crate) fn new(script: impl Fn(&Ask) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_capacity(10_000, script)
    }

    pub(crate) fn with_capacity(
        capacity: usize,
        script: impl Fn(&Ask) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (broker, clock) = (FakeBroker::new(script), Arc::new(ManualClock::at(start())));
        let client = Client::with_broker(
            Arc::clone(&broker) as _,
            Arc::clone(&clock) as _,
            (capacity, Handle::current()),
        );
        Self { client, broker, clock }
    }

    /// Lets time pass on both clocks and the background work be done.
    pub(crate) async fn pass(&self, by: Duration) {
        self.clock.advance(by);
        tokio::time::advance(by).await;
        breathe().await;
    }

    pub(crate) fn now(&self) -> Moment {
        Moment { wall: self.clock.now(), monotonic: Instant::now() }
    }
}

/// Lets every task that can run, run.
pub(crate) async fn breathe() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn start() -> Timestamp {
    Timestamp::from_seconds(1_790_000_000)
}

pub(crate) fn ops(text: &str) -> OperationSet {
    OperationSet::parse(text).unwrap()
}

pub(crate) fn part(path: &str, operations: &str) -> Part {
    Part::new(Target::parse(path).unwrap(), ops(operations)).unwrap()
}

/// An answer with a bearer token.
pub(crate) fn answer(covered: &[Part], secret: &str, expires_at: Timestamp) -> v1::GetAccessTokenResponse {
    let closure = covered.iter().fold(OperationSet::EMPTY, |all, part| all.union(part.operations()));
    v1::GetAccessTokenResponse {
        credential: Some(Credential::Bearer(v1::BearerCredential { token: secret.to_owned() })),
        expires_at: Some(timestamp_to_wire(expires_at)),
        refresh_after: None,
        covered: covered.iter().map(part_to_wire).collect(),
        closure: operations_to_wire(closure),
        audit_id: "audit-1".to_owned(),
        ends_early: false,
        storage: "lake".to_owned(),
    }
}

pub(crate) fn unavailable() -> ClientError {
    ClientError::Unavailable { refusal: Refusal::default(), retry_after: None }
}

pub(crate) fn denied() -> ClientError {
    ClientError::Denied(Refusal { reason: Some("PERMISSION_DENIED"), audit_id: None })
}
