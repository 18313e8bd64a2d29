//! Many callers for one token that nobody has.

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_testkit::bearer;
use tokio::task::JoinSet;

use crate::world::{OUTAGE, READ, World};

/// Starts callers for one path that leave after so long, or stay.
fn ask_many(world: &World, path: &str, count: usize) -> JoinSet<Result<String, lakegate_testkit::Refused>> {
    let mut asking = JoinSet::new();
    for _ in 0..count {
        let (alice, path) = (world.alice.clone(), path.to_owned());
        asking.spawn(async move { Ok(bearer(&alice.ask(&path, READ).await?).unwrap().to_owned()) });
    }
    asking
}

#[tokio::test]
async fn st13_two_hundred_callers_make_one_exchange() -> Result<()> {
    let world = World::start().await?;
    let path = world.fresh();
    let before = world.lake.emulator().calls().sts;
    world.lake.emulator().faults().delay(Endpoint::Sts, Duration::from_millis(500));
    let tokens = ask_many(&world, &path, 200).join_all().await;
    let first = tokens.first().unwrap().clone().unwrap();
    assert!(tokens.into_iter().all(|token| token.is_ok_and(|token| token == first)));
    assert_eq!(world.lake.emulator().calls().sts - before, 1);
    Ok(())
}

#[tokio::test]
async fn gh12_st13_a_caller_that_leaves_takes_nobody_along() -> Result<()> {
    let world = World::start().await?;
    let path = world.fresh();
    let before = world.lake.emulator().calls().sts;
    world.lake.emulator().faults().delay(Endpoint::Sts, Duration::from_millis(500));
    let leader = world.alice.clone();
    let led = tokio::time::timeout(Duration::from_millis(100), leader.ask(&path, READ));
    let (left, stayed) = tokio::join!(led, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        ask_many(&world, &path, 20).join_all().await
    });
    assert!(left.is_err(), "the leader was answered");
    assert!(stayed.iter().all(Result::is_ok));
    assert_eq!(world.lake.emulator().calls().sts - before, 1);
    Ok(())
}

#[tokio::test]
async fn st13_an_error_is_told_to_those_who_waited_and_kept_for_nobody() -> Result<()> {
    let world = World::start().await?;
    let path = world.fresh();
    world.lake.emulator().faults().delay(Endpoint::Sts, Duration::from_millis(300));
    world.lake.emulator().faults().next_calls(Endpoint::Sts, &Fault::Html, 1);
    let refusals = ask_many(&world, &path, 20).join_all().await;
    for refused in refusals {
        assert_eq!(world.lake.told(&refused.unwrap_err())?, OUTAGE);
    }
    world.lake.emulator().faults().clear_all();
    world.alice.ask(&path, READ).await?;
    Ok(())
}
