//! Two tenants with an authority each: neither can name the other's people, to a rule or to a cache.

use anyhow::Result;
use lakegate_broker::identity::{Identities, IdentitySettings, Profiles};
use lakegate_broker::tls::AuthorityName;
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Authority, Deployment, Options, RunGenerator};
use rcgen::DnType;

use crate::world::{READ, subject_by, trust};

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
classes: [{ name: own, attribution: per-principal }]
projects:
  - { name: a, data_scientists: ["principal:hops:a/ann"] }
  - { name: b, data_scientists: ["principal:hops:b/ann"] }
datasets:
  - { name: of-a, prefix: "gs://lake-one/a/", project: a, class: own }
  - { name: of-b, prefix: "gs://lake-one/b/", project: b, class: own }
"#;

const OF_A: &str = "gs://lake-one/a/";
const OF_B: &str = "gs://lake-one/b/";

/// A lake that trusts two authorities, each for the users of its project.
async fn lake(authorities: [&Authority; 2]) -> Result<Deployment> {
    let names = [AuthorityName::parse("ca-a")?, AuthorityName::parse("ca-b")?];
    let settings: IdentitySettings = serde_json::from_value(serde_json::json!({"profiles": [
        {"name": "a", "authority": "ca-a", "identity": "project-user", "kind": "user", "projects": ["a"]},
        {"name": "b", "authority": "ca-b", "identity": "project-user", "kind": "user", "projects": ["b"]},
    ]}))?;
    let identities = Identities::new(Profiles::new(&settings, &names).unwrap(), None);
    let policy = PolicyDocument::from_yaml(POLICY)?;
    let options = Options { generator: RunGenerator::Absent, identities, ..Options::of(policy) };
    let lake = Deployment::start(options).await?;
    trust(&lake, names.into_iter().zip(authorities))?;
    Ok(lake)
}

#[tokio::test]
async fn xc24_an_authority_opens_its_own_tenants_data_and_nothing_of_another() -> Result<()> {
    let (a, b) = (Authority::new()?, Authority::new()?);
    let lake = lake([&a, &b]).await?;
    let named = |by: &Authority, name: &str| lake.caller_as(subject_by(by, &[(DnType::CommonName, name)])?);
    let (ann_of_a, ann_of_b) = (named(&a, "a__ann")?, named(&b, "b__ann")?);
    let record = lake.audit().record(&ann_of_a.ask(OF_A, READ).await?.audit_id)?;
    assert_eq!((&record["principal"], &record["profile"]), (&"hops:a/ann".into(), &"a".into()));
    ann_of_b.ask(OF_B, READ).await?;
    let denied = "PermissionDenied PERMISSION_DENIED deny policy_deny";
    assert_eq!(lake.told(&ann_of_a.ask(OF_B, READ).await.unwrap_err())?, denied, "one name in two projects");
    // Tokens for both are in memory now; who is named by the wrong authority gets to neither.
    let minted = lake.emulator().calls().sts;
    for (by, authority, name) in [(&a, "ca-a", "b__ann"), (&b, "ca-b", "a__ann")] {
        let posing = named(by, name)?;
        for path in [OF_A, OF_B] {
            let refused = posing.ask(path, READ).await.unwrap_err();
            let told = lake.told(&refused)?;
            assert_eq!(told, "Unauthenticated UNAUTHENTICATED deny x509_foreign_name", "{name} for {path}");
            let record = lake.audit().record(&refused.audit_id)?;
            assert_eq!((&record["claimed"], &record["authority"]), (&name.into(), &authority.into()));
        }
        let told = lake.told(&posing.delegation_token("").await.unwrap_err())?;
        assert_eq!(told, "Unauthenticated UNAUTHENTICATED deny x509_foreign_name");
    }
    assert_eq!(lake.emulator().calls().sts, minted);
    Ok(())
}
