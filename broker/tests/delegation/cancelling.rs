//! Cancellation: by whom, how soon, everywhere, and whatever fails.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use lakegate_delegation::{Quotas, describe};
use lakegate_proto::v1::IssueDelegationTokenRequest;
use lakegate_token_store::Fault;

use crate::world::{READ, SALES, World, unauthenticated};

const UNAVAILABLE: &str = "Unavailable DELEGATION_STATE_UNAVAILABLE error dt_state_unavailable";

#[tokio::test]
async fn dt13_owner_and_renewer_cancel_and_nobody_else() -> Result<()> {
    let world = World::start().await?;
    for canceller in ["alice", "yarn"] {
        let token = world.alice.delegation_token("yarn").await?;
        let job = world.lake.caller_with_dt(&token)?;
        job.ask(SALES, READ).await?;
        for other in ["mallory", "bob", "root-admin"] {
            let refused = world.lake.caller(other)?.cancel(&token).await.unwrap_err();
            assert_eq!(world.told(&refused)?, "PermissionDenied PERMISSION_DENIED deny dt_not_canceller");
            let record = world.lake.audit().record(&refused.audit_id)?;
            assert_eq!(
                (record["principal"].as_str(), record["named"]["owner"].as_str()),
                (Some(other), Some("alice"))
            );
        }
        job.ask(SALES, READ).await?;
        let cancelled = world.lake.caller(canceller)?.cancel(&token).await?;
        let record = world.lake.audit().record(&cancelled.audit_id)?;
        assert_eq!(record["rpc"], "CancelDelegationToken");
        assert_eq!(record["named"]["id"], describe(&token)?.identifier.id.to_string());
        let refused = job.ask(SALES, READ).await.unwrap_err();
        assert_eq!(world.told(&refused)?, unauthenticated("dt_cancelled"), "dt18: on an open connection");
        assert_eq!(world.lake.audit().record(&refused.audit_id)?["principal"], "alice");
        world.lake.caller(canceller)?.cancel(&token).await?;
        let yarn = world.lake.caller("yarn")?;
        let refused = yarn.renew(&token).await.unwrap_err();
        assert_eq!(
            world.told(&refused)?,
            "FailedPrecondition DELEGATION_TOKEN_ENDED deny dt_cancelled",
            "dt17"
        );
    }
    Ok(())
}

#[tokio::test]
async fn dt18_dt26_one_cancellation_ends_a_token_at_every_broker() -> Result<()> {
    let world = World::start().await?;
    let other = world.lake.start_broker().await?;
    let token = world.alice.delegation_token("").await?;
    let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
    let thief = world.lake.caller_with_dt_at(other.address(), elsewhere, &token)?;
    let answer = thief.ask(SALES, READ).await?;
    let record = other.audit().record(&answer.audit_id)?;
    assert!(record["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.2:")), "{record}");
    assert_eq!(record["bound_to"], "nothing", "whoever holds it can use it");
    world.alice.cancel(&token).await?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while thief.ask(SALES, READ).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "still good elsewhere after 5 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = thief.ask(SALES, READ).await.unwrap_err();
    assert_eq!(refused.to_string(), "Unauthenticated UNAUTHENTICATED");
    assert_eq!(other.audit().record(&refused.audit_id)?["reason"], "dt_cancelled");
    Ok(())
}

#[tokio::test]
async fn dt16_a_cancellation_that_cannot_be_written_is_unavailable_and_holds_here_and_is_written_later()
-> Result<()> {
    let (world, log) = World::with_log(|_| {}).await?;
    let other = world.lake.start_broker().await?;
    let token = world.alice.delegation_token("").await?;
    let (here, there) = (
        world.lake.caller_with_dt(&token)?,
        world.lake.caller_with_dt_at(other.address(), Ipv4Addr::LOCALHOST, &token)?,
    );
    here.ask(SALES, READ).await?;
    log.set_fault(Fault::Down);
    assert_eq!(world.told(&world.alice.cancel(&token).await.unwrap_err())?, UNAVAILABLE);
    let refused = here.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("dt_cancelled"), "the local tombstone");
    there.ask(SALES, READ).await?;
    log.set_fault(Fault::None);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while there.ask(SALES, READ).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "nobody wrote it down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test]
