//! A token service that refuses: for now, or this one boundary.

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Fault};

use crate::world::{OUTAGE, READ, World};

fn status(code: u16, retry_after: Option<&str>) -> Fault {
    Fault::Status { code, retry_after: retry_after.map(str::to_owned) }
}

#[tokio::test]
async fn st01_errors_of_the_server_are_outages() -> Result<()> {
    let world = World::start().await?;
    for fault in [
        status(503, None),
        status(500, None),
        status(502, Some("1")),
        status(503, Some("-5")),
        status(503, Some("never")),
        status(418, None),
    ] {
        world.outage_under(Endpoint::Sts, fault).await?;
    }
    Ok(())
}

#[tokio::test]
async fn st01_the_clouds_wish_to_wait_is_passed_on_and_capped() -> Result<()> {
    let world = World::start().await?;
    for (wish, longest) in [("7", 7), ("99999999999999999999999", 60), ("86400", 60)] {
        let refused = world.told_under(Endpoint::Sts, status(503, Some(wish))).await?;
        assert_eq!(world.lake.told(&refused)?, OUTAGE, "{wish}");
        assert_eq!(refused.retry_after, Some(Duration::from_secs(longest)), "{wish}");
    }
    Ok(())
}

#[tokio::test]
async fn st01_a_429_stops_all_minting_for_as_long_as_it_says() -> Result<()> {
    let world = World::start().await?;
    let refused = world.told_under(Endpoint::Sts, status(429, Some("1"))).await?;
    assert_eq!(world.lake.told(&refused)?, OUTAGE);
    let calls = world.lake.emulator().calls().sts;
    let path = world.fresh();
    let paused = world.alice.ask(&path, READ).await.unwrap_err();
    assert_eq!(world.lake.told(&paused)?, OUTAGE);
    assert_eq!(world.lake.emulator().calls().sts, calls, "asked during the pause");
    world.cached_goes_on().await?;
    let wait = paused.retry_after.unwrap();
    assert!(wait <= Duration::from_secs(1));
    tokio::time::sleep(wait + Duration::from_millis(20)).await;
    world.alice.ask(&path, READ).await?;
    Ok(())
}

#[tokio::test]
async fn st01_an_endless_429_is_waited_for_a_minute_at_most() -> Result<()> {
    let world = World::start().await?;
    let refused = world.told_under(Endpoint::Sts, status(429, Some("31536000"))).await?;
    assert!(refused.retry_after.unwrap() <= Duration::from_mins(1));
    Ok(())
}

#[tokio::test]
async fn st02_a_refused_boundary_concerns_its_own_scope_alone() -> Result<()> {
    let world = World::start().await?;
    let of_the_storage = "FailedPrecondition SCOPE_REFUSED_BY_STORAGE error mint_failed";
    for code in [401, 403] {
        let path = world.fresh();
        world.lake.emulator().faults().next_calls(Endpoint::Sts, &status(code, None), 1);
        let refused = world.alice.ask(&path, READ).await.unwrap_err();
        assert_eq!(world.lake.told(&refused)?, of_the_storage, "{code}");
        assert_eq!(refused.retry_after, None);
        let calls = world.lake.emulator().calls().sts;
        for _ in 0..5 {
            let resting = world.alice.ask(&path, READ).await.unwrap_err();
            assert_eq!(world.lake.told(&resting)?, of_the_storage, "{code}");
            assert!(resting.retry_after.unwrap() <= Duration::from_secs(5));
        }
        assert_eq!(world.lake.emulator().calls().sts, calls, "{code}: asked again and again");
        world.alice.ask(&world.fresh(), READ).await?;
        world.cached_goes_on().await?;
    }
    let metrics = prometheus::TextEncoder::new().encode_to_string(&world.lake.registry().gather())?;
    assert!(metrics.contains("lakegate_broker_quarantined_scopes{storage=\"lake\"} 2"), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn the_clouds_own_quota_is_an_outage() -> Result<()> {
    let world = World::start().await?;
    let quota = Fault::Status { code: 429, retry_after: None };
    let refused = world.told_under(Endpoint::Sts, quota).await?;
    assert_eq!(world.lake.told(&refused)?, OUTAGE);
    Ok(())
}
