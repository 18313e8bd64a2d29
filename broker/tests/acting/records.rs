//! What stands on record of requests that come to nothing, and what happens to those that wait meanwhile.

use std::time::Duration;

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_cloud_emulator::Endpoint;
use lakegate_proto::v1;
use lakegate_testkit::{ActingOptions, Caller, Refused, part};
use tokio::task::JoinHandle;

use crate::world::{BLOCKED, NOTHING, READ, RULES, SALES, World, get};

type Answered = Result<v1::GetAccessTokenResponse, Refused>;

/// Waits until something holds; ten seconds at most.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let holds = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), holds).await.is_ok(), "{what} did not come about");
}

impl World {
    /// Asks for a token that is not made before the delay is over, and waits until it is being made.
    async fn asking(&self, caller: Caller, effective: &'static str, delay: Duration) -> JoinHandle<Answered> {
        let before = self.lake.emulator().calls().sts;
        self.lake.emulator().faults().delay(Endpoint::Sts, delay);
        let asking = tokio::spawn(async move { caller.ask_for(effective, SALES, READ).await });
        until("the minting", || self.lake.emulator().calls().sts > before).await;
        asking
    }
}

#[tokio::test]
async fn px11_on_whose_behalf_a_request_asked_is_on_record_whatever_becomes_of_it() -> Result<()> {
    let limits = Limits { request_seconds: 1, ..Limits::default() };
    let world = World::start_limited(ActingOptions::rules(RULES)?, limits).await?;
    let hive = world.lake.caller("hive")?;
    let bad = part("gs://lake-one/../", READ);
    let of_bad = || v1::GetAccessTokenRequest { parts: vec![bad.clone()], ..get("alice") };
    let list = v1::ListDatasetsRequest {
        on_behalf_of: "alice".to_owned(),
        page_token: "/".to_owned(),
        ..Default::default()
    };
    let for_both =
        v1::IssueDelegationTokenRequest { renewer: "a b".to_owned(), ..crate::world::issue("alice") };
    for refused in [
        hive.get(of_bad()).await.unwrap_err(),
        hive.get(v1::GetAccessTokenRequest { parts: Vec::new(), ..get("alice") }).await.unwrap_err(),
        hive.explain_for(bad.clone(), "alice").await.unwrap_err(),
        hive.datasets(list).await.unwrap_err(),
        hive.issue(for_both).await.unwrap_err(),
        hive.batch(vec![get("alice"); 101]).await.unwrap_err(),
    ] {
        assert_eq!(world.names(&refused.audit_id)?, "hive for alice", "{refused}");
    }
    let differing = hive.batch(vec![get("alice"), get("bob")]).await.unwrap_err();
    assert_eq!(world.names(&differing.audit_id)?, "hive for -", "for whom, it does not say");
    let late = world.asking(hive.clone(), "alice", Duration::from_secs(20)).await.await?.unwrap_err();
    assert_eq!(world.lake.told(&late)?, "DeadlineExceeded INTERNAL error deadline");
    assert_eq!(world.names(&late.audit_id)?, "hive for alice");
    Ok(())
}

#[tokio::test]
async fn px11_who_goes_away_leaves_both_names() -> Result<()> {
    let world = World::start().await?;
    let asking = world.asking(world.lake.caller("hive")?, "alice", Duration::from_secs(20)).await;
    asking.abort();
    let cancelled = || {
        let records = world.lake.audit().records().unwrap();
        records.into_iter().find(|record| record["reason"] == "cancelled")
    };
    until("the record", || cancelled().is_some()).await;
    let record = cancelled().unwrap();
    assert_eq!((&record["principal"], &record["on_behalf_of"]), (&"hive".into(), &"alice".into()));
    Ok(())
}

#[tokio::test]
async fn px03_who_is_blocked_while_a_token_is_made_does_not_get_it() -> Result<()> {
    for (own, effective, blocked) in
        [("alice", "", "alice"), ("hive", "alice", "ALICE"), ("hive", "alice", "hive")]
    {
        let world = World::start().await?;
        let asking = world.asking(world.lake.caller(own)?, effective, Duration::from_millis(500)).await;
        let rules = RULES.replace("blocked = [\"hdfs\"]", &format!("blocked = [\"{blocked}\"]"));
        world.acting.replace_rules(&rules)?;
        let refused = asking.await?.unwrap_err();
        assert_eq!(world.lake.told(&refused)?, BLOCKED, "{own} for {effective}");
    }
    let world = World::start().await?;
    let asking = world.asking(world.lake.caller("alice")?, "", Duration::from_millis(500)).await;
    world.acting.replace_rules(NOTHING)?;
    asking.await??;
    Ok(())
}
