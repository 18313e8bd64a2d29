//! Who gets a token, and what is on record of it.

use std::time::Duration;

use anyhow::Result;
use lakegate_delegation::describe;
use lakegate_domain::{Clock, Principal};
use lakegate_proto::{timestamp_to_wire, v1};

use crate::world::{READ, SALES, World};

fn renewer(renewer: &str) -> v1::IssueDelegationTokenRequest {
    v1::IssueDelegationTokenRequest { renewer: renewer.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_token_says_whose_it_is_and_its_record_says_everything_but_the_token() -> Result<()> {
    let world = World::start().await?;
    let answer = world.alice.issue(renewer("yarn")).await?;
    let said = describe(&answer.token)?.identifier;
    assert_eq!(said.owner.as_str(), "alice");
    assert_eq!(said.renewer.as_ref().unwrap().as_str(), "yarn");
    assert_eq!(said.real_user, None);
    assert_eq!(said.issued, world.clock.now());
    assert_eq!(said.first_renew_date, world.clock.now().plus(Duration::from_hours(24)));
    assert_eq!(said.max_date, world.clock.now().plus(Duration::from_hours(168)));
    assert_eq!(answer.renew_before, Some(timestamp_to_wire(said.first_renew_date)));
    assert_eq!(answer.max_date, Some(timestamp_to_wire(said.max_date)));
    let record = world.lake.audit().record(&answer.audit_id)?;
    assert_eq!(record["rpc"], "IssueDelegationToken");
    assert_eq!(record["principal"], "alice");
    assert_eq!(record["proof"], "certificate");
    assert_eq!(record["decision"], "allow");
    let issued = &record["issued"];
    assert_eq!(issued["id"], said.id.to_string());
    assert_eq!(issued["renewer"], "yarn");
    assert_eq!(issued["max_date"], said.max_date.to_string());
    assert!(!record.to_string().contains(&answer.token));
    let next = describe(&world.alice.delegation_token("").await?)?.identifier;
    assert_ne!(next.id, said.id);
    assert_eq!(next.renewer, None);
    Ok(())
}

#[tokio::test]
async fn dt21_a_renewer_that_is_no_principal_is_refused() -> Result<()> {
    let world = World::start().await?;
    for bad in ["*", "a b", "a\nb", "a\0b", "\u{202e}ecila", "root:x", &"x".repeat(257), &"x".repeat(10_000)]
    {
        let refused = world.alice.issue(renewer(bad)).await.unwrap_err();
        assert_eq!(world.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form", "{bad:?}");
    }
    let megabyte = world.alice.issue(renewer(&"x".repeat(1 << 20))).await.unwrap_err();
    assert_eq!(world.told(&megabyte)?, "ResourceExhausted MESSAGE_TOO_LARGE deny request_form");
    world.alice.issue(renewer("spiffe:prod.example.com/ns/yarn/sa/rm")).await?;
    Ok(())
}

#[tokio::test]
async fn lg01_a_token_pasted_as_a_name_is_refused_and_never_on_record() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("yarn").await?;
    let hadoops = "IQAFYWxpY2UEeWFybgRoaXZligGLz-VoAIoBi_Px7AAHAxRLVI9HzDhxWowq3hW6BTUcbTEVLxVMQUtFX0RFTEVHQVRJT05fVE9LRU4XYnJva2VyLmV4YW1wbGUuY29tOjg0NDM";
    for pasted in [&token, hadoops, &hadoops[..99], &token[..token.len() - 30], &token[..120]] {
        for request in [
            renewer(pasted),
            v1::IssueDelegationTokenRequest { on_behalf_of: pasted.to_owned(), ..Default::default() },
        ] {
            let refused = world.alice.issue(request).await.unwrap_err();
            assert_eq!(world.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form", "{pasted}");
        }
    }
    let records = std::fs::read_to_string(world.lake.audit().path())?;
    assert!(!records.contains(&token[..20]) && !records.contains(&hadoops[..20]), "{records}");
    Ok(())
}

#[tokio::test]
async fn dt14_a_token_cannot_get_renew_or_cancel_a_token() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("alice").await?;
    let job = world.lake.caller_with_dt(&token)?;
    let denied = "PermissionDenied PERMISSION_DENIED deny not_primary";
    assert_eq!(world.told(&job.issue(renewer("")).await.unwrap_err())?, denied);
    assert_eq!(world.told(&job.renew(&token).await.unwrap_err())?, denied);
    assert_eq!(world.told(&job.cancel(&token).await.unwrap_err())?, denied);
    job.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn nobody_gets_a_token_for_somebody_else() -> Result<()> {
    let world = World::start().await?;
    let request =
        |name: &str| v1::IssueDelegationTokenRequest { on_behalf_of: name.to_owned(), ..Default::default() };
    let refused = world.alice.issue(request("bob")).await.unwrap_err();
    assert_eq!(world.told(&refused)?, "PermissionDenied PERMISSION_DENIED deny proxy_rule");
    let refused = world.alice.issue(request("b b")).await.unwrap_err();
    assert_eq!(world.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    Ok(())
}

#[tokio::test]
async fn without_configuration_no_token_is_issued_or_believed() -> Result<()> {
    let other = World::start().await?;
    let token = other.alice.delegation_token("").await?;
    let world = World::start_with(|options| options.delegation = None).await?;
    let refused = world.alice.issue(renewer("")).await.unwrap_err();
    assert_eq!(world.told(&refused)?, "Unimplemented UNIMPLEMENTED deny unknown_method");
    let stranger = world.lake.caller_with_dt(&token)?.ask(SALES, READ).await;
    assert!(stranger.unwrap_err().audit_id.is_empty(), "the handshake fails, no handler runs");
    world.alice.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn a_token_got_by_a_proxy_is_good_for_nothing_where_no_proxy_may_act() -> Result<()> {
    let world = World::start().await?;
    let token = world.forge(&world.ring(), |draft| draft.real_user = Some(Principal::parse("hive").unwrap()));
    assert_eq!(world.refusal_of(&token).await?, "PermissionDenied PERMISSION_DENIED deny proxy_rule");
    let records = world.lake.audit().records()?;
    let last = records.last().unwrap();
    assert_eq!((last["principal"].as_str(), last["on_behalf_of"].as_str()), (Some("hive"), Some("alice")));
    Ok(())
}
