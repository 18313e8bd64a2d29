//! Three brokers on one real Redis, whose links are cut and healed: what a cancelled delegation token may still do, where,
//! and for how long.

mod world;

use std::time::Duration;

use anyhow::Result;
use lakegate_testkit::{RedisKind, Weather};
use tokio::time::Instant;
use world::{CANCELLED_WITHIN, HEALED_WITHIN, Lake, MAX_STALE, SALES, STRICT, STRICT_STALE, said, until};

const CANCELLED: &str = "Unauthenticated UNAUTHENTICATED";
const NUMBER: &str = "lakegate_broker_delegation_log_number ";
const UNAVAILABLE: &str = "Unavailable DELEGATION_STATE_UNAVAILABLE";

#[tokio::test(flavor = "multi_thread")]
async fn dt18_a_cancelled_token_is_refused_everywhere_in_time_and_behind_a_cut_after_it_heals() -> Result<()>
{
    let lake = Lake::new(RedisKind::Redis).await?;
    let (a, b, c) = (lake.start("a").await?, lake.start("b").await?, lake.start("c").await?);
    let alice = a.caller("alice")?;

    // One broker made the key; all of them believe what it signed.
    let first = alice.delegation_token("").await?;
    let second = b.caller("alice")?.delegation_token("").await?;
    for (node, token) in [(&a, &second), (&b, &first), (&c, &first), (&c, &second)] {
        assert_eq!(node.told(token, SALES).await?, "ok");
        assert_eq!(node.told(token, STRICT).await?, "ok");
    }

    alice.cancel(&first).await?;
    let cancelled = Instant::now();
    assert_eq!(a.told(&first, SALES).await?, CANCELLED, "at once where it was cancelled");
    for node in [&b, &c] {
        node.until_told(&first, SALES, CANCELLED).await?;
    }
    assert!(cancelled.elapsed() < CANCELLED_WITHIN, "{:?}", cancelled.elapsed());

    // B loses its link, and nobody tells it that the second token is cancelled.
    b.link.set(Weather::Silent);
    let cut = Instant::now();
    alice.cancel(&second).await?;
    c.until_told(&second, SALES, CANCELLED).await?;
    assert!(cut.elapsed() < CANCELLED_WITHIN, "{:?}", cut.elapsed());
    let strict_ended = b.until_told(&second, STRICT, UNAVAILABLE).await?;
    assert!(strict_ended < Duration::from_secs(STRICT_STALE) + HEALED_WITHIN / 2, "{strict_ended:?}");
    assert_eq!(b.told(&second, SALES).await?, "ok", "it does not know, and may go on for a while");
    assert_eq!(b.told(&first, SALES).await?, CANCELLED, "what it knew it knows");
    assert!(b.metric("lakegate_broker_delegation_view_age_seconds ").await? >= 1.0);
    assert!((b.metric("lakegate_broker_delegation_log_trouble{cause=\"store\"} ").await? - 1.0).abs() < 0.5);

    // What is written nowhere is no success.
    let elsewhere = b.caller("alice")?;
    assert_eq!(said(elsewhere.delegation_token("").await), UNAVAILABLE, "dt19");
    let third = alice.delegation_token("").await?;
    assert_eq!(said(elsewhere.cancel(&third).await), UNAVAILABLE, "dt16");
    assert_eq!(b.told(&third, SALES).await?, CANCELLED, "dt16: dead where that was tried");
    assert_eq!(a.told(&third, SALES).await?, "ok");

    b.link.set(Weather::Fair);
    let healed = Instant::now();
    b.until_told(&second, SALES, CANCELLED).await?;
    // What was cancelled at B and could not be written is now.
    a.until_told(&third, SALES, CANCELLED).await?;
    assert!(healed.elapsed() < HEALED_WITHIN, "{:?}", healed.elapsed());
    let fourth = b.caller("alice")?.delegation_token("").await?;
    assert_eq!(c.told(&fourth, STRICT).await?, "ok");

    // A cut that lasts ends everything that comes by a token, and nothing that comes by a certificate.
    b.link.set(Weather::Silent);
    let ended = b.until_told(&fourth, SALES, UNAVAILABLE).await?;
    assert!(ended > Duration::from_secs(MAX_STALE / 2), "{ended:?}");
    assert_eq!(said(b.caller("alice")?.ask(SALES, &[lakegate_domain::Operation::Read]).await), "ok");
    b.link.set(Weather::Fair);
    b.until_told(&fourth, SALES, "ok").await?;
    for node in [a, b, c] {
        node.stop().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dt22_an_old_dump_put_back_revives_nothing_and_loses_no_key() -> Result<()> {
    let mut lake = Lake::new(RedisKind::Redis).await?;
    let (a, b) = (lake.start("a").await?, lake.start("b").await?);
    let alice = a.caller("alice")?;
    let dead = alice.delegation_token("").await?;
    lake.redis.command(&["SAVE"]).await?;
    let living = b.caller("alice")?.delegation_token("").await?;
    alice.cancel(&dead).await?;
    for node in [&a, &b] {
        node.until_told(&dead, SALES, CANCELLED).await?;
    }
    let written = a.metric(NUMBER).await?;

    // The server comes back with what it had before the cancellation.
    lake.redis.restart().await?;
    until("the end of the log is put back", async || {
        let told = a.told(&dead, SALES).await;
        assert!(matches!(told.as_deref(), Ok(CANCELLED)), "{told:?}");
        a.caller("alice").unwrap().delegation_token("").await.is_ok()
    })
    .await;
    assert!(a.metric(NUMBER).await? > written, "the log goes on where it was");
    for node in [&a, &b, &lake.start("c").await?] {
        assert_eq!(node.told(&dead, SALES).await?, CANCELLED);
        node.until_told(&living, SALES, "ok").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_starts_without_its_store_is_not_ready_and_calls_no_token_bad() -> Result<()> {
    let lake = Lake::new(RedisKind::Valkey).await?;
    let a = lake.start("a").await?;
    let token = a.caller("alice")?.delegation_token("").await?;
    let begun = lake.begin("late", Weather::Refusing).await?;
    let unready = begun.admin("readyz").await?;
    assert!(unready.starts_with("503") && unready.contains("delegation_keys"), "{unready}");
    assert_eq!(begun.told(&token, SALES).await?, UNAVAILABLE);
    assert_eq!(said(begun.caller("alice")?.delegation_token("").await), UNAVAILABLE);
    begun.link.set(Weather::Fair);
    until("it is ready", async || begun.is_ready().await).await;
    assert_eq!(begun.told(&token, SALES).await?, "ok");
    Ok(())
}
