//! Tokens are shared, decisions are not.

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_testkit::{Deployment, bearer};

use crate::world::{DENIED, READ, SALARIES, SALES, policy, start};

fn tier(lake: &Deployment, audit_id: &str) -> Result<String> {
    Ok(lake.audit().record(audit_id)?["token"]["tier"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn ps09_a_token_in_memory_serves_nobody_without_a_decision() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, bob, mallory) = (lake.caller("alice")?, lake.caller("bob")?, lake.caller("mallory")?);
    let minted = alice.ask(SALES, READ).await?;
    assert_eq!(tier(&lake, &minted.audit_id)?, "minted");
    let shared = bob.ask(SALES, READ).await?;
    assert_eq!(tier(&lake, &shared.audit_id)?, "local");
    assert_eq!(bearer(&minted)?, bearer(&shared)?, "one token serves both");
    for path in [SALES, "gs://lake-one/data/sales/x", "gs://lake-one/data/sales"] {
        assert_eq!(lake.told(&mallory.ask(path, READ).await.unwrap_err())?, DENIED, "{path}");
    }
    assert_eq!(lake.emulator().calls().sts, 1);
    Ok(())
}

#[tokio::test]
async fn ps11_a_token_covers_only_what_its_receiver_may_have_in_full() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, pete, carol) = (lake.caller("alice")?, lake.caller("pete")?, lake.caller("carol")?);
    alice.ask(SALES, READ).await?;
    let one = pete.ask("gs://lake-one/data/sales/p=1/x", READ).await?;
    assert_eq!(one.covered[0].path, "gs://lake-one/data/sales/p=1/");
    let storage = lake.bearer(bearer(&one)?)?;
    assert_eq!(storage.read("lake-one", "data/sales/p=1/x").await?, 404);
    assert_eq!(storage.read("lake-one", "data/sales/p=2/x").await?, 403);
    assert_eq!(storage.read("lake-one", "data/sales/p=1").await?, 404, "the directory's own name");
    assert_eq!(storage.read("lake-one", "data/sales/p=11").await?, 403);
    let narrowed = carol.ask("gs://lake-one/data/sales/us/x", READ).await?;
    assert_eq!(narrowed.covered[0].path, "gs://lake-one/data/sales/us/");
    for path in ["gs://lake-one/data/sales/p=2/x", SALES] {
        assert_eq!(lake.told(&pete.ask(path, READ).await.unwrap_err())?, DENIED, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn ps17_one_tenant_cannot_have_or_warm_anothers_dataset() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, heidi) = (lake.caller("alice")?, lake.caller("heidi")?);
    assert_eq!(lake.told(&alice.ask(SALARIES, READ).await.unwrap_err())?, DENIED);
    assert_eq!(lake.emulator().calls().sts, 0, "a refusal warmed a cache");
    let own = heidi.ask(SALARIES, READ).await?;
    assert_eq!(lake.told(&alice.ask(SALARIES, READ).await.unwrap_err())?, DENIED);
    let sales = alice.ask(SALES, READ).await?;
    assert_ne!(bearer(&own)?, bearer(&sales)?);
    let records = lake.audit().records()?;
    let scopes: Vec<_> = records.iter().filter_map(|record| record["token"]["scope"].as_str()).collect();
    assert_eq!(scopes.len(), 2);
    assert_ne!(scopes[0], scopes[1]);
    let seen = alice.datasets(lakegate_proto::v1::ListDatasetsRequest::default()).await?;
    let names: Vec<_> = seen.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
    assert_eq!(names, ["exports", "sales"]);
    Ok(())
}

#[tokio::test]
async fn a_token_that_the_storage_refused_is_replaced_once() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    let first = alice.ask(SALES, READ).await?;
    let fingerprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bearer(&first)?.as_bytes());
    let request = |sha256: &[u8]| lakegate_proto::v1::GetAccessTokenRequest {
        parts: vec![lakegate_testkit::part(SALES, READ)],
        rejected_token_sha256: sha256.to_vec(),
        ..Default::default()
    };
    let second = alice.get(request(fingerprint.as_ref())).await?;
    assert_ne!(bearer(&first)?, bearer(&second)?);
    let third = alice.get(request(fingerprint.as_ref())).await?;
    assert_eq!(bearer(&second)?, bearer(&third)?, "the new one is kept");
    assert_eq!(lake.emulator().calls().sts, 2);
    let refused = alice.get(request(&[1; 31])).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    Ok(())
}

#[tokio::test]
async fn operations_are_rounded_up_to_what_the_caller_may_have() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, pete) = (lake.caller("alice")?, lake.caller("pete")?);
    let reader = alice.ask(SALES, READ).await?;
    assert_eq!(reader.closure, [1, 2], "read brings list");
    let exact = pete.ask("gs://lake-one/data/sales/p=1/", READ).await?;
    assert_eq!(exact.closure, [1], "but not for one who may only read");
    let writer = alice.ask("gs://lake-one/data/exports/", &[Operation::Delete]).await?;
    assert_eq!(writer.closure, [1, 2, 3, 4, 5]);
    Ok(())
}
