//! A lake that knows every kind of caller.

use std::sync::Arc;

use anyhow::Result;
use lakegate_broker::identity::{DnsResolver, HostResolver, Identities, IdentitySettings, Profiles};
use lakegate_broker::tls::AuthorityName;
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1;
use lakegate_testkit::{ActingOptions, Caller, Deployment, Issued, NameServer, Options, RunGenerator};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, SanType};

pub(crate) const READ: &[Operation] = &[Operation::Read];
pub(crate) const SALES: &str = "gs://lake-one/sales/";
pub(crate) const NODE: &str = "node-1.lake.example";

const RENEWER: &str = "spiffe:a.example/renewer";

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects:
  - { name: demo, members: ["principal:hops:demo/alice", "principal:hops:demo/bob", "principal:hops:demo/root"] }
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: demo }]
rules:
  - id: sales
    effect: allow
    on: { dataset: sales }
    to: ["principal:hops:demo/alice", "principal:hops:demo/root", "principal:spiffe:a.example/loader", "principal:hive@svc",
      "principal:spiffe:mesh.example/proxy", "principal:spiffe:a.example/gateway"]
    operations: [read, list]
"#;

const RULES: &str = r#"
blocked = ["hops:demo/root"]
only_for_others = ["spiffe:a.example/gateway"]

[[proxies]]
principal = "hive@svc"
users = ["hops:demo/alice", "hops:demo/root"]
hosts = ["127.0.0.1"]

[[proxies]]
principal = "spiffe:a.example/gateway"
users = ["hops:demo/alice"]
hosts = ["127.0.0.0/8"]
"#;

pub(crate) struct World {
    pub(crate) lake: Deployment,
    _names: NameServer,
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        let names = NameServer::start().await?;
        names.put(NODE, &["127.0.0.1"]);
        let settings: IdentitySettings = serde_json::from_value(serde_json::json!({"profiles": [
            {"name": "users", "identity": "project-user", "kind": "user", "locality": "absent", "projects": ["demo"]},
            {"name": "services", "identity": "common-name", "kind": "service", "locality": "present", "realm": "svc"},
            {"name": "workloads", "trust_domain": "a.example", "identity": "spiffe-uri", "kind": "workload"},
            {"name": "mesh", "trust_domain": "mesh.example", "identity": "spiffe-uri", "kind": "carrier"},
        ]}))?;
        let resolver: Arc<dyn HostResolver> = Arc::new(DnsResolver::new(&[names.address()])?);
        let profiles = Profiles::new(&settings, &[AuthorityName::default_name()]).unwrap();
        let options = Options {
            generator: RunGenerator::Absent,
            identities: Identities::new(profiles, Some(resolver)),
            acting: ActingOptions::rules(RULES)?,
            administrators: vec!["spiffe:a.example/admin".to_owned()],
            ..Options::of(PolicyDocument::from_yaml(POLICY)?)
        };
        Ok(Self { lake: Deployment::start(options).await?, _names: names })
    }

    /// A user of the project `demo`.
    pub(crate) fn user(&self, name: &str) -> Result<Caller> {
        self.lake.caller_as(self.subject(&[(DnType::CommonName, &["demo__", name].concat())])?)
    }

    /// Whoever has this SPIFFE ID.
    pub(crate) fn workload(&self, id: &str) -> Result<Caller> {
        self.lake.caller_as(self.spiffe(id)?)
    }

    /// A fresh token of alice.
    pub(crate) async fn alices_token(&self) -> Result<String> {
        Ok(self.user("alice")?.delegation_token(RENEWER).await?)
    }

    /// A fresh token of alice that hive got.
    pub(crate) async fn proxys_token(&self) -> Result<String> {
        let hive = self.subject(&[(DnType::CommonName, NODE), (DnType::LocalityName, "hive")])?;
        let request = v1::IssueDelegationTokenRequest {
            on_behalf_of: "hops:demo/alice".to_owned(),
            ..Default::default()
        };
        Ok(self.lake.caller_as(hive)?.issue(request).await?.token)
    }

    /// A certificate with these attributes of the subject.
    pub(crate) fn subject(&self, attributes: &[(DnType, &str)]) -> Result<Issued> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (index, (kind, value)) in attributes.iter().enumerate() {
            let again = attributes.iter().take(index).any(|(before, _)| before == kind);
            // A second attribute of one kind needs a type of its own to be kept.
            let kind = if again { DnType::CustomDnType(vec![2, 5, 4, 3]) } else { kind.clone() };
            params.distinguished_name.push(kind, *value);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.lake.authority().issue(params)
    }

    /// A certificate with a SPIFFE ID.
    pub(crate) fn spiffe(&self, id: &str) -> Result<Issued> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(["spiffe://", id].concat().try_into()?)];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        self.lake.authority().issue(params)
    }
}
