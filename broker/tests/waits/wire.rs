//! A whole deployment, whose token service takes its time.

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::Endpoint;
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Deployment, Options, RunGenerator};

const READ: &[Operation] = &[Operation::Read];

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: growth }]
rules:
  - { id: sales, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read] }
"#;

const NO_SECOND: &str = r#"
  - { id: no-second, effect: deny, on: { prefix: "gs://lake-one/sales/p=2/" }, to: ["principal:alice"],
      operations: [read] }
"#;

async fn start() -> Result<Deployment> {
    let policy = PolicyDocument::from_yaml(POLICY)?;
    Deployment::start(Options { generator: RunGenerator::Absent, ..Options::of(policy) }).await
}

/// Waits until something holds; five seconds at most.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}

/// Asks for an object and waits until the token service was asked for its token.
async fn asking(
    lake: &Deployment,
    delay: Duration,
) -> Result<
    tokio::task::JoinHandle<Result<lakegate_proto::v1::GetAccessTokenResponse, lakegate_testkit::Refused>>,
> {
    lake.emulator().faults().delay(Endpoint::Sts, delay);
    let alice = lake.caller("alice")?;
    let asking = tokio::spawn(async move { alice.ask("gs://lake-one/sales/p=1/x", READ).await });
    until("the minting", || lake.emulator().calls().sts == 1).await;
    Ok(asking)
}

#[tokio::test]
async fn ps12_a_policy_that_forbids_a_part_during_a_minting_makes_the_token_narrower() -> Result<()> {
    let lake = start().await?;
    let asking = asking(&lake, Duration::from_millis(500)).await?;
    let mut next = PolicyDocument::from_yaml(&[POLICY, NO_SECOND].concat())?;
    next.version = 2;
    lake.replace_policy(&next)?;
    let answer = asking.await??;
    let covered: Vec<_> = answer.covered.iter().map(|part| part.path.as_str()).collect();
    assert_eq!(covered, ["gs://lake-one/sales/p=1/"]);
    assert_eq!(lake.audit().record(&answer.audit_id)?["snapshot"], 2);
    assert_eq!(lake.emulator().calls().sts, 2, "the wider token went nowhere");
    let storage = lake.bearer(lakegate_testkit::bearer(&answer)?)?;
    assert_eq!(storage.read("lake-one", "sales/p=2/x").await?, 403);
    Ok(())
}

#[tokio::test]
async fn a_drain_waits_for_requests_that_wait() -> Result<()> {
    let mut lake = start().await?;
    let asking = asking(&lake, Duration::from_millis(500)).await?;
    let broker = lake.take_broker().unwrap();
    assert!(broker.drain(Duration::from_secs(8)).await);
    assert_eq!(asking.await??.covered.len(), 1);
    assert!(lake.caller("alice")?.ask("gs://lake-one/sales/x", READ).await.is_err(), "the port is closed");
    Ok(())
}

#[tokio::test]
async fn a_request_that_a_drain_cannot_wait_for_is_told_to_go_elsewhere() -> Result<()> {
    let mut lake = start().await?;
    let asking = asking(&lake, Duration::from_secs(30)).await?;
    let broker = lake.take_broker().unwrap();
    assert!(!broker.drain(Duration::from_secs(2)).await, "not all were answered with what they asked for");
    let refused = asking.await?.unwrap_err();
    assert_eq!(lake.told(&refused)?, "Unavailable DRAINING error draining");
    assert_eq!(refused.text, "broker is going away; ask another");
    Ok(())
}
