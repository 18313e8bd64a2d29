//! By certificate: who may act for whom, with what, and what stands on record.

use std::net::Ipv4Addr;

use anyhow::Result;
use lakegate_proto::v1;
use lakegate_testkit::{ActingOptions, part};

use crate::world::{BLOCKED, DENIED, HR, NOTHING, READ, RULES, SALES, World, get, issue};

#[tokio::test]
async fn xc20_px01_acting_without_a_rule_is_denied_and_both_names_are_on_record() -> Result<()> {
    let world = World::start().await?;
    assert_eq!(world.ask("hive", "alice", SALES).await?, "ok hive for alice");
    for (own, effective) in [
        ("alice", "bob"),
        ("hive", "carol"),
        ("nohost", "alice"),
        ("Hive", "alice"),
        ("olga", "alice"),
        ("bob", "etl"),
    ] {
        let refused = world.lake.caller(own)?.ask_for(effective, SALES, READ).await.unwrap_err();
        assert_eq!(world.lake.told(&refused)?, DENIED, "{own} for {effective}");
        assert_eq!(world.names(&refused.audit_id)?, format!("{own} for {effective}"));
        assert_eq!(refused.text, "permission denied");
    }
    let elsewhere = world.lake.caller_from("hive", Ipv4Addr::new(127, 0, 0, 2))?;
    let refused = elsewhere.ask_for("alice", SALES, READ).await.unwrap_err();
    assert_eq!(world.lake.told(&refused)?, DENIED, "from another host");
    assert_eq!(world.ask("olga", "etl", SALES).await?, "ok olga for etl", "a headless account");
    Ok(())
}

#[tokio::test]
async fn px08_the_effective_principals_rights_alone_decide() -> Result<()> {
    let world = World::start().await?;
    let by_policy = "PermissionDenied PERMISSION_DENIED deny policy_deny";
    assert_eq!(world.ask("hive", "", HR).await?, "ok hive for -");
    assert_eq!(world.ask("hive", "alice", HR).await?, by_policy, "hive's own right does not help");
    assert_eq!(world.ask("hive", "", SALES).await?, by_policy);
    let mandatory = "PermissionDenied PERMISSION_DENIED deny on_behalf_of_required";
    for path in [SALES, HR] {
        assert_eq!(world.ask("gateway", "", path).await?, mandatory, "{path}");
        assert_eq!(world.ask("gateway", "gateway", path).await?, mandatory, "{path}");
    }
    assert_eq!(world.ask("gateway", "alice", SALES).await?, "ok gateway for alice");
    Ok(())
}

#[tokio::test]
async fn px02_px03_blocked_principals_get_nothing_by_any_method() -> Result<()> {
    let world = World::start().await?;
    for own in ["hdfs", "HDFS"] {
        let caller = world.lake.caller(own)?;
        let refusals = [
            caller.ask(SALES, READ).await.unwrap_err(),
            caller.explain(part(SALES, READ), "").await.unwrap_err(),
            caller.datasets(v1::ListDatasetsRequest::default()).await.unwrap_err(),
            caller.batch(vec![get("")]).await.unwrap_err(),
            caller.issue(v1::IssueDelegationTokenRequest::default()).await.unwrap_err(),
            caller.renew("x").await.unwrap_err(),
            caller.cancel("x").await.unwrap_err(),
        ];
        for refused in refusals {
            assert_eq!(world.lake.told(&refused)?, BLOCKED, "{own}");
        }
    }
    for (own, effective) in [("hive", "hdfs"), ("gateway", "hdfs"), ("gateway", "Hdfs")] {
        assert_eq!(world.ask(own, effective, SALES).await?, BLOCKED, "{own} for {effective}");
    }
    let explained = world.lake.caller("root-admin")?.explain(part(SALES, READ), "hdfs").await?;
    assert!(!explained.allowed, "an administrator is told what hdfs would get: nothing");
    Ok(())
}

