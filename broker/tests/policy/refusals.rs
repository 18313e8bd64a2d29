//! Refusals: those by policy look alike, those after policy said yes have a name.

use anyhow::Result;
use lakegate_domain::{ObjectPath, Operation, RuleId};
use lakegate_policy::RuleTarget;
use lakegate_proto::v1;
use lakegate_testkit::part;

use crate::world::{READ, SALES, policy, start, start_with};

#[tokio::test]
async fn lg06_refusals_by_policy_look_alike() -> Result<()> {
    let lake =
        start_with(policy()?, |options| options.own_buckets = vec!["gs://lakegate-state".to_owned()]).await?;
    let (carol, stranger) = (lake.caller("carol")?, lake.caller("nobody-knows-me")?);
    let on_behalf = v1::GetAccessTokenRequest {
        parts: vec![part(SALES, READ)],
        on_behalf_of: "alice".to_owned(),
        ..Default::default()
    };
    let refusals = [
        ("policy_deny", carol.ask("gs://lake-one/people/salaries/x", READ).await.unwrap_err()),
        ("policy_deny", carol.ask("gs://lake-one/no/such/dataset", READ).await.unwrap_err()),
        ("policy_deny", carol.ask("gs://lake-one/data/sales/pii/x", READ).await.unwrap_err()),
        ("policy_deny", carol.ask(SALES, &[Operation::Delete]).await.unwrap_err()),
        ("policy_deny", stranger.ask(SALES, READ).await.unwrap_err()),
        ("unknown_bucket", carol.ask("gs://no-such-bucket/x", READ).await.unwrap_err()),
        ("own_bucket", carol.ask("gs://lakegate-state/x", READ).await.unwrap_err()),
        ("proxy_rule", carol.get(on_behalf).await.unwrap_err()),
    ];
    for (cause, refused) in &refusals {
        let expected = format!("PermissionDenied PERMISSION_DENIED deny {cause}");
        assert_eq!(lake.told(refused)?, expected);
        assert_eq!(refused.text, "permission denied");
        assert_eq!(refused.audit_id.len(), refusals[0].1.audit_id.len());
    }
    let denied = lake.audit().record(&refusals[2].1.audit_id)?;
    assert_eq!(denied["rule"], "carol-sees-no-personal-data", "the operator is told which rule");
    Ok(())
}

#[tokio::test]
async fn acting_for_nobody_valid_is_a_mistake_and_not_a_refusal() -> Result<()> {
    let lake = start(policy()?).await?;
    let request = v1::GetAccessTokenRequest {
        parts: vec![part(SALES, READ)],
        on_behalf_of: "a b\n".to_owned(),
        ..Default::default()
    };
    let refused = lake.caller("alice")?.get(request).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    Ok(())
}

#[tokio::test]
async fn what_the_storage_cannot_separate_is_refused_as_such() -> Result<()> {
    let lake = start(policy()?).await?;
    let walter = lake.caller("walter")?;
    for operations in [&[Operation::Write][..], &[Operation::Create, Operation::Write]] {
        let refused = walter.ask("gs://lake-one/data/exports/x", operations).await.unwrap_err();
        let told = lake.told(&refused)?;
        assert_eq!(told, "FailedPrecondition OPERATIONS_NOT_SEPARABLE deny not_separable");
    }
    let created = walter.ask("gs://lake-one/data/exports/x", &[Operation::Create]).await?;
    assert_eq!(created.closure, [3], "creating can be had by itself");
    let refused = walter.ask("gs://lake-one/data/exports/x", &[Operation::Delete]).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, crate::world::DENIED);
    Ok(())
}

#[tokio::test]
async fn narrowed_scopes_are_minted_within_a_share() -> Result<()> {
    let lake = start_with(policy()?, |options| options.limits.narrowed_mints_per_minute = 2).await?;
    let (alice, carol, pete) = (lake.caller("alice")?, lake.caller("carol")?, lake.caller("pete")?);
    let path = |name: &str| [SALES, name, "/x"].concat();
    for name in ["us", "eu"] {
        carol.ask(&path(name), READ).await?;
    }
    let refused = carol.ask(&path("jp"), READ).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "ResourceExhausted SCOPE_FRAGMENTED deny scope_fragmented");
    assert!(refused.retry_after.unwrap().as_secs() <= 60);
    carol.ask(&path("us"), READ).await?;
    pete.ask("gs://lake-one/data/sales/p=1/x", READ).await?;
    alice.ask(SALES, READ).await?;
    assert_eq!(lake.emulator().calls().sts, 4);
    Ok(())
}

#[tokio::test]
async fn in06_a_name_too_long_for_a_boundary_is_refused_and_not_cut() -> Result<()> {
    let mut policy = policy()?;
    let mut rule = policy.rules[0].clone();
    let long = format!("gs://lake-one/{}/", "n".repeat(1_000));
    rule.id = RuleId::parse("long")?;
    rule.on = RuleTarget::Prefix(lakegate_domain::Prefix::parse(&long)?);
    policy.rules.push(rule.clone());
    let object = format!("gs://lake-one/{}", "\u{6578}".repeat(340));
    rule.id = RuleId::parse("long-object")?;
    rule.operations = vec![Operation::Read];
    rule.on = RuleTarget::Object(ObjectPath::parse(&object)?);
    policy.rules.push(rule);
    let lake = start(policy).await?;
    let alice = lake.caller("alice")?;
    let refused = alice.ask(&long, READ).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "FailedPrecondition SCOPE_NOT_EXPRESSIBLE error mint_failed");
    assert_eq!(lake.emulator().calls().sts, 0);
    alice.ask(&object, READ).await?;
    alice.ask(SALES, READ).await?;
    Ok(())
}
