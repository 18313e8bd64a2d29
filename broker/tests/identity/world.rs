//! A small lake that reads certificates by profiles.

use std::sync::Arc;

use anyhow::Result;
use lakegate_broker::identity::{HostResolver, Identities, IdentitySettings, Profiles};
use lakegate_broker::tls::{
    AuthorityFiles, AuthorityName, ClientCertificates, Revocation, TlsFiles, TlsVersions,
};
use lakegate_domain::{Clock, Operation, SystemClock};
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Authority, Deployment, Issued, Options, RunGenerator};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, SanType};

pub(crate) const READ: &[Operation] = &[Operation::Read];
pub(crate) const SALES: &str = "gs://lake-one/sales/";

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: demo }]
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: demo }]
rules:
  - id: sales
    effect: allow
    on: { dataset: sales }
    to: ["principal:hops:demo/alice", "principal:spiffe:a.example/loader", "principal:spiffe:mesh.example/proxy"]
    operations: [read, list]
"#;

/// Purposes of both ends, as SPIFFE wants them.
const BOTH_ENDS: [ExtendedKeyUsagePurpose; 2] =
    [ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];

/// A lake with project users, workloads of one trust domain, and carriers of another.
pub(crate) async fn lake() -> Result<Deployment> {
    lake_with(POLICY, RunGenerator::Absent).await
}

/// The same with a policy of the test's own.
pub(crate) async fn lake_with(policy: &str, generator: RunGenerator) -> Result<Deployment> {
    lake_of(&["mesh.example"], policy, generator).await
}

/// A lake with carriers of two trust domains.
pub(crate) async fn two_meshes() -> Result<Deployment> {
    lake_of(&["mesh.example", "other.example"], POLICY, RunGenerator::Absent).await
}

async fn lake_of(meshes: &[&str], policy: &str, generator: RunGenerator) -> Result<Deployment> {
    let mut profiles = vec![
        serde_json::json!({"name": "users", "identity": "project-user", "kind": "user", "projects": ["demo"]}),
        serde_json::json!(
            {"name": "workloads", "trust_domain": "a.example", "identity": "spiffe-uri", "kind": "workload"}
        ),
    ];
    profiles.extend(meshes.iter().zip(["mesh", "other"]).map(|(domain, name)| {
        serde_json::json!({"name": name, "trust_domain": domain, "identity": "spiffe-uri", "kind": "carrier"})
    }));
    let settings: IdentitySettings = serde_json::from_value(serde_json::json!({"profiles": profiles}))?;
    let identities = identities(&settings, None);
    let policy = PolicyDocument::from_yaml(policy)?;
    let options = Options { generator, identities, ..Options::of(policy) };
    Deployment::start(options).await
}

/// Profiles of the deployment's one authority.
pub(crate) fn identities(settings: &IdentitySettings, resolver: Option<Arc<dyn HostResolver>>) -> Identities {
    Identities::new(Profiles::new(settings, &[AuthorityName::default_name()]).unwrap(), resolver)
}

/// A certificate with these attributes of the subject.
pub(crate) fn subject(lake: &Deployment, attributes: &[(DnType, &str)]) -> Result<Issued> {
    subject_by(lake.authority(), attributes)
}

/// The same by an authority of the test's own.
pub(crate) fn subject_by(authority: &Authority, attributes: &[(DnType, &str)]) -> Result<Issued> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in attributes {
        params.distinguished_name.push(kind.clone(), *value);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    authority.issue(params)
}

/// A certificate with a SPIFFE ID.
pub(crate) fn spiffe(lake: &Deployment, id: &str) -> Result<Issued> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(["spiffe://", id].concat().try_into()?)];
    params.extended_key_usages = BOTH_ENDS.to_vec();
    lake.authority().issue(params)
}

/// Makes a deployment's clients those of these authorities, and of no other.
pub(crate) fn trust<'a>(
    lake: &Deployment,
    authorities: impl Iterator<Item = (AuthorityName, &'a Authority)>,
) -> Result<()> {
    let Issued { chain, key, .. } = lake.authority().server()?;
    let authorities = authorities.map(|(name, authority)| AuthorityFiles {
        name,
        certificates: vec![authority.certificate()],
        revocation: Revocation::Unchecked,
    });
    let files = TlsFiles {
        chain,
        key,
        authorities: authorities.collect(),
        clients: ClientCertificates::Optional,
        versions: TlsVersions::Tls13,
    };
    Ok(lake.tls().renew(files, SystemClock.now())?)
}
