//! A policy source that goes away, turns bad, or comes back (PS02, invariant 11).

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use lakegate_broker::StalenessBounds;
use lakegate_domain::ClassName;
use lakegate_policy::{Class, PolicyDocument, Staleness};
use lakegate_testkit::{Caller, Deployment};

use crate::world::{READ, SALARIES, SALES, policy, start_with, until};

/// Short enough to wait for, long enough for a busy machine to look at the file meanwhile.
const STRICT: Duration = Duration::from_secs(1);

const STALE: &str = "Unavailable POLICY_UNAVAILABLE error policy_unavailable";

/// Sales are strict; heidi's salaries are not.
fn strict() -> Result<PolicyDocument> {
    let mut policy = policy()?;
    let name = ClassName::parse("careful")?;
    policy.classes.push(Class {
        name: name.clone(),
        staleness: Staleness::Strict,
        ..Class::default_class()?
    });
    for dataset in policy.datasets.iter_mut().filter(|dataset| dataset.name.as_str() == "sales") {
        dataset.class = Some(name.clone());
    }
    Ok(policy)
}

fn write(file: &Path, policy: &PolicyDocument) -> Result<()> {
    Ok(std::fs::write(file, serde_json::to_string(policy)?)?)
}

struct World {
    lake: Deployment,
    alice: Caller,
    heidi: Caller,
}

impl World {
    async fn start(file: &Path, cut_off: u64) -> Result<Self> {
        write(file, &strict()?)?;
        let staleness = StalenessBounds::new(Duration::from_secs(cut_off), STRICT)?;
        let lake = start_with(strict()?, |options| {
            options.policy_file = Some(file.to_owned());
            options.staleness = staleness;
        })
        .await?;
        let (alice, heidi) = (lake.caller("alice")?, lake.caller("heidi")?);
        let world = Self { lake, alice, heidi };
        world.until_strict_is(true).await;
        world.heidi.ask(SALARIES, READ).await?;
        Ok(world)
    }

    async fn until_strict_is(&self, served: bool) {
        until("strict classes", async || self.alice.ask(SALES, READ).await.is_ok() == served).await;
    }
}

#[tokio::test]
async fn a_strict_class_stops_when_the_source_vanishes_and_goes_on_when_it_is_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("policy.json");
    let world = World::start(&file, 60).await?;
    std::fs::remove_file(&file)?;
    world.until_strict_is(false).await;
    let refused = world.alice.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.lake.told(&refused)?, STALE);
    assert!(refused.retry_after.is_some());
    world.heidi.ask(SALARIES, READ).await?;
    write(&file, &strict()?)?;
    world.until_strict_is(true).await;
    Ok(())
}

#[tokio::test]
async fn everybody_stops_when_the_source_is_away_for_too_long() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("policy.json");
    let world = World::start(&file, 3).await?;
    std::fs::remove_file(&file)?;
    until("the end of the last good policy", async || world.heidi.ask(SALARIES, READ).await.is_err()).await;
    let refused = world.heidi.ask(SALARIES, READ).await.unwrap_err();
    assert_eq!(world.lake.told(&refused)?, STALE);
    write(&file, &strict()?)?;
    until("the source being back", async || world.heidi.ask(SALARIES, READ).await.is_ok()).await;
    world.until_strict_is(true).await;
    Ok(())
}

#[tokio::test]
async fn ps02_a_bad_document_keeps_the_last_good_one_except_for_strict_classes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("policy.json");
    let world = World::start(&file, 4).await?;
    let mut duplicated = strict()?;
    duplicated.version = 2;
    duplicated.rules.push(duplicated.rules[0].clone());
    let mut lower = strict()?;
    lower.version = 0;
    let mut age = Duration::from_secs(5);
    for bad in
        ["{\"version\": 2".to_owned(), serde_json::to_string(&duplicated)?, serde_json::to_string(&lower)?]
    {
        std::fs::write(&file, &bad)?;
        world.until_strict_is(false).await;
        // Longer than a source may be away; this one is read all the time.
        until("an age beyond the limit", async || world.lake.policy().age() > age).await;
        age = STRICT;
        world.heidi.ask(SALARIES, READ).await?;
        assert!(world.lake.policy().is_failing());
        write(&file, &strict()?)?;
        world.until_strict_is(true).await;
    }
    Ok(())
}