#[tokio::test]
async fn every_method_acts_for_somebody() -> Result<()> {
    let world = World::start().await?;
    let hive = world.lake.caller("hive")?;
    let explained = hive.explain_for(part(SALES, READ), "alice").await?;
    assert!(explained.allowed);
    assert_eq!(world.names(&explained.audit_id)?, "hive for alice");
    assert!(!hive.explain(part(SALES, READ), "").await?.allowed);
    let list = |name: &str| v1::ListDatasetsRequest { on_behalf_of: name.to_owned(), ..Default::default() };
    let names = |answer: &v1::ListDatasetsResponse| {
        answer.datasets.iter().map(|it| it.name.clone()).collect::<Vec<_>>().join(",")
    };
    let listed = hive.datasets(list("alice")).await?;
    assert_eq!(
        (names(&listed).as_str(), world.names(&listed.audit_id)?.as_str()),
        ("sales", "hive for alice")
    );
    assert_eq!(names(&hive.datasets(list("")).await?), "hr");
    let answer = hive.batch(vec![get("bob"), get("bob")]).await?;
    for result in &answer.results {
        assert_eq!(world.names(&result.audit_id)?, "hive for bob");
    }
    for refused in [
        hive.explain_for(part(SALES, READ), "carol").await.unwrap_err(),
        hive.datasets(list("carol")).await.unwrap_err(),
    ] {
        assert_eq!(world.lake.told(&refused)?, DENIED);
    }
    let administrators = hive.explain_for(part(HR, READ), "alice").await?;
    assert!(!administrators.document.contains("\"hr\""), "the rules of others stay theirs");
    Ok(())
}

#[tokio::test]
async fn px11_one_call_is_for_one_principal_and_a_walk_through_users_shows() -> Result<()> {
    let world = World::start().await?;
    let gateway = world.lake.caller("gateway")?;
    let refused = gateway.batch(vec![get("alice"), get("bob")]).await.unwrap_err();
    assert_eq!(world.lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    let before = world.lake.audit().records()?.len();
    for user in 0..120 {
        world.lake.told(&gateway.ask_for(&format!("user-{user}"), SALES, READ).await.unwrap_err())?;
    }
    let records = world.lake.audit().records()?;
    assert_eq!(records.len(), before + 120, "each is on record");
    assert_eq!(records.last().unwrap()["on_behalf_of"], "user-119");
    let counted = ["identities", "alarms", "uncounted"].map(|what| world.metric(&format!("acting_{what}")));
    assert_eq!(counted, [101, 1, 0]);
    Ok(())
}

#[tokio::test]
async fn px11_whoever_takes_many_names_from_one_address_shows_however_it_comes_by_them() -> Result<()> {
    let world = World::start().await?;
    let counted =
        || ["identities", "alarms", "uncounted"].map(|what| world.metric(&format!("address_{what}")));
    assert_eq!(counted(), [0, 0, 0]);
    for user in 0..30 {
        // With a certificate of its own, by a proxy that may, and by one that may not.
        world.ask(&format!("own-{user}"), "", SALES).await?;
        world.ask("gateway", &format!("let-{user}"), SALES).await?;
        assert_eq!(world.ask("hive", &format!("refused-{user}"), SALES).await?, DENIED);
    }
    assert_eq!(counted(), [92, 0, 0], "and the two proxies");
    let token = world.lake.caller("bob")?.issue(issue("")).await?.token;
    let job = world.lake.caller_with_dt(&token)?;
    for _ in 0..3 {
        job.ask(SALES, READ).await?;
    }
    assert_eq!(counted(), [93, 0, 0], "a name counts once");
    for user in 0..10 {
        world.ask("hive", &format!("more-{user}"), SALES).await?;
    }
    assert_eq!(counted(), [101, 1, 0]);
    Ok(())
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_with_the_next_request() -> Result<()> {
    let world = World::start().await?;
    let hive = world.lake.caller("hive")?;
    hive.ask_for("alice", SALES, READ).await?;
    world.acting.replace_rules(NOTHING)?;
    let refused = hive.ask_for("alice", SALES, READ).await.unwrap_err();
    assert_eq!(world.lake.told(&refused)?, DENIED, "on the same connection, with the token in the tier");
    assert!(world.acting.replace_rules(&[NOTHING, "blokked = []"].concat()).is_err());
    world.acting.replace_rules(RULES)?;
    hive.ask_for("alice", SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn px04_names_that_are_none_are_refused_and_not_put_on_record() -> Result<()> {
    let world = World::start_with(ActingOptions::rules(RULES)?).await?;
    for bad in ["a b", "a,b", "alice,bob", "alice\n", "*", "\u{202e}ecila", &"x".repeat(300)] {
        let refused = world.lake.caller("gateway")?.ask_for(bad, SALES, READ).await.unwrap_err();
        assert_eq!(world.lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form", "{bad:?}");
        assert_eq!(world.names(&refused.audit_id)?, "gateway for -");
    }
    Ok(())
}
