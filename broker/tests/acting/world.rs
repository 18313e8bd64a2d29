//! A small lake with a Hive server, a gateway and a headless account.

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1;
use lakegate_testkit::{ActingOptions, Deployment, Options, Refused, RunGenerator, part};

pub(crate) const READ: &[Operation] = &[Operation::Read];
pub(crate) const SALES: &str = "gs://lake-one/sales/";
pub(crate) const HR: &str = "gs://lake-one/hr/";
pub(crate) const DENIED: &str = "PermissionDenied PERMISSION_DENIED deny proxy_rule";
pub(crate) const BLOCKED: &str = "PermissionDenied PERMISSION_DENIED deny blocked";
pub(crate) const UNKNOWN: &str = "Unavailable IDENTITY_UNAVAILABLE error groups_unavailable";

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
groups:
  - { name: analysts, members: ["principal:bob"] }
  - { name: etl-ops, members: ["principal:olga"] }
datasets:
  - { name: sales, prefix: "gs://lake-one/sales/", project: growth }
  - { name: hr, prefix: "gs://lake-one/hr/", project: growth }
rules:
  - { id: sales, effect: allow, on: { dataset: sales }, to: ["principal:alice", "group:analysts", "principal:etl", "principal:hdfs"], operations: [read, list] }
  - { id: hr, effect: allow, on: { dataset: hr }, to: ["principal:hive", "principal:gateway", "principal:hdfs"], operations: [read, list] }
"#;

/// Rules that give nobody anything and take nothing from anybody.
pub(crate) const NOTHING: &str = "blocked = []\nonly_for_others = []\n";

pub(crate) const RULES: &str = r#"
blocked = ["hdfs"]
only_for_others = ["gateway"]

[[proxies]]
principal = "hive"
users = ["alice", "hdfs"]
groups = ["analysts"]
hosts = ["127.0.0.1"]

[[proxies]]
principal = "gateway"
users = ["*"]
hosts = ["127.0.0.0/8"]
allow_any_user = true

[[proxies]]
principal = "nohost"
users = ["alice"]

[[headless]]
principal = "etl"
groups = ["etl-ops"]
hosts = ["127.0.0.1"]
"#;

pub(crate) struct World {
    pub(crate) lake: Deployment,
    pub(crate) acting: ActingOptions,
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(ActingOptions::rules(RULES)?).await
    }

    pub(crate) async fn start_with(acting: ActingOptions) -> Result<Self> {
        Self::start_limited(acting, Limits::default()).await
    }

    pub(crate) async fn start_limited(acting: ActingOptions, limits: Limits) -> Result<Self> {
        let options = Options {
            limits,
            generator: RunGenerator::Absent,
            acting: acting.clone(),
            administrators: vec!["root-admin".to_owned()],
            ..Options::of(PolicyDocument::from_yaml(POLICY)?)
        };
        Ok(Self { lake: Deployment::start(options).await?, acting })
    }

    /// What `own` is told that asks for `path` on behalf of somebody; `ok` with both names on record.
    pub(crate) async fn ask(&self, own: &str, effective: &str, path: &str) -> Result<String> {
        let answered = self.lake.caller(own)?.ask_for(effective, path, READ).await;
        self.told(answered.map(|answer| answer.audit_id))
    }

    pub(crate) fn told(&self, answered: Result<String, Refused>) -> Result<String> {
        match answered {
            Ok(audit_id) => Ok(["ok ", &self.names(&audit_id)?].concat()),
            Err(refused) => self.lake.told(&refused),
        }
    }

    /// A number of the broker's.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let name = ["lakegate_broker_", name].concat();
        let text = prometheus::TextEncoder::new().encode_to_string(&self.lake.registry().gather()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' ')).unwrap();
        line.parse().unwrap()
    }

    /// `real for effective`, as the record has it.
    pub(crate) fn names(&self, audit_id: &str) -> Result<String> {
        let record = self.lake.audit().record(audit_id)?;
        let word = |key: &str| record[key].as_str().unwrap_or("-").to_owned();
        Ok(format!("{} for {}", word("principal"), word("on_behalf_of")))
    }
}

pub(crate) fn get(on_behalf_of: &str) -> v1::GetAccessTokenRequest {
    let on_behalf_of = on_behalf_of.to_owned();
    v1::GetAccessTokenRequest { parts: vec![part(SALES, READ)], on_behalf_of, ..Default::default() }
}

pub(crate) fn issue(on_behalf_of: &str) -> v1::IssueDelegationTokenRequest {
    let on_behalf_of = on_behalf_of.to_owned();
    v1::IssueDelegationTokenRequest { on_behalf_of, ..Default::default() }
}
