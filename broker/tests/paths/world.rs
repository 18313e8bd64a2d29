//! One lake for all path cases: a reader, a writer, one barred from a folder, and a bucket nobody should touch.

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Caller, Deployment, Options, Refused, RunGenerator};

pub(crate) const READ: &[Operation] = &[Operation::Read];
pub(crate) const LIST: &[Operation] = &[Operation::List];

/// What a refusal by policy looks like, to its caller and in the audit log.
pub(crate) const DENIED: &str = "PermissionDenied PERMISSION_DENIED deny policy_deny";

const POLICY: &str = r#"
version: 1
storages:
  - { id: lake, dialect: gcs, buckets: [lake-one, lakegate-state] }
  - { id: second, dialect: gcs, buckets: [lake-two] }
  - { id: elsewhere, dialect: aws, buckets: [lake-one] }
projects:
  - { name: growth, members: ["principal:alice"] }
datasets:
  - { name: sales, prefix: "gs://lake-one/data/sales/", project: growth }
rules:
  - id: alice-works-on-sales
    effect: allow
    on: { dataset: sales }
    to: ["principal:alice"]
    operations: [read, list, write, delete]
  - id: bob-and-carol-read-sales
    effect: allow
    on: { dataset: sales }
    to: ["principal:bob", "principal:carol"]
    operations: [read, list]
  - id: carol-sees-no-personal-data
    effect: deny
    on: { prefix: "gs://lake-one/data/sales/pii/" }
    to: ["principal:carol"]
    operations: [read, list]
  - id: alice-reads-one-report
    effect: allow
    on: { object: "gs://lake-one/data/report" }
    to: ["principal:alice"]
    operations: [read]
  - id: alice-wants-the-state
    effect: allow
    on: { prefix: "gs://lakegate-state/" }
    to: ["principal:alice"]
    operations: [read, list, write, delete]
  - id: ruth-has-the-second-bucket
    effect: allow
    on: { prefix: "gs://lake-two/" }
    to: ["principal:ruth"]
    operations: [read, list]
"#;

/// A running lake with one connected caller.
pub(crate) struct World {
    pub(crate) lake: Deployment,
    pub(crate) alice: Caller,
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        Self::of(PolicyDocument::from_yaml(POLICY)?).await
    }

    pub(crate) async fn of(policy: PolicyDocument) -> Result<Self> {
        let options = Options { generator: RunGenerator::Absent, ..Options::of(policy) };
        let lake = Deployment::start(options).await?;
        let alice = lake.caller("alice")?;
        Ok(Self { lake, alice })
    }

    /// The policy, for worlds that add to it.
    pub(crate) fn policy() -> Result<PolicyDocument> {
        Ok(PolicyDocument::from_yaml(POLICY)?)
    }

    /// What alice is told when she asks to read a path, in one line; the path must not come back to her.
    pub(crate) async fn read_is_refused(&self, path: &str) -> Result<String> {
        let refused = self.alice.ask(path, READ).await.unwrap_err();
        assert!(path.len() < 4 || !refused.text.contains(path), "{path:?} was echoed");
        self.told(&refused)
    }

    /// One line on a refusal, which must have cost no exchange with the cloud's token service.
    pub(crate) fn told(&self, refused: &Refused) -> Result<String> {
        assert_eq!(self.lake.emulator().calls().sts, 0, "a refused call reached the token service");
        self.lake.told(refused)
    }

    /// The broker still answers.
    pub(crate) async fn serves(&self) {
        let answer = self.alice.ask("gs://lake-one/data/sales/x", READ).await.unwrap();
        assert_eq!(answer.covered.first().unwrap().path, "gs://lake-one/data/sales/");
    }
}
