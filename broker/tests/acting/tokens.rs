//! Delegation tokens that a proxy got for somebody.

use anyhow::Result;
use lakegate_delegation::describe;
use lakegate_domain::Principal;
use lakegate_proto::v1;

use crate::world::{BLOCKED, DENIED, NOTHING, READ, RULES, SALES, World, get, issue};

#[tokio::test]
async fn px06_a_token_got_by_a_proxy_names_it_and_ends_with_its_right() -> Result<()> {
    let world = World::start().await?;
    let answer = world.lake.caller("hive")?.issue(issue("alice")).await?;
    let said = describe(&answer.token)?.identifier;
    assert_eq!(
        (said.owner.as_str(), said.real_user.as_ref().map(Principal::as_str)),
        ("alice", Some("hive"))
    );
    assert_eq!(world.names(&answer.audit_id)?, "hive for alice");
    let job = world.lake.caller_with_dt(&answer.token)?;
    let read = job.ask(SALES, READ).await?;
    assert_eq!(world.names(&read.audit_id)?, "hive for alice", "whose rights, and who got them");
    world.acting.replace_rules(&RULES.replace("\"alice\", ", ""))?;
    for refused in [
        job.ask(SALES, READ).await.unwrap_err(),
        job.datasets(v1::ListDatasetsRequest::default()).await.unwrap_err(),
    ] {
        assert_eq!(world.lake.told(&refused)?, DENIED);
        assert_eq!(world.names(&refused.audit_id)?, "hive for alice");
    }
    world.acting.replace_rules(RULES)?;
    job.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn px06_the_hosts_of_a_rule_are_those_of_the_proxy_and_not_of_the_job() -> Result<()> {
    let world = World::start().await?;
    let token = world.lake.caller("hive")?.issue(issue("alice")).await?.token;
    world.acting.replace_rules(&RULES.replace("127.0.0.1", "10.9.9.9"))?;
    world.lake.caller_with_dt(&token)?.ask(SALES, READ).await?;
    let refused = world.lake.caller("hive")?.issue(issue("alice")).await.unwrap_err();
    assert_eq!(world.lake.told(&refused)?, DENIED, "the proxy itself must call from there");
    Ok(())
}

#[tokio::test]
async fn px05_who_comes_by_a_token_acts_for_nobody() -> Result<()> {
    let world = World::start().await?;
    let denied = "PermissionDenied PERMISSION_DENIED deny not_primary";
    let own = world.lake.caller("hive")?.issue(issue("")).await?.token;
    let proxied = world.lake.caller("hive")?.issue(issue("alice")).await?.token;
    for token in [own, proxied] {
        let job = world.lake.caller_with_dt(&token)?;
        for name in ["alice", "hive", "bob"] {
            assert_eq!(
                world.lake.told(&job.ask_for(name, SALES, READ).await.unwrap_err())?,
                denied,
                "{name}"
            );
            assert_eq!(world.lake.told(&job.issue(issue(name)).await.unwrap_err())?, denied, "{name}");
        }
        let answer = job.batch(vec![get("alice")]).await?;
        assert!(answer.tokens.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn px03_tokens_of_and_through_the_blocked_are_good_for_nothing() -> Result<()> {
    let world = World::start().await?;
    let of_alice = world.lake.caller("alice")?.issue(issue("")).await?.token;
    let by_hive = world.lake.caller("hive")?.issue(issue("bob")).await?.token;
    let use_of = async |token: &str| -> Result<String> {
        let answered = world.lake.caller_with_dt(token)?.ask(SALES, READ).await;
        world.told(answered.map(|answer| answer.audit_id))
    };
    assert_eq!(use_of(&of_alice).await?, "ok alice for -");
    assert_eq!(use_of(&by_hive).await?, "ok hive for bob");
    world.acting.replace_rules(&RULES.replace("blocked = [\"hdfs\"]", "blocked = [\"ALICE\", \"hive\"]"))?;
    assert_eq!(use_of(&of_alice).await?, BLOCKED);
    assert_eq!(use_of(&by_hive).await?, BLOCKED);
    for owner in ["hdfs", "Hdfs"] {
        let refused = world.lake.caller("gateway")?.issue(issue(owner)).await;
        world.acting.replace_rules(RULES)?;
        if let Err(refused) = refused {
            assert_eq!(world.lake.told(&refused)?, BLOCKED);
        } else {
            assert_eq!(use_of(&refused?.token).await?, BLOCKED, "blocked after it was got");
        }
    }
    Ok(())
}

#[tokio::test]
async fn members_of_a_group_get_tokens_of_a_headless_account() -> Result<()> {
    let world = World::start().await?;
    let answer = world.lake.caller("olga")?.issue(issue("etl")).await?;
    let job = world.lake.caller_with_dt(&answer.token)?;
    assert_eq!(world.names(&job.ask(SALES, READ).await?.audit_id)?, "olga for etl");
    world.acting.replace_rules(&RULES.replace("etl-ops", "others"))?;
    assert_eq!(world.lake.told(&job.ask(SALES, READ).await.unwrap_err())?, DENIED);
    Ok(())
}

#[tokio::test]
async fn px06_a_token_got_by_a_proxy_is_renewed_while_its_right_stands_and_cancelled_at_any_time()
-> Result<()> {
    let world = World::start().await?;
    let wish = v1::IssueDelegationTokenRequest { renewer: "yarn".to_owned(), ..issue("alice") };
    let token = world.lake.caller("hive")?.issue(wish).await?.token;
    let yarn = world.lake.caller("yarn")?;
    yarn.renew(&token).await?;
    world.acting.replace_rules(&RULES.replace("\"alice\", ", ""))?;
    let refused = yarn.renew(&token).await.unwrap_err();
    assert_eq!(world.lake.told(&refused)?, DENIED);
    let record = world.lake.audit().record(&refused.audit_id)?;
    assert_eq!((&record["principal"], &record["named"]["owner"]), (&"yarn".into(), &"alice".into()));
    assert_eq!(record["named"]["real_user"], "hive");
    world.acting.replace_rules(RULES)?;
    yarn.renew(&token).await?;
    world.acting.replace_rules(NOTHING)?;
    yarn.cancel(&token).await?;
    Ok(())
}
