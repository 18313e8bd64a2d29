//! Grants that end sooner than a token would.

use std::time::Duration;

use anyhow::Result;
use lakegate_domain::{Clock, SystemClock};
use lakegate_proto::timestamp_from_wire;
use lakegate_testkit::{Source, bearer};

use crate::world::{DENIED, READ, SALES, ending, rule, start, start_with};

const TOO_SOON: &str = "FailedPrecondition GRANT_ENDS_TOO_SOON deny grant_ends_too_soon";

#[tokio::test]
async fn ps05_a_token_ends_with_its_grant_where_the_cloud_can_do_that() -> Result<()> {
    let lake = start(ending(Duration::from_mins(5))?).await?;
    let (alice, dave) = (lake.caller("alice")?, lake.caller("dave")?);
    let shared = alice.ask(SALES, READ).await?;
    let until = SystemClock.now().plus(Duration::from_mins(5));
    let own = dave.ask(SALES, READ).await?;
    assert!(own.ends_early && !shared.ends_early);
    assert_ne!(bearer(&own)?, bearer(&shared)?, "never the shared token");
    let ends = timestamp_from_wire(own.expires_at.as_ref())?;
    assert!(ends <= until, "the token outlives the grant");
    assert!(ends > until.minus(Duration::from_mins(1)), "the token ends much too soon");
    let again = dave.ask(SALES, READ).await?;
    assert_eq!(bearer(&own)?, bearer(&again)?, "and it is kept");
    assert_eq!(lake.emulator().calls().sts, 2);
    Ok(())
}

#[tokio::test]
async fn ps05_a_grant_too_short_for_any_token_is_refused_as_such() -> Result<()> {
    let lake = start(ending(Duration::from_secs(30))?).await?;
    let dave = lake.caller("dave")?;
    assert_eq!(lake.told(&dave.ask(SALES, READ).await.unwrap_err())?, TOO_SOON);
    assert_eq!(lake.emulator().calls().sts, 0);
    Ok(())
}

#[tokio::test]
async fn ps05_a_source_that_cannot_end_tokens_early_refuses_and_is_not_asked_again() -> Result<()> {
    let policy = ending(Duration::from_mins(5))?;
    let lake = start_with(policy, |options| options.source = Source::KeyFile).await?;
    let (alice, dave) = (lake.caller("alice")?, lake.caller("dave")?);
    for _ in 0..5 {
        assert_eq!(lake.told(&dave.ask(SALES, READ).await.unwrap_err())?, TOO_SOON);
    }
    assert_eq!(lake.emulator().calls().sts, 1, "each refusal costs an exchange");
    let shared = alice.ask(SALES, READ).await?;
    assert!(!shared.ends_early);
    assert_eq!(lake.emulator().calls().sts, 1, "what came of it serves others");
    assert_eq!(lake.told(&dave.ask(SALES, READ).await.unwrap_err())?, TOO_SOON);
    Ok(())
}

#[tokio::test]
async fn ps05_a_rule_with_overrun_lets_a_token_outlive_the_grant() -> Result<()> {
    let mut policy = ending(Duration::from_mins(5))?;
    rule(&mut policy, "dave-reads-sales")?.overrun_seconds = 3600;
    let lake = start_with(policy, |options| options.source = Source::KeyFile).await?;
    let (alice, dave) = (lake.caller("alice")?, lake.caller("dave")?);
    let token = dave.ask(SALES, READ).await?;
    assert!(!token.ends_early);
    assert_eq!(bearer(&token)?, bearer(&alice.ask(SALES, READ).await?)?);
    Ok(())
}

#[tokio::test]
async fn ps04_a_grant_that_has_ended_or_not_begun_is_no_grant() -> Result<()> {
    use lakegate_policy::Window;
    let now = SystemClock.now();
    for window in [
        Window { from: None, until: Some(now.minus(Duration::from_secs(1))) },
        Window { from: Some(now.plus(Duration::from_mins(1))), until: None },
    ] {
        let mut policy = crate::world::policy()?;
        rule(&mut policy, "dave-reads-sales")?.windows = vec![window];
        let lake = start(policy).await?;
        let dave = lake.caller("dave")?;
        assert_eq!(lake.told(&dave.ask(SALES, READ).await.unwrap_err())?, DENIED);
    }
    Ok(())
}
