//! `Explain` and `ListDatasets`: who may ask about whom.

use anyhow::Result;
use lakegate_proto::v1;
use lakegate_testkit::part;

use crate::world::{READ, SALARIES, SALES, policy, start};

#[tokio::test]
async fn ps16_only_administrators_are_told_about_others() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, admin) = (lake.caller("alice")?, lake.caller("root-admin")?);
    for whom in ["heidi", "nobody-of-that-name", "root-admin", "Alice"] {
        let refused = alice.explain(part(SALARIES, READ), whom).await.unwrap_err();
        assert_eq!(
            lake.told(&refused)?,
            "PermissionDenied PERMISSION_DENIED deny not_administrator",
            "{whom}"
        );
        assert_eq!(lake.audit().record(&refused.audit_id)?["about"], whom);
    }
    for whom in ["", "alice"] {
        let explained = alice.explain(part(SALES, READ), whom).await?;
        assert!(explained.allowed);
        assert_eq!(lake.audit().record(&explained.audit_id)?["rpc"], "Explain");
    }
    let explained = admin.explain(part(SALARIES, READ), "heidi").await?;
    assert!(explained.allowed && explained.snapshot == 1);
    assert!(!admin.explain(part(SALARIES, READ), "alice").await?.allowed);
    assert!(
        !admin.explain(part(SALARIES, READ), "").await?.allowed,
        "an administrator has no data of its own"
    );
    assert!(admin.ask(SALARIES, READ).await.is_err());
    assert_eq!(lake.emulator().calls().sts, 0, "an explanation is no token");
    Ok(())
}

#[tokio::test]
async fn explanations_are_of_valid_parts_and_principals() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, admin) = (lake.caller("alice")?, lake.caller("root-admin")?);
    let refused = alice.explain(part("gs://lake-one/../x", READ), "").await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_PATH deny path_form");
    let refused = admin.explain(part(SALES, READ), "not a principal\n").await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    let missing = alice.post("/lakegate.v1.PolicyService/Explain", b"").await?.refused()?;
    assert_eq!(lake.told(&missing)?, "InvalidArgument INVALID_FIELD deny request_form");
    Ok(())
}

#[tokio::test]
async fn datasets_come_in_pages() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    let first = alice.datasets(v1::ListDatasetsRequest { page_size: 1, ..Default::default() }).await?;
    assert_eq!((first.datasets.len(), first.next_page_token.as_str()), (1, "exports"));
    let next =
        v1::ListDatasetsRequest { page_size: 1, page_token: first.next_page_token, ..Default::default() };
    let second = alice.datasets(next).await?;
    assert_eq!((second.datasets[0].name.as_str(), second.next_page_token.as_str()), ("sales", ""));
    let forged =
        v1::ListDatasetsRequest { page_size: 1, page_token: "not/one\n".to_owned(), ..Default::default() };
    let refused = alice.datasets(forged).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    assert!(lake.caller("mallory")?.datasets(v1::ListDatasetsRequest::default()).await?.datasets.is_empty());
    Ok(())
}
