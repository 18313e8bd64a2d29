//! Answers of the token service that must not be used.

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Expiry, Fault};
use lakegate_domain::{Clock, SystemClock};
use lakegate_proto::timestamp_from_wire;

use crate::world::{READ, World};

async fn are_outages(faults: impl IntoIterator<Item = Fault>) -> Result<()> {
    let world = World::start().await?;
    for fault in faults {
        world.outage_under(Endpoint::Sts, fault).await?;
    }
    Ok(())
}

#[tokio::test]
async fn st03_answers_that_break_off_or_never_end_are_outages() -> Result<()> {
    are_outages([
        Fault::ConnectionReset,
        Fault::TruncatedBody,
        Fault::HugeBody(10 << 20),
        Fault::HugeBody(64 * 1024 + 1),
    ])
    .await
}

#[tokio::test]
async fn st03_an_answer_that_drips_is_given_up_after_two_seconds() -> Result<()> {
    let world = World::start().await?;
    let before = tokio::time::Instant::now();
    world.outage_under(Endpoint::Sts, Fault::SlowDrip(Duration::from_millis(100))).await?;
    assert!(before.elapsed() < Duration::from_secs(4));
    Ok(())
}

#[tokio::test]
async fn st03_silence_is_given_up_after_two_seconds() -> Result<()> {
    let world = World::start().await?;
    let path = world.fresh();
    world.lake.emulator().faults().delay(Endpoint::Sts, Duration::from_secs(30));
    let before = tokio::time::Instant::now();
    let refused = world.alice.ask(&path, READ).await.unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(4));
    assert_eq!(world.lake.told(&refused)?, crate::world::OUTAGE);
    world.cached_goes_on().await?;
    world.lake.emulator().faults().clear_all();
    world.alice.ask(&path, READ).await?;
    Ok(())
}

#[tokio::test]
async fn st04_answers_that_are_no_token_are_outages() -> Result<()> {
    let body = |text: &str| Fault::Body(text.as_bytes().to_vec());
    are_outages([
        Fault::Html,
        Fault::MalformedJson,
        Fault::EmptyAccessToken,
        Fault::TokenType("mac".to_owned()),
        body(""),
        body("null"),
        body("[]"),
        body("{}"),
        body(r#"{"access_token":"a","access_token":"b","token_type":"Bearer","expires_in":3600}"#),
        Fault::Body(b"{\"access_token\":\"\xff\",\"token_type\":\"Bearer\",\"expires_in\":3600}".to_vec()),
        body(&"[".repeat(20_000)),
    ])
    .await
}

#[tokio::test]
async fn st05_lives_that_are_none_are_outages() -> Result<()> {
    are_outages([
        Fault::Expiry(Expiry::Seconds(0)),
        Fault::Expiry(Expiry::Seconds(-1)),
        Fault::Expiry(Expiry::Text("3600".to_owned())),
        Fault::Expiry(Expiry::Text("NaN".to_owned())),
    ])
    .await
}

#[tokio::test]
async fn st05_no_token_is_believed_to_live_longer_than_was_asked() -> Result<()> {
    let world = World::start().await?;
    for expiry in [Expiry::Missing, Expiry::Seconds(1_000_000_000_000), Expiry::Seconds(i64::MAX)] {
        world.lake.emulator().faults().next_calls(Endpoint::Sts, &Fault::Expiry(expiry.clone()), 1);
        let answer = world.alice.ask(&world.fresh(), READ).await?;
        let ends = timestamp_from_wire(answer.expires_at.as_ref())?;
        let longest = SystemClock.now().plus(Duration::from_hours(1));
        assert!(ends <= longest, "{expiry:?}: {ends}");
    }
    Ok(())
}

#[tokio::test]
async fn st06_a_token_that_arrives_dying_is_thrown_away_three_times() -> Result<()> {
    let world = World::start().await?;
    let before = world.lake.emulator().calls().sts;
    world.outage_under(Endpoint::Sts, Fault::Expiry(Expiry::Seconds(20))).await?;
    assert_eq!(world.lake.emulator().calls().sts - before, 4, "three tries, and one after the fault");
    Ok(())
}

#[tokio::test]
async fn st06_one_dying_token_is_replaced_without_a_word() -> Result<()> {
    let world = World::start().await?;
    let dying = Fault::Expiry(Expiry::Seconds(5));
    world.lake.emulator().faults().next_calls(Endpoint::Sts, &dying, 2);
    let answer = world.alice.ask(&world.fresh(), READ).await?;
    let ends = timestamp_from_wire(answer.expires_at.as_ref())?;
    assert!(ends > SystemClock.now().plus(Duration::from_mins(30)));
    Ok(())
}

#[tokio::test]
async fn st08_token_texts_that_would_break_a_header_are_outages() -> Result<()> {
    are_outages([
        Fault::AccessTokenWithLineBreak,
        Fault::LongAccessToken(20_000),
        Fault::LongAccessToken(1 << 20),
    ])
    .await
}

#[tokio::test]
async fn st11_a_redirect_is_not_followed() -> Result<()> {
    let world = World::start().await?;
    let elsewhere = [&world.lake.emulator().url(), "/elsewhere/token"].concat();
    let before = world.lake.emulator().calls();
    world.outage_under(Endpoint::Sts, Fault::Redirect(elsewhere)).await?;
    let after = world.lake.emulator().calls();
    assert_eq!(after.storage_write - before.storage_write, 0, "the redirect was followed");
    Ok(())
}

#[tokio::test]
async fn st12_a_token_beside_an_error_is_an_error() -> Result<()> {
    are_outages([Fault::ResultAndError]).await
}
