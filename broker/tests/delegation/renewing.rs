//! Who keeps a token alive, and for how long.

use std::time::Duration;

use anyhow::Result;
use lakegate_delegation::{RenewalTerms, Terms, describe};
use lakegate_domain::Clock;
use lakegate_proto::timestamp_to_wire;
use lakegate_token_store::Fault;

use crate::world::{READ, SALES, World, unauthenticated};

const DAY: Duration = Duration::from_hours(24);
const DENIED: &str = "PermissionDenied PERMISSION_DENIED deny ";
const ENDED: &str = "FailedPrecondition DELEGATION_TOKEN_ENDED deny ";

#[tokio::test]
async fn the_named_renewer_keeps_a_token_alive_up_to_its_max_date() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("yarn").await?;
    let said = describe(&token)?.identifier;
    let (yarn, job) = (world.lake.caller("yarn")?, world.lake.caller_with_dt(&token)?);
    for _ in 0..7 {
        world.clock.advance(DAY.checked_sub(Duration::from_mins(1)).unwrap());
        let renewed = yarn.renew(&token).await?;
        let until = world.clock.now().plus(DAY).min(said.max_date);
        assert_eq!(renewed.renew_before, Some(timestamp_to_wire(until)));
        let record = world.lake.audit().record(&renewed.audit_id)?;
        assert_eq!(
            (record["rpc"].as_str(), record["principal"].as_str()),
            (Some("RenewDelegationToken"), Some("yarn"))
        );
        let named = &record["named"];
        assert_eq!(named["id"], said.id.to_string());
        assert_eq!((named["owner"].as_str(), named["renewer"].as_str()), (Some("alice"), Some("yarn")));
        assert_eq!(named["renew_before"], until.to_string());
        assert!(!record.to_string().contains(&token));
    }
    world.clock.set(said.max_date.minus(Duration::from_secs(1)));
    yarn.renew(&token).await?;
    job.explain(lakegate_testkit::part(SALES, READ), "").await?;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(
        world.told(&yarn.renew(&token).await.unwrap_err())?,
        [ENDED, "dt_expired"].concat(),
        "dt08, dt10"
    );
    assert_eq!(world.refusal_of(&token).await?, unauthenticated("dt_expired"));
    Ok(())
}

#[tokio::test]
async fn dt11_a_token_that_lapsed_is_not_renewed() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("yarn").await?;
    world.clock.advance(DAY);
    let yarn = world.lake.caller("yarn")?;
    assert_eq!(world.told(&yarn.renew(&token).await.unwrap_err())?, [ENDED, "dt_not_renewed"].concat());
    assert_eq!(world.refusal_of(&token).await?, unauthenticated("dt_not_renewed"));
    Ok(())
}

#[tokio::test]
async fn dt11_a_grace_for_hadoop_is_bounded_and_on_record() -> Result<()> {
    let grace = Duration::from_mins(10);
    let (world, _) = World::with_log(|it| it.terms = RenewalTerms { terms: Terms::default(), grace }).await?;
    let token = world.alice.delegation_token("yarn").await?;
    let yarn = world.lake.caller("yarn")?;
    world.clock.advance(DAY + grace / 2);
    assert_eq!(
        world.refusal_of(&token).await?,
        unauthenticated("dt_not_renewed"),
        "a grace is for renewal only"
    );
    let renewed = yarn.renew(&token).await?;
    let record = world.lake.audit().record(&renewed.audit_id)?;
    assert_eq!(record["named"]["in_grace"], true);
    world.lake.caller_with_dt(&token)?.explain(lakegate_testkit::part(SALES, READ), "").await?;
    world.clock.advance(DAY + grace);
    assert_eq!(world.told(&yarn.renew(&token).await.unwrap_err())?, [ENDED, "dt_not_renewed"].concat());
    Ok(())
}