async fn dt16_a_broker_that_stops_writes_what_it_could_not_before() -> Result<()> {
    let (world, log) =
        World::with_log(|delegating| delegating.follow_every = Duration::from_mins(10)).await?;
    let token = world.alice.delegation_token("").await?;
    log.set_fault(Fault::Down);
    assert_eq!(world.told(&world.alice.cancel(&token).await.unwrap_err())?, UNAVAILABLE);
    log.set_fault(Fault::None);
    let written = log.appends();
    drop(world.alice);
    assert!(world.lake.stop().await);
    assert_eq!(log.appends(), written + 1);
    Ok(())
}

#[tokio::test]
async fn dt19_without_the_log_no_token_is_issued() -> Result<()> {
    let (world, log) = World::with_log(|_| {}).await?;
    log.set_fault(Fault::Down);
    let refused = world.alice.delegation_token("").await.unwrap_err();
    assert_eq!(world.told(&refused)?, UNAVAILABLE);
    let record = world.lake.audit().record(&refused.audit_id)?;
    assert!(record.get("issued").is_none(), "{record}");
    log.set_fault(Fault::None);
    world.alice.delegation_token("").await?;
    Ok(())
}

#[tokio::test]
async fn dt22_a_store_put_back_from_a_backup_revives_nothing() -> Result<()> {
    let (world, log) = World::with_log(|_| {}).await?;
    let token = world.alice.delegation_token("").await?;
    let kept = world.alice.delegation_token("").await?;
    let backup = log.backup();
    world.alice.cancel(&token).await?;
    log.restore(backup.clone());
    // Whoever saw more puts it back.
    let job = world.lake.caller_with_dt(&token)?;
    assert_eq!(world.refusal_of(&token).await?, unauthenticated("dt_cancelled"));
    let fresh = world.lake.start_broker().await?;
    let there = world.lake.caller_with_dt_at(fresh.address(), Ipv4Addr::LOCALHOST, &token)?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while there.ask(SALES, READ).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "the restored log still revives it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(job.ask(SALES, READ).await.is_err());
    world.lake.caller_with_dt(&kept)?.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn dt22_a_raised_epoch_ends_every_token_of_before() -> Result<()> {
    let (world, _) = World::with_log(|it| it.epoch = 1).await?;
    let of_before = world.forge(&world.ring(), |draft| draft.store_epoch = 0);
    let refused = unauthenticated("dt_epoch");
    assert_eq!(world.until_told(&world.lake.caller_with_dt(&of_before)?, &refused).await?, refused);
    let fresh = world.alice.delegation_token("").await?;
    assert_eq!(describe(&fresh)?.identifier.store_epoch, 1);
    world.lake.caller_with_dt(&fresh)?.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn dt24_tokens_are_counted_per_owner() -> Result<()> {
    let (world, _) = World::with_log(|it| it.quotas = Quotas { per_owner: 2, ..Quotas::default() }).await?;
    let first = world.alice.delegation_token("").await?;
    world.alice.delegation_token("").await?;
    let refused = world.alice.delegation_token("").await.unwrap_err();
    assert_eq!(world.told(&refused)?, "ResourceExhausted DELEGATION_TOKEN_QUOTA deny dt_quota");
    world.lake.caller("bob")?.delegation_token("").await?;
    world.alice.cancel(&first).await?;
    world.alice.delegation_token("").await?;
    assert!(world.alice.delegation_token("").await.is_err());
    world.clock.advance(Duration::from_hours(24));
    world.alice.delegation_token("").await?;
    Ok(())
}

#[tokio::test]
async fn dt15_a_bound_token_is_nobodys_over_another_connection() -> Result<()> {
    use lakegate_proto::v1::issue_delegation_token_request::BindTo;
    let world = World::start().await?;
    let bind_to = |bind_to| IssueDelegationTokenRequest { bind_to: Some(bind_to), ..Default::default() };
    for bad in
        [BindTo::PublicKeySha256(vec![1; 31]), BindTo::PodUid("x".to_owned()), BindTo::PodUid(String::new())]
    {
        let refused = world.alice.issue(bind_to(bad)).await.unwrap_err();
        assert_eq!(world.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    }
    let answer = world.alice.issue(bind_to(BindTo::PublicKeySha256(vec![1; 32]))).await?;
    let record = world.lake.audit().record(&answer.audit_id)?;
    assert_eq!(record["issued"]["bound_to"], "public_key");
    let refused = world.lake.caller_with_dt(&answer.token)?.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("dt_binding"), "without any certificate");
    assert_eq!(world.lake.audit().record(&refused.audit_id)?["principal"], "alice");
    world.alice.cancel(&answer.token).await?;
    assert_eq!(world.refusal_of(&answer.token).await?, unauthenticated("dt_binding"));
    world.alice.cancel(&answer.token).await?;
    Ok(())
}
