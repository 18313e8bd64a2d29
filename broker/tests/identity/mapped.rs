//! Names that are mapped beside several profiles: what keeps tenants apart holds after mapping too.

use anyhow::Result;
use lakegate_broker::identity::{Identities, IdentitySettings, Profiles};
use lakegate_broker::tls::AuthorityName;
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{ActingOptions, Authority, Deployment, Options, RunGenerator};
use rcgen::DnType;

use crate::world::{READ, subject_by, trust};

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: c, data_scientists: ["principal:alice", "principal:bob", "principal:yarn"] }]
datasets: [{ name: of-c, prefix: "gs://lake-one/c/", project: c }]
"#;

const OF_C: &str = "gs://lake-one/c/";

/// Patterns of Hadoop, one whole name, and a beginning.
const MAPPING: &str = r"
across_profiles = true
default_realm = 'EXAMPLE.COM'
auth_to_local = '''
DEFAULT
'''
prefix = { 'old-' = '', 'to-a.' = 'alice@' }
exact = { 'bob@EXAMPLE.COM' = 'bob' }
";

/// A lake of two tenants: one with a realm, one whose people have bare names.
async fn lake(authorities: [&Authority; 2], mapping: &'static str) -> Result<Deployment> {
    let names = [AuthorityName::parse("ca-a")?, AuthorityName::parse("ca-c")?];
    let settings: IdentitySettings = serde_json::from_value(serde_json::json!({"profiles": [
        {"name": "a", "authority": "ca-a", "identity": "common-name", "kind": "user", "realm": "EXAMPLE.COM"},
        {"name": "c", "authority": "ca-c", "identity": "common-name", "kind": "user"},
    ]}))?;
    let identities = Identities::new(Profiles::new(&settings, &names).unwrap(), None);
    let mut acting = ActingOptions::default();
    acting.mapping = mapping;
    let policy = PolicyDocument::from_yaml(POLICY)?;
    let options = Options { generator: RunGenerator::Absent, identities, acting, ..Options::of(policy) };
    let lake = Deployment::start(options).await?;
    trust(&lake, names.into_iter().zip(authorities))?;
    Ok(lake)
}

#[tokio::test]
async fn xc24_patterns_beside_several_profiles_want_a_flag() -> Result<()> {
    let (a, c) = (Authority::new()?, Authority::new()?);
    for patterns in [
        "auth_to_local = 'DEFAULT'\ndefault_realm = 'EXAMPLE.COM'",
        "prefix = { 'spiffe:old/' = 'spiffe:new/' }",
    ] {
        let error = format!("{:#}", lake([&a, &c], patterns).await.unwrap_err());
        assert!(error.contains("across_profiles = true"), "{error}");
    }
    lake([&a, &c], "exact = { 'alice@EXAMPLE.COM' = 'alice' }").await?;
    Ok(())
}

#[tokio::test]
async fn xc24_no_pattern_makes_of_one_tenants_name_that_of_another_and_an_operator_may() -> Result<()> {
    let (a, c) = (Authority::new()?, Authority::new()?);
    let lake = lake([&a, &c], MAPPING).await?;
    let ask = async |by: &Authority, name: &str| -> Result<String> {
        let caller = lake.caller_as(subject_by(by, &[(DnType::CommonName, name)])?)?;
        match caller.ask(OF_C, READ).await {
            Ok(answer) => Ok(lake.audit().record(&answer.audit_id)?["principal"].to_string()),
            Err(refused) => {
                let record = lake.audit().record(&refused.audit_id)?;
                let word = |key: &str| record[key].as_str().unwrap_or("-").to_owned();
                let (told, authority) = (lake.told(&refused)?, word("authority"));
                assert_eq!(word("fingerprint").len(), 64);
                assert_eq!(word("principal"), "-", "nobody is believed by it");
                Ok(format!("{told}, {authority}: {}", word("claimed")))
            }
        }
    };
    let foreign = |claim: &str| format!("Unauthenticated UNAUTHENTICATED deny x509_foreign_name, {claim}");
    assert_eq!(ask(&c, "alice").await?, "\"alice\"");
    assert_eq!(
        ask(&a, "alice").await?,
        foreign("ca-a: alice@EXAMPLE.COM"),
        "it is mapped to the other tenant's alice"
    );
    assert_eq!(
        ask(&c, "to-a.EXAMPLE.COM").await?,
        foreign("ca-c: to-a.EXAMPLE.COM"),
        "and the other way round"
    );
    assert_eq!(ask(&a, "bob").await?, "\"bob\"", "a whole name that an operator wrote down");
    assert_eq!(ask(&c, "old-bob").await?, "\"bob\"", "within one tenant names may be mapped");
    let text = prometheus::TextEncoder::new().encode_to_string(&lake.registry().gather())?;
    // px11: alice and bob, and two names that were only claimed.
    assert!(text.contains("\nlakegate_broker_address_identities 4\n"), "{text}");
    Ok(())
}
