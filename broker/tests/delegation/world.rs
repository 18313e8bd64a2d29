//! A small lake whose clock stands still until it is moved.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lakegate_delegation::{Draft, KeyRing, Terms, TokenId, issue};
use lakegate_domain::{Clock, ManualClock, Operation, Principal, SystemClock};
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Caller, Delegating, Deployment, Options, Refused, RunGenerator};
use lakegate_token_store::record_log::MemoryLog;
use tokio::time::Instant;

pub(crate) const READ: &[Operation] = &[Operation::Read];
pub(crate) const SALES: &str = "gs://lake-one/sales/";

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
groups: [{ name: analysts, members: ["principal:bob"] }]
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: growth }]
rules:
  - { id: sales, effect: allow, on: { dataset: sales }, to: ["principal:alice", "group:analysts"], operations: [read, list] }
"#;

pub(crate) struct World {
    pub(crate) lake: Deployment,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) alice: Caller,
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Result<Self> {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let policy = PolicyDocument::from_yaml(POLICY)?;
        let mut options =
            Options { generator: RunGenerator::Absent, clock: clock.clone(), ..Options::of(policy) };
        change(&mut options);
        let lake = Deployment::start(options).await?;
        let alice = lake.caller("alice")?;
        Ok(Self { lake, clock, alice })
    }

    /// A lake whose log of tokens can be broken.
    pub(crate) async fn with_log(change: impl FnOnce(&mut Delegating)) -> Result<(Self, Arc<MemoryLog>)> {
        let log = Arc::new(MemoryLog::new());
        let mut delegating = Delegating { log: Some(log.clone()), ..Delegating::default() };
        change(&mut delegating);
        Ok((Self::start_with(|options| options.delegation = Some(delegating)).await?, log))
    }

    /// Asks until a caller gets what it asked for or is refused so; what it was told last.
    pub(crate) async fn until_told(&self, caller: &Caller, wanted: &str) -> Result<String> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let told = match caller.ask(SALES, READ).await {
                Ok(_) => "ok".to_owned(),
                Err(refused) => self.told(&refused)?,
            };
            if told == wanted || Instant::now() > deadline {
                return Ok(told);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The ring that the lake believes.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        self.lake.delegation_keys().unwrap().current()
    }

    /// A token that no broker was asked for, from a ring of the test's own.
    pub(crate) fn forge(&self, ring: &KeyRing, change: impl FnOnce(&mut Draft)) -> String {
        let mut draft = Draft {
            owner: Principal::parse("alice").unwrap(),
            renewer: None,
            real_user: None,
            id: TokenId::from_bytes([7; 16]),
            sequence: 1,
            store_epoch: 0,
            binding: None,
        };
        change(&mut draft);
        issue(draft, &Terms::default(), self.clock.now(), ring).unwrap().token.expose().to_owned()
    }

    /// The refusal of a token, told to the caller and on record, in one line.
    pub(crate) async fn refusal_of(&self, token: &str) -> Result<String> {
        self.told(&self.lake.caller_with_dt(token)?.ask(SALES, READ).await.unwrap_err())
    }

    pub(crate) fn told(&self, refused: &Refused) -> Result<String> {
        self.lake.told(refused)
    }
}

/// What a credential that is not believed is answered with, whatever is wrong with it.
pub(crate) fn unauthenticated(reason: &str) -> String {
    ["Unauthenticated UNAUTHENTICATED deny ", reason].concat()
}
