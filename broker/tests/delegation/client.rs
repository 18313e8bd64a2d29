//! The client library with a delegation token.

use std::time::Duration;

use anyhow::Result;
use lakegate_client::{Client, ClientError, ConfigFault, DelegationToken, TokenEnd, issue_delegation_token};
use lakegate_domain::{Clock, OperationSet, Part, Principal, Target};

use crate::world::{READ, SALES, World};

#[tokio::test]
async fn a_client_gets_a_token_and_another_one_works_by_it() -> Result<()> {
    let world = World::start().await?;
    let yarn = Principal::parse("yarn")?;
    let issued = issue_delegation_token(world.lake.client_config("alice")?, Some(&yarn)).await?;
    assert_eq!(issued.renew_before, world.clock.now().plus(Duration::from_hours(24)));
    assert_eq!(issued.max_date, world.clock.now().plus(Duration::from_hours(168)));
    let job = world.lake.client_with_dt(issued.token.expose())?;
    let token = job.token_for(SALES, OperationSet::of(READ)).await?;
    assert_eq!(world.lake.audit().record(token.audit_id())?["proof"], "delegation_token");
    let by_token = world.lake.client_config_with_dt(issued.token.expose())?;
    let part = Part::new(Target::parse(SALES)?, OperationSet::of(READ))?;
    assert!(lakegate_client::explain(by_token, &part, None).await?.allowed);
    let shown = format!("{issued:?} {job:?}");
    assert!(!shown.contains(issued.token.expose()), "lg01: {shown}");
    Ok(())
}

#[tokio::test]
async fn dt14_a_client_with_a_token_is_denied_another() -> Result<()> {
    let world = World::start().await?;
    let by_token = world.lake.client_config_with_dt(&world.alice.delegation_token("").await?)?;
    let denied = issue_delegation_token(by_token, None).await;
    assert!(matches!(denied, Err(ClientError::Denied(_))), "{denied:?}");
    Ok(())
}

#[tokio::test]
async fn cl04_a_token_that_ends_is_an_error_of_its_own_and_nothing_is_tried_instead() -> Result<()> {
    let world = World::start().await?;
    let job = world.lake.client_with_dt(&world.alice.delegation_token("").await?)?;
    job.token_for(SALES, OperationSet::of(READ)).await?;
    world.clock.advance(Duration::from_hours(24));
    let before = world.lake.audit().records()?.len();
    let error = job.token_for("gs://lake-one/other/", OperationSet::of(READ)).await.unwrap_err();
    let ClientError::DelegationToken { end: TokenEnd::NotRenewed(date), .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*date, world.clock.now());
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.reason, Some("UNAUTHENTICATED"));
    let records = world.lake.audit().records()?;
    assert_eq!(records.len(), before + 1, "asked once");
    assert_eq!(records[before]["reason"], "dt_not_renewed");
    assert_eq!(records[before]["audit_id"].as_str(), refusal.audit_id.as_deref());
    assert!(error.to_string().contains("delegation token"), "{error}");
    world.clock.advance(Duration::from_hours(144));
    let ended = job.token_for("gs://lake-one/other/", OperationSet::of(READ)).await.unwrap_err();
    let is_past = matches!(ended, ClientError::DelegationToken { end: TokenEnd::Expired(_), refusal: None });
    assert!(is_past, "{ended:?}");
    assert_eq!(world.lake.audit().records()?.len(), before + 1, "past its max date nobody is asked");
    Ok(())
}

#[tokio::test]
async fn dt25_a_client_has_a_certificate_or_a_token_and_not_both() -> Result<()> {
    let world = World::start().await?;
    let token = DelegationToken::parse(world.alice.delegation_token("").await?)?;
    let both = Client::connect(world.lake.client_config("alice")?.with_delegation_token(token));
    assert!(matches!(both, Err(ClientError::Config(ConfigFault::TwoIdentities))), "{both:?}");
    Ok(())
}