#[tokio::test]
async fn dt12_dt13_only_the_renewer_that_is_named_in_full_may_renew() -> Result<()> {
    let world = World::start().await?;
    let renewers = ["yarn@ONE.EXAMPLE", "yarn", "yarn@TWO.EXAMPLE", "Yarn@ONE.EXAMPLE"];
    let token = world.alice.delegation_token(renewers[0]).await?;
    for other in ["alice", "bob", "null"].into_iter().chain(renewers.into_iter().skip(1)) {
        let refused = world.lake.caller(other)?.renew(&token).await.unwrap_err();
        assert_eq!(world.told(&refused)?, [DENIED, "dt_not_renewer"].concat(), "{other}");
    }
    let nobodys = world.alice.delegation_token("").await?;
    for name in ["alice", "null", "yarn"] {
        let refused = world.lake.caller(name)?.renew(&nobodys).await.unwrap_err();
        assert_eq!(world.told(&refused)?, [DENIED, "dt_not_renewer"].concat(), "{name}");
    }
    let bobs = world.alice.delegation_token("bob").await?;
    let refused = world.lake.caller(renewers[0])?.renew(&bobs).await.unwrap_err();
    assert_eq!(world.told(&refused)?, [DENIED, "dt_not_renewer"].concat(), "the renewer of another token");
    world.lake.caller(renewers[0])?.renew(&token).await?;
    Ok(())
}

#[tokio::test]
async fn dt13_whatever_is_wrong_with_a_token_nobody_learns_whether_there_is_one() -> Result<()> {
    let world = World::start().await?;
    let mallory = world.lake.caller("mallory")?;
    let good = world.alice.delegation_token("yarn").await?;
    let cancelled = world.alice.delegation_token("yarn").await?;
    world.alice.cancel(&cancelled).await?;
    let forged = world.forge(
        &lakegate_delegation::KeyRing::single(
            lakegate_testkit::CLUSTER,
            lakegate_delegation::DelegationKey::generate(lakegate_delegation::KeyId::new(1)?)?,
        )?,
        |_| {},
    );
    let never_issued = world.forge(&world.ring(), |_| {});
    for (token, reason) in [(&good, "not_"), (&cancelled, "not_"), (&never_issued, "not_"), (&forged, "mac")]
    {
        let renewing = mallory.renew(token).await.unwrap_err();
        let cancelling = mallory.cancel(token).await.unwrap_err();
        let told = [renewing.to_string(), cancelling.to_string()];
        assert_eq!(told, ["PermissionDenied PERMISSION_DENIED"; 2], "{reason}");
        assert!(world.told(&renewing)?.contains(reason) && world.told(&cancelling)?.contains(reason));
    }
    for text in ["", "x", "%%%", &good[..50]] {
        let refused = mallory.renew(text).await.unwrap_err();
        assert_eq!(world.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form", "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn dt17_a_token_that_the_log_never_heard_of_is_believed_and_not_renewed() -> Result<()> {
    let world = World::start().await?;
    let token = world.forge(&world.ring(), |draft| {
        draft.renewer = Some(lakegate_domain::Principal::parse("yarn").unwrap());
    });
    world.lake.caller_with_dt(&token)?.ask(SALES, READ).await?;
    let refused = world.lake.caller("yarn")?.renew(&token).await.unwrap_err();
    assert_eq!(world.told(&refused)?, [ENDED, "dt_unknown"].concat());
    Ok(())
}

#[tokio::test]
async fn a_renewal_that_cannot_be_written_is_no_renewal() -> Result<()> {
    let (world, log) = World::with_log(|_| {}).await?;
    let token = world.alice.delegation_token("yarn").await?;
    let yarn = world.lake.caller("yarn")?;
    world.clock.advance(DAY / 2);
    log.set_fault(Fault::Down);
    let refused = yarn.renew(&token).await.unwrap_err();
    assert_eq!(world.told(&refused)?, "Unavailable DELEGATION_STATE_UNAVAILABLE error dt_state_unavailable");
    world.clock.advance(DAY / 2);
    assert_eq!(world.refusal_of(&token).await?, unauthenticated("dt_not_renewed"));
    log.set_fault(Fault::None);
    assert_eq!(world.told(&yarn.renew(&token).await.unwrap_err())?, [ENDED, "dt_not_renewed"].concat());
    Ok(())
}
