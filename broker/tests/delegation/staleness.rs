//! A broker that cannot read the log of tokens' lives: it goes on for a while, and then nobody's token is believed.

use std::time::Duration;

use anyhow::Result;
use lakegate_broker::StalenessBounds;
use lakegate_policy::PolicyDocument;
use lakegate_token_store::{Fault, LogName};

use crate::world::{READ, SALES, World};

const UNAVAILABLE: &str = "Unavailable DELEGATION_STATE_UNAVAILABLE error dt_state_unavailable";

fn bounds(cut_off: u64, strict: u64) -> StalenessBounds {
    StalenessBounds::new(Duration::from_secs(cut_off), Duration::from_secs(strict)).unwrap()
}

fn metric(world: &World, line: &str) -> f64 {
    let metrics = prometheus::TextEncoder::new().encode_to_string(&world.lake.registry().gather()).unwrap();
    metrics
        .lines()
        .find_map(|text| text.strip_prefix(line))
        .map_or(-1.0, |count| count.trim().parse().unwrap())
}

#[tokio::test]
async fn tokens_are_believed_without_the_log_for_so_long_and_then_unavailable() -> Result<()> {
    let (world, log) = World::with_log(|it| it.staleness = bounds(2, 2)).await?;
    let token = world.alice.delegation_token("").await?;
    let job = world.lake.caller_with_dt(&token)?;
    log.set_fault(Fault::Down);
    job.ask(SALES, READ).await?;
    assert_eq!(world.until_told(&job, UNAVAILABLE).await?, UNAVAILABLE);
    assert!(metric(&world, "lakegate_broker_delegation_view_age_seconds ") > 2.0);
    assert_eq!(metric(&world, "lakegate_broker_delegation_log_trouble{cause=\"store\"} ").to_string(), "1");
    world.alice.ask(SALES, READ).await?;
    log.set_fault(Fault::None);
    assert_eq!(world.until_told(&job, "ok").await?, "ok");
    assert_eq!(metric(&world, "lakegate_broker_delegation_log_trouble{cause=\"store\"} ").to_string(), "0");
    assert_eq!(metric(&world, "lakegate_broker_delegation_tokens{state=\"live\"} ").to_string(), "1");
    assert_eq!(metric(&world, "lakegate_broker_delegation_log_number ").to_string(), "1");
    Ok(())
}

#[tokio::test]
async fn strict_classes_stop_first() -> Result<()> {
    let (mut strict, log) = (None, std::sync::Arc::new(lakegate_token_store::record_log::MemoryLog::new()));
    let world = World::start_with(|options| {
        let policy = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
classes: [{ name: careful, staleness: strict }]
datasets:
  - { name: sales, prefix: "gs://lake-one/sales/", project: growth }
  - { name: hr, prefix: "gs://lake-one/hr/", project: growth, class: careful }
rules:
  - { id: sales, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }
  - { id: hr, effect: allow, on: { dataset: hr }, to: ["principal:alice"], operations: [read, list] }
"#;
        options.policy = PolicyDocument::from_yaml(policy).unwrap();
        let delegating = options.delegation.as_mut().unwrap();
        delegating.log = Some(log.clone());
        delegating.staleness = bounds(1_800, 1);
        strict = Some("gs://lake-one/hr/");
    })
    .await?;
    let strict = strict.unwrap();
    let token = world.alice.delegation_token("").await?;
    let job = world.lake.caller_with_dt(&token)?;
    job.ask(strict, READ).await?;
    log.set_fault(Fault::Down);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let refused = loop {
        match job.ask(strict, READ).await {
            Err(refused) => break refused,
            Ok(_) => assert!(tokio::time::Instant::now() < deadline),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(world.told(&refused)?, UNAVAILABLE);
    job.ask(SALES, READ).await?;
    world.alice.ask(strict, READ).await?;
    Ok(())
}

#[tokio::test]
async fn a_log_that_was_changed_is_an_alarm_and_never_an_empty_one() -> Result<()> {
    let (world, log) = World::with_log(|_| {}).await?;
    let token = world.alice.delegation_token("").await?;
    world.alice.cancel(&token).await?;
    log.tamper(LogName::DelegationTokens, |records| {
        for record in records.values_mut() {
            record.reverse();
        }
    });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    let troubled = || {
        ["forked", "tampered"].iter().any(|cause| {
            metric(&world, &format!("lakegate_broker_delegation_log_trouble{{cause=\"{cause}\"}} ")) > 0.0
        })
    };
    while !troubled() {
        assert!(tokio::time::Instant::now() < deadline, "nobody noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.refusal_of(&token).await?, crate::world::unauthenticated("dt_cancelled"));
    assert_eq!(world.told(&world.alice.delegation_token("").await.unwrap_err())?, UNAVAILABLE);
    Ok(())
}
