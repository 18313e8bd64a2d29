//! What outlives a change: memberships, shortened classes, cancelled calls, sessions; and what a stranger learns.

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::Endpoint;
use lakegate_domain::ClassName;
use lakegate_policy::{Attribution, Class, PolicyDocument, Snapshot, Staleness};
use lakegate_testkit::part;

use crate::world::{DENIED, READ, SALARIES, SALES, policy, start};

/// The document under the next number, changed.
fn next(mut policy: PolicyDocument, change: impl FnOnce(&mut PolicyDocument)) -> PolicyDocument {
    policy.version += 1;
    change(&mut policy);
    policy
}

#[tokio::test]
async fn ps07_who_leaves_a_project_is_refused_at_the_next_call() -> Result<()> {
    let lake = start(policy()?).await?;
    let bob = lake.caller("bob")?;
    bob.ask(SALES, READ).await?;
    let left = next(policy()?, |policy| {
        for project in &mut policy.projects {
            project.members.retain(|member| member.to_string() != "principal:bob");
        }
    });
    lake.replace_policy(&left)?;
    assert_eq!(lake.told(&bob.ask(SALES, READ).await.unwrap_err())?, DENIED);
    lake.caller("alice")?.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn ps07_a_document_that_lost_a_denied_group_is_refused_and_the_deny_holds() -> Result<()> {
    let with_group = next(policy()?, |policy| {
        let text = "{ name: barred, members: ['principal:alice'] }";
        let whole = format!("version: 1\nstorages: []\ngroups: [{text}]");
        policy.groups = PolicyDocument::from_yaml(&whole).map(|read| read.groups).unwrap_or_default();
        for rule in policy.rules.iter_mut().filter(|rule| rule.id.as_str() == "carol-sees-no-personal-data") {
            rule.to = vec!["group:barred"].into_iter().flat_map(lakegate_policy::Subject::parse).collect();
        }
    });
    let lake = start(with_group.clone()).await?;
    let alice = lake.caller("alice")?;
    let pii = "gs://lake-one/data/sales/pii/x";
    assert_eq!(lake.told(&alice.ask(pii, READ).await.unwrap_err())?, DENIED);
    let half = next(with_group, |policy| policy.groups.clear());
    assert!(Snapshot::compile(&half).is_err(), "a rule names a group that is not there");
    assert!(lake.replace_policy(&half).is_err());
    assert_eq!(lake.told(&alice.ask(pii, READ).await.unwrap_err())?, DENIED);
    Ok(())
}

#[tokio::test]
async fn ps16_lg06_a_stranger_learns_the_same_of_everything() -> Result<()> {
    let lake = start(policy()?).await?;
    let mallory = lake.caller("mallory")?;
    let mut seen = Vec::new();
    for path in [
        SALES,
        SALARIES,
        "gs://lake-one/no/such/dataset/",
        "gs://no-such-bucket/x/",
        "gs://lakegate-state/x/",
    ] {
        let explained = mallory.explain(part(path, READ), "").await?;
        assert!(!explained.allowed);
        let document: serde_json::Value = serde_json::from_str(&explained.document)?;
        assert_eq!(document["target"], path);
        let document = explained.document.replace(path, "PATH");
        assert!(
            !["growth", "people", "sales", "salaries"].iter().any(|name| document.contains(name)),
            "{document}"
        );
        seen.push(document);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    Ok(())
}

#[tokio::test]
async fn an_allowed_explanation_shows_only_the_rules_that_concern_the_caller() -> Result<()> {
    let lake = start(policy()?).await?;
    let explained = lake.caller("alice")?.explain(part("gs://lake-one/data/sales/p=1/x", READ), "").await?;
    assert!(explained.allowed && explained.document.contains("growth-works-on-sales"));
    assert!(!explained.document.contains("pete-reads-one-partition"), "{}", explained.document);
    let all = lake.caller("root-admin")?;
    let explained = all.explain(part("gs://lake-one/data/sales/p=1/x", READ), "alice").await?;
    assert!(explained.document.contains("pete-reads-one-partition"));
    Ok(())
}

#[tokio::test]
async fn a_class_whose_life_was_shortened_is_served_no_token_of_its_longer_days() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    let long = alice.ask(SALES, READ).await?;
    let short = Class {
        name: ClassName::parse("default")?,
        token_life_seconds: 900,
        attribution: Attribution::Shared,
        staleness: Staleness::BestEffort,
    };
    lake.replace_policy(&next(policy()?, |policy| policy.classes = vec![short]))?;
    let after = alice.ask(SALES, READ).await?;
    let left = |answer: &lakegate_proto::v1::GetAccessTokenResponse| answer.expires_at.map(|end| end.seconds);
    assert!(left(&after) < left(&long).map(|end| end - 1800), "the old token was served again");
    Ok(())
}

#[tokio::test]
async fn gh12_a_call_that_its_client_cancels_is_on_record() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    lake.emulator().faults().delay(Endpoint::Sts, Duration::from_millis(700));
    let call = alice.ask(SALES, READ);
    assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err(), "it should still wait");
    for _ in 0..300 {
        let records = lake.audit().records()?;
        if let [record] = &*records {
            assert_eq!((&record["reason"], &record["decision"]), (&"cancelled".into(), &"error".into()));
            assert_eq!(record["principal"], "alice");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("no record of the cancelled call")
}

#[tokio::test]
async fn xc05_no_session_is_resumed() -> Result<()> {
    let lake = start(policy()?).await?;
    let stream = lake.tls_stream("alice", &[b"h2"]).await?;
    assert_eq!(stream.get_ref().1.tls13_tickets_received(), 0);
    lake.caller("alice")?.ask(SALES, READ).await?;
    assert_ne!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    Ok(())
}
