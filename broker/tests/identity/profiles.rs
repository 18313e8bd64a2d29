//! Certificates that are read by profiles, from the handshake to the audit log.

use anyhow::Result;
use lakegate_proto::v1::{GetAccessTokenRequest, ListDatasetsRequest};
use lakegate_testkit::part;
use rcgen::DnType;

use crate::world::{READ, SALES, lake, spiffe, subject};

#[tokio::test]
async fn each_kind_is_somebody_and_its_records_say_by_which_profile() -> Result<()> {
    let lake = lake().await?;
    let alice = lake.caller_as(subject(&lake, &[(DnType::CommonName, "demo__alice")])?)?;
    let record = lake.audit().record(&alice.ask(SALES, READ).await?.audit_id)?;
    assert_eq!(record["principal"], "hops:demo/alice");
    assert_eq!((&record["kind"], &record["profile"]), (&"user".into(), &"users".into()));
    assert!(record.get("application").is_none() && record.get("carrier").is_none());
    let loader = lake.caller_as(spiffe(&lake, "a.example/loader")?)?;
    let record = lake.audit().record(&loader.ask(SALES, READ).await?.audit_id)?;
    assert_eq!(record["principal"], "spiffe:a.example/loader");
    assert_eq!((&record["kind"], &record["profile"]), (&"workload".into(), &"workloads".into()));
    Ok(())
}

#[tokio::test]
async fn an_applications_id_is_on_every_record_of_every_method() -> Result<()> {
    let lake = lake().await?;
    let names = [
        (DnType::CommonName, "demo__alice"),
        (DnType::OrganizationName, "application_1704164645_0007"),
        (DnType::OrganizationalUnitName, "3"),
    ];
    let job = lake.caller_as(subject(&lake, &names)?)?;
    job.ask(SALES, READ).await?;
    let one = GetAccessTokenRequest { parts: vec![part(SALES, READ)], ..Default::default() };
    job.batch(vec![one.clone(), one]).await?;
    job.explain(part(SALES, READ), "").await?;
    job.datasets(ListDatasetsRequest::default()).await?;
    let token = job.delegation_token("").await?;
    job.renew(&token).await.unwrap_err();
    job.cancel(&token).await?;
    job.post("/no.such/Method", &[]).await?.refused()?;
    job.ask("gs://lake-one/hr/", READ).await.unwrap_err();
    let records = lake.audit().records()?;
    assert!(records.len() >= 10, "{}", records.len());
    for record in &records {
        assert_eq!(record["application"], "application_1704164645_0007", "{record}");
        assert_eq!(record["kind"], "application", "{record}");
        assert_eq!(record["principal"], "hops:demo/alice", "{record}");
    }
    Ok(())
}

#[tokio::test]
async fn xc17_xc19_xc24_certificates_that_name_nobody_of_theirs_are_refused_and_on_record() -> Result<()> {
    let lake = lake().await?;
    let foreign = subject(&lake, &[(DnType::CommonName, "other__alice")])?;
    let twice = subject(&lake, &[(DnType::CommonName, "demo__alice__x")])?;
    let plain = subject(&lake, &[(DnType::CommonName, "alice")])?;
    let elsewhere = spiffe(&lake, "b.example/loader")?;
    let nameless = subject(&lake, &[(DnType::LocalityName, "hdfs")])?;
    for (issued, reason) in [
        (foreign, "x509_foreign_name"),
        (twice, "x509_identity"),
        (plain, "x509_identity"),
        (elsewhere, "x509_identity"),
        (nameless, "x509_identity"),
    ] {
        let refused = lake.caller_as(issued)?.ask(SALES, READ).await.unwrap_err();
        assert_eq!(lake.told(&refused)?, ["Unauthenticated UNAUTHENTICATED deny ", reason].concat());
        let record = lake.audit().record(&refused.audit_id)?;
        assert!(record.get("principal").is_none() && record.get("profile").is_none(), "{record}");
    }
    Ok(())
}
