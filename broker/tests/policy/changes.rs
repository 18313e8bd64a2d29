//! Policy that changes under a running broker.

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::Endpoint;
use lakegate_domain::Prefix;
use lakegate_testkit::{Deployment, Options, bearer};

use crate::world::{DENIED, READ, SALES, policy, start, start_with, until, without};

#[tokio::test]
async fn ps01_without_a_policy_nothing_is_handed_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("policy.json");
    let lake = start_with(policy()?, |options| options.policy_file = Some(file.clone())).await?;
    let alice = lake.caller("alice")?;
    let none = "Unavailable POLICY_UNAVAILABLE error policy_unavailable";
    assert_eq!(lake.told(&alice.ask(SALES, READ).await.unwrap_err())?, none, "no file");
    for text in ["", "{}", r#"{"version": 1, "storages": [], "rules": []}"#, "{\"version\": 1"] {
        std::fs::write(&file, text)?;
        let failures = lake.policy().failed_reloads();
        until("a look at the file", async || lake.policy().failed_reloads() > failures).await;
        assert_eq!(lake.told(&alice.ask(SALES, READ).await.unwrap_err())?, none, "{text}");
        let explained = alice.explain(lakegate_testkit::part(SALES, READ), "").await.unwrap_err();
        assert_eq!(lake.told(&explained)?, none, "{text}");
    }
    assert_eq!(lake.emulator().calls().sts, 0);
    std::fs::write(&file, serde_json::to_string(&policy()?)?)?;
    until("the good policy", async || lake.policy().current().is_some()).await;
    alice.ask(SALES, READ).await?;
    std::fs::write(&file, "{}")?;
    until("another look", async || lake.policy().is_failing()).await;
    alice.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn ps06_a_rule_that_goes_is_felt_at_the_next_call() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, bob) = (lake.caller("alice")?, lake.caller("bob")?);
    let held = alice.ask(SALES, READ).await?;
    lake.replace_policy(&without(&policy()?, "growth-works-on-sales")?)?;
    for caller in [&alice, &bob] {
        assert_eq!(lake.told(&caller.ask(SALES, READ).await.unwrap_err())?, DENIED);
    }
    assert_eq!(lake.emulator().calls().sts, 1);
    let storage = lake.bearer(bearer(&held)?)?;
    assert_eq!(storage.read("lake-one", "data/sales/x").await?, 404, "what was handed out ends by expiry");
    alice.ask("gs://lake-one/data/exports/", READ).await?;
    Ok(())
}

#[tokio::test]
async fn ps12_a_policy_that_changes_during_a_minting_decides_again() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    lake.emulator().faults().delay(Endpoint::Sts, Duration::from_millis(500));
    let asking = tokio::spawn(async move { alice.ask(SALES, READ).await });
    until("the minting", async || lake.emulator().calls().sts == 1).await;
    lake.replace_policy(&without(&policy()?, "growth-works-on-sales")?)?;
    let refused = asking.await?.unwrap_err();
    assert_eq!(lake.told(&refused)?, DENIED);
    Ok(())
}

#[tokio::test]
async fn ps12_the_audit_log_names_the_policy_that_decided() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    for version in 1..=3 {
        let answer = alice.ask(SALES, READ).await?;
        assert_eq!(lake.audit().record(&answer.audit_id)?["snapshot"], version);
        let mut next = policy()?;
        next.version = version + 1;
        lake.replace_policy(&next)?;
    }
    assert_eq!(lake.emulator().calls().sts, 1, "a new number alone makes no new token");
    Ok(())
}

#[tokio::test]
async fn ps13_a_grant_that_comes_is_felt_at_the_next_call() -> Result<()> {
    let lake = start(without(&policy()?, "growth-works-on-sales")?).await?;
    let alice = lake.caller("alice")?;
    for _ in 0..3 {
        assert_eq!(lake.told(&alice.ask(SALES, READ).await.unwrap_err())?, DENIED);
    }
    let mut next = policy()?;
    next.version = 3;
    lake.replace_policy(&next)?;
    alice.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn ps18_a_dataset_that_moves_is_filled_at_its_new_place_alone() -> Result<()> {
    let lake = Deployment::start(Options::of(policy()?)).await?;
    let (alice, heidi) = (lake.caller("alice")?, lake.caller("heidi")?);
    let old = alice.ask(SALES, READ).await?;
    let filled = lake.emulator().calls().sts;
    let mut moved = policy()?;
    moved.version = 2;
    let sales = moved.datasets.iter_mut().find(|dataset| dataset.name.as_str() == "sales").unwrap();
    sales.prefix = Prefix::parse("gs://lake-one/moved/sales/")?;
    lake.replace_policy(&moved)?;
    let generator = lake.generator().unwrap();
    until("the new catalogue", async || {
        let now = generator.progress();
        now.snapshot == Some(2) && now.fresh == now.scopes
    })
    .await;
    assert_eq!(lake.emulator().calls().sts, filled + 1, "one new scope, and nothing for the old place");
    assert_eq!(lake.told(&alice.ask(SALES, READ).await.unwrap_err())?, DENIED);
    let new = alice.ask("gs://lake-one/moved/sales/", READ).await?;
    assert_ne!(lake.audit().record(&new.audit_id)?["token"]["tier"], "minted");
    heidi.ask(crate::world::SALARIES, READ).await?;
    let held = lake.bearer(bearer(&old)?)?;
    assert_eq!(held.read("lake-one", "data/sales/x").await?, 404);
    assert_eq!(held.read("lake-one", "moved/sales/x").await?, 403);
    Ok(())
}
