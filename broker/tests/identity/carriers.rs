//! A mesh's certificates: they bring delegation tokens, and are nobody by themselves.

use anyhow::Result;
use rcgen::DnType;

use crate::world::{READ, SALES, lake, spiffe, subject};

#[tokio::test]
async fn a_carrier_brings_a_token_and_is_on_record_beside_its_owner() -> Result<()> {
    let lake = lake().await?;
    let alice = lake.caller_as(subject(&lake, &[(DnType::CommonName, "demo__alice")])?)?;
    let token = alice.delegation_token("").await?;
    let sidecar = spiffe(&lake, "mesh.example/sidecar")?;
    let job = lake.caller_as_with_authorization(sidecar, &["Lakegate-DT ", &token].concat())?;
    let record = lake.audit().record(&job.ask(SALES, READ).await?.audit_id)?;
    assert_eq!(record["principal"], "hops:demo/alice");
    assert_eq!(record["proof"], "delegation_token");
    assert_eq!(
        (&record["carrier"], &record["profile"]),
        (&"spiffe:mesh.example/sidecar".into(), &"mesh".into())
    );
    assert!(record.get("kind").is_none(), "a token does not say what its owner is");
    let refused = job.delegation_token("").await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "PermissionDenied PERMISSION_DENIED deny not_primary");
    Ok(())
}

#[tokio::test]
async fn a_carrier_alone_is_nobody_whatever_the_policy_says_of_its_name() -> Result<()> {
    let lake = lake().await?;
    let proxy = lake.caller_as(spiffe(&lake, "mesh.example/proxy")?)?;
    let refused = proxy.ask(SALES, READ).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "Unauthenticated UNAUTHENTICATED deny carrier_alone");
    let record = lake.audit().record(&refused.audit_id)?;
    assert_eq!(record["carrier"], "spiffe:mesh.example/proxy");
    assert!(record.get("principal").is_none());
    let forged = spiffe(&lake, "mesh.example/proxy")?;
    let refused = lake.caller_as_with_authorization(forged, "Lakegate-DT AAAA")?.ask(SALES, READ).await;
    let told = lake.told(&refused.unwrap_err())?;
    assert_eq!(told, "Unauthenticated UNAUTHENTICATED deny dt_form");
    Ok(())
}

#[tokio::test]
async fn dt25_a_token_beside_a_callers_certificate_is_two_identities_even_of_one_name() -> Result<()> {
    let lake = lake().await?;
    let alice = || subject(&lake, &[(DnType::CommonName, "demo__alice")]);
    let token = lake.caller_as(alice()?)?.delegation_token("").await?;
    let presented = ["Lakegate-DT ", &token].concat();
    let nobody = subject(&lake, &[(DnType::CommonName, "other__bob")])?;
    for issued in [alice()?, spiffe(&lake, "a.example/loader")?, nobody] {
        let refused = lake.caller_as_with_authorization(issued, &presented)?.ask(SALES, READ).await;
        let told = lake.told(&refused.unwrap_err())?;
        assert_eq!(told, "Unauthenticated UNAUTHENTICATED deny two_identities");
    }
    Ok(())
}
