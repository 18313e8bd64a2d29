//! Who and what has left the policy: delegation tokens, the broker's mirror, the generator.

use std::time::Duration;

use anyhow::Result;
use lakegate_broker::StalenessBounds;
use lakegate_policy::{PlainScope, PolicyDocument, Scope};
use lakegate_proto::v1::ListDatasetsRequest;
use lakegate_testkit::{Deployment, Options, RunGenerator};
use rcgen::DnType;

use crate::world::{READ, SALES, lake_with, subject};

const GONE: &str = "Unauthenticated UNAUTHENTICATED deny dt_owner_gone";

const BOTH: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects:
  - { name: demo, data_owners: ["principal:hops:demo/alice"], data_scientists: ["principal:hops:demo/bob"] }
  - { name: other, members: ["principal:carol"] }
datasets:
  - { name: sales, prefix: "gs://lake-one/sales/", project: demo }
  - { name: web, prefix: "gs://lake-one/web/", project: other }
rules:
  - { id: web, effect: allow, on: { dataset: web }, to: ["project:other", "project:demo"], operations: [read, list] }
"#;

const OTHER_ALONE: &str = r#"
version: 2
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: other, members: ["principal:carol"] }]
datasets: [{ name: web, prefix: "gs://lake-one/web/", project: other }]
rules:
  - { id: web, effect: allow, allow_everyone: true, on: { dataset: web }, to: ["everyone"], operations: [read, list] }
"#;

const PUT_OFF: &str = "Unavailable POLICY_UNAVAILABLE error policy_unavailable";

const WEB: &str = "gs://lake-one/web/";

fn metric(lake: &Deployment, name: &str) -> u64 {
    let text = prometheus::TextEncoder::new().encode_to_string(&lake.registry().gather()).unwrap();
    let values = text.lines().filter(|line| line.starts_with(name));
    values.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// The document without one text, newer.
fn without(document: &str, text: &str, version: u64) -> Result<PolicyDocument> {
    assert!(document.contains(text));
    let shorter =
        document.replace(text, "").replace("version: 1", &["version: ", &version.to_string()].concat());
    Ok(PolicyDocument::from_yaml(&shorter)?)
}

#[tokio::test]
async fn a_member_who_left_takes_its_tokens_along_and_gets_them_back() -> Result<()> {
    let lake = lake_with(BOTH, RunGenerator::Absent).await?;
    let bob = lake.caller_as(subject(&lake, &[(DnType::CommonName, "demo__bob")])?)?;
    let token = bob.delegation_token("").await?;
    let job = lake.caller_with_dt(&token)?;
    job.ask(SALES, READ).await?;
    lake.replace_policy(&without(BOTH, r#", data_scientists: ["principal:hops:demo/bob"]"#, 2)?)?;
    let refused = job.ask(SALES, READ).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, GONE);
    assert_eq!(lake.audit().record(&refused.audit_id)?["principal"], "hops:demo/bob");
    for refused in [
        job.datasets(ListDatasetsRequest::default()).await.unwrap_err(),
        job.explain(lakegate_testkit::part(SALES, READ), "").await.unwrap_err(),
        job.batch(vec![]).await.unwrap_err(),
    ] {
        assert_eq!(lake.told(&refused)?, GONE);
    }
    let refused = bob.ask(SALES, READ).await.unwrap_err();
    assert_eq!(
        lake.told(&refused)?,
        "PermissionDenied PERMISSION_DENIED deny policy_deny",
        "its certificate is good"
    );
    lake.replace_policy(&PolicyDocument::from_yaml(&BOTH.replace("version: 1", "version: 3"))?)?;
    job.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn a_project_that_left_takes_its_users_tokens_along_even_where_everyone_may_read() -> Result<()> {
    let lake = lake_with(BOTH, RunGenerator::Absent).await?;
    let alice = lake.caller_as(subject(&lake, &[(DnType::CommonName, "demo__alice")])?)?;
    let job = lake.caller_with_dt(&alice.delegation_token("").await?)?;
    job.ask(WEB, READ).await?;
    lake.replace_policy(&PolicyDocument::from_yaml(OTHER_ALONE)?)?;
    assert_eq!(lake.told(&job.ask(WEB, READ).await.unwrap_err())?, GONE);
    alice.ask(WEB, READ).await?;
    Ok(())
}

#[tokio::test]
async fn scopes_of_a_dataset_that_left_leave_the_generator_and_both_tiers() -> Result<()> {
    let lake = lake_with(BOTH, RunGenerator::Running).await?;
    let scopes = lake.policy().current().unwrap().plain_scopes();
    let scopes: Vec<&Scope> = scopes.iter().map(PlainScope::scope).collect();
    assert!(lake.tokens().get_many(&scopes).await?.iter().all(Option::is_some), "the shared tier is full");
    assert_eq!(metric(&lake, "lakegate_generator_scopes"), 3, "two sets of sales and one of web");
    assert_eq!(metric(&lake, "lakegate_broker_plain_scopes"), 3);
    lake.replace_policy(&PolicyDocument::from_yaml(OTHER_ALONE)?)?;
    until("the generator forgets sales", || metric(&lake, "lakegate_generator_scopes") == 1).await;
    until("the mirror forgets sales", || metric(&lake, "lakegate_broker_plain_scopes") == 1).await;
    let shared =
        async || -> Result<usize> { Ok(lake.tokens().get_many(&scopes).await?.iter().flatten().count()) };
    let cleared = tokio::time::timeout(Duration::from_secs(20), async {
        while shared().await? != 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    });
    cleared.await.expect("the shared tier forgets sales")?;
    Ok(())
}

#[tokio::test]
async fn without_a_policy_a_token_is_not_judged_but_put_off() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let policy = PolicyDocument::from_yaml(BOTH)?;
    let file = folder.path().join("policy.json");
    std::fs::write(&file, serde_json::to_string(&policy)?)?;
    let staleness = StalenessBounds::new(Duration::from_secs(2), Duration::from_secs(1))?;
    let policy_file = Some(file.clone());
    let options = Options { generator: RunGenerator::Absent, policy_file, staleness, ..Options::of(policy) };
    let lake = Deployment::start(options).await?;
    let carol = lake.caller("carol")?;
    let job = lake.caller_with_dt(&carol.delegation_token("").await?)?;
    std::fs::remove_file(&file)?;
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Err(refused) = job.ask(WEB, READ).await {
                return refused;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(lake.told(&waited.await?)?, PUT_OFF);
    assert_eq!(lake.told(&carol.delegation_token("").await.unwrap_err())?, PUT_OFF, "nor is one made");
    Ok(())
}
