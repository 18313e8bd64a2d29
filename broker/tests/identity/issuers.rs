//! What issuers may give, and what they take back.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lakegate_broker::tls::{AuthorityName, Revocation, RevocationBook};
use lakegate_domain::{Clock, SystemClock};
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{
    Authority, Caller, Deployment, Issued, Options, RevocationDraft, RunGenerator, der_element,
};
use rcgen::{CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose};
use serde_json::json;

use crate::world::{READ, SALES, identities, subject};

const LOADERS: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: demo }]
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: demo }]
rules:
  - id: sales
    effect: allow
    on: { dataset: sales }
    to: ["principal:loader@services", "principal:hops:demo/alice"]
    operations: [read, list]
"#;

/// A lake with these profiles, whose authority may take certificates back.
async fn lake(profiles: serde_json::Value, revocation: Revocation) -> Result<Deployment> {
    let settings = serde_json::from_value(json!({ "profiles": profiles }))?;
    let options = Options {
        generator: RunGenerator::Absent,
        identities: identities(&settings, None),
        revocation,
        ..Options::of(PolicyDocument::from_yaml(LOADERS)?)
    };
    Deployment::start(options).await
}

/// An extension with one certificate policy, `1.3.7.ARC` (RFC 5280, section 4.2.1.4).
fn policy(arc: u8) -> Vec<CustomExtension> {
    let policies = der_element(0x30, &der_element(0x30, &der_element(6, &[0x2b, 7, arc])));
    vec![CustomExtension::from_oid_content(&[2, 5, 29, 32], policies)]
}

#[tokio::test]
async fn xc23_an_issuer_for_users_cannot_make_services() -> Result<()> {
    let profiles = json!([
        {"name": "users", "identity": "common-name", "kind": "user", "policy": "1.3.7.1", "realm": "users"},
        {"name": "services", "identity": "common-name", "kind": "workload", "policy": "1.3.7.2", "realm": "services"},
    ]);
    let lake = lake(profiles, Revocation::Unchecked).await?;
    let issuer = |name, arc| {
        lake.authority()
            .intermediate_with(name, |params: &mut CertificateParams| params.custom_extensions = policy(arc))
    };
    let (users, services) = (issuer("Users", 1)?, issuer("Services", 2)?);
    let loader = |by: &Authority| -> Result<Caller> {
        lake.caller_as(by.client_with("loader", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params.custom_extensions = policy(2);
        })?)
    };
    loader(&services)?.ask(SALES, READ).await?;
    let refused = loader(&users)?.ask(SALES, READ).await.err().context("it is a service now")?;
    assert_eq!(lake.told(&refused)?, "Unauthenticated UNAUTHENTICATED deny x509_profile");
    Ok(())
}

fn copy(issued: &Issued) -> Issued {
    let Issued { chain, serial, certificate_pem, key_pem, .. } = issued;
    let (chain, serial) = (chain.clone(), serial.clone());
    let (certificate_pem, key_pem) = (certificate_pem.clone(), key_pem.clone());
    Issued { chain, key: issued.key.clone_key(), serial, certificate_pem, key_pem }
}

#[tokio::test]
async fn xc23_the_certificate_of_an_application_is_refused_after_the_end_of_its_job() -> Result<()> {
    let book = Arc::new(RevocationBook::new(AuthorityName::default_name(), Duration::ZERO));
    let profiles = json!([{"name": "users", "identity": "project-user", "kind": "user"}]);
    let lake = lake(profiles, Revocation::Lists(Arc::clone(&book))).await?;
    let publish = |number, revoked: &[&[u8]]| -> Result<()> {
        let list = lake.authority().revocation_list(&RevocationDraft::fresh(number, revoked))?;
        ensure!(book.offer(0, &[list], SystemClock.now()).faults.is_empty());
        lake.tls().recheck();
        Ok(())
    };
    let of_job = |id| {
        let names = [
            (DnType::CommonName, "demo__alice"),
            (DnType::OrganizationName, id),
            (DnType::OrganizationalUnitName, "1"),
        ];
        subject(&lake, &names)
    };
    publish(1, &[])?;
    let (ended, running) = (of_job("application_1704164645_0007")?, of_job("application_1704164645_0008")?);
    let alice = lake.caller_as(subject(&lake, &[(DnType::CommonName, "demo__alice")])?)?;
    let (open, other) = (lake.caller_as(copy(&ended))?, lake.caller_as(running)?);
    let record = lake.audit().record(&open.ask(SALES, READ).await?.audit_id)?;
    assert_eq!(record["application"], "application_1704164645_0007");
    // The job is over, and whoever made its certificate takes it back.
    publish(2, &[&ended.serial])?;
    open.ask(SALES, READ).await.err().context("its open connection is served")?;
    lake.caller_as(copy(&ended))?.ask(SALES, READ).await.err().context("a new connection is served")?;
    alice.ask(SALES, READ).await?;
    other.ask(SALES, READ).await?;
    Ok(())
}
