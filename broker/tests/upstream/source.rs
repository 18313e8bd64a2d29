//! The credential behind all tokens: refused, gone, slow. Never a token without a boundary instead.

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Fault};

use crate::world::{OUTAGE, READ, World};

/// A world whose source token was refused once, so that the next minting needs a new one.
async fn without_a_source_token() -> Result<World> {
    let world = World::start().await?;
    let refused = Fault::Status { code: 400, retry_after: None };
    world.lake.emulator().faults().next_calls(Endpoint::Sts, &refused, 1);
    let told = world.alice.ask(&world.fresh(), READ).await.unwrap_err();
    assert_eq!(world.lake.told(&told)?, OUTAGE, "a refused source token is an outage, not a refusal");
    Ok(world)
}

#[tokio::test]
async fn st10_a_source_that_is_refused_or_gone_is_an_outage() -> Result<()> {
    for fault in [
        Fault::Status { code: 401, retry_after: None },
        Fault::Status { code: 403, retry_after: None },
        Fault::Status { code: 404, retry_after: None },
        Fault::Status { code: 503, retry_after: None },
        Fault::ConnectionReset,
        Fault::Html,
        Fault::HugeBody(1 << 20),
        Fault::EmptyAccessToken,
    ] {
        let world = without_a_source_token().await?;
        let exchanges = world.lake.emulator().calls().sts;
        let name = format!("{fault:?}");
        let refused = world.told_under(Endpoint::Iam, fault).await?;
        assert_eq!(world.lake.told(&refused)?, OUTAGE, "{name}");
        assert_eq!(world.lake.emulator().calls().sts, exchanges, "{name}: exchanged without a source");
        world.alice.ask(&world.fresh(), READ).await?;
    }
    Ok(())
}

#[tokio::test]
async fn st10_a_refused_source_token_is_replaced() -> Result<()> {
    let world = without_a_source_token().await?;
    let before = world.lake.emulator().calls().iam;
    world.alice.ask(&world.fresh(), READ).await?;
    assert_eq!(world.lake.emulator().calls().iam, before + 1);
    Ok(())
}
