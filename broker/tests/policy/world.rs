//! Two tenants, nested datasets and every kind of grant.

use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_domain::{Clock, Operation, RuleId, SystemClock};
use lakegate_policy::{PolicyDocument, Window};
use lakegate_testkit::{Deployment, Options, RunGenerator};

pub(crate) const READ: &[Operation] = &[Operation::Read];
pub(crate) const SALES: &str = "gs://lake-one/data/sales/";
pub(crate) const SALARIES: &str = "gs://lake-one/people/salaries/";

/// What a refusal by policy looks like, to its caller and in the audit log.
pub(crate) const DENIED: &str = "PermissionDenied PERMISSION_DENIED deny policy_deny";

const POLICY: &str = r#"
version: 1
storages:
  - { id: lake, dialect: gcs, buckets: [lake-one] }
projects:
  - { name: growth, members: ["principal:alice", "principal:bob"] }
  - { name: people, members: ["principal:heidi"] }
datasets:
  - { name: sales, prefix: "gs://lake-one/data/sales/", project: growth }
  - { name: exports, prefix: "gs://lake-one/data/exports/", project: growth }
  - { name: salaries, prefix: "gs://lake-one/people/salaries/", project: people }
rules:
  - id: growth-works-on-sales
    effect: allow
    on: { dataset: sales }
    to: ["project:growth", "principal:carol"]
    operations: [read, list]
  - id: growth-writes-exports
    effect: allow
    on: { dataset: exports }
    to: ["project:growth"]
    operations: [read, list, write, delete]
  - id: people-read-salaries
    effect: allow
    on: { dataset: salaries }
    to: ["project:people"]
    operations: [read, list]
  - id: carol-sees-no-personal-data
    effect: deny
    on: { prefix: "gs://lake-one/data/sales/pii/" }
    to: ["principal:carol"]
    operations: [read, list]
  - id: pete-reads-one-partition
    effect: allow
    on: { prefix: "gs://lake-one/data/sales/p=1/" }
    to: ["principal:pete"]
    operations: [read]
  - id: dave-reads-sales
    effect: allow
    on: { dataset: sales }
    to: ["principal:dave"]
    operations: [read, list]
  - id: walter-writes-without-deleting
    effect: allow
    on: { dataset: exports }
    to: ["principal:walter"]
    operations: [write]
"#;

pub(crate) fn policy() -> Result<PolicyDocument> {
    Ok(PolicyDocument::from_yaml(POLICY)?)
}

/// A deployment without a generator: the first request for a scope mints.
pub(crate) async fn start(policy: PolicyDocument) -> Result<Deployment> {
    start_with(policy, |_| {}).await
}

pub(crate) async fn start_with(
    policy: PolicyDocument,
    change: impl FnOnce(&mut Options),
) -> Result<Deployment> {
    let mut options = Options { generator: RunGenerator::Absent, ..Options::of(policy) };
    change(&mut options);
    Deployment::start(options).await
}

/// The policy with dave's grant ending so long from now.
pub(crate) fn ending(after: Duration) -> Result<PolicyDocument> {
    let mut policy = policy()?;
    let rule = rule(&mut policy, "dave-reads-sales")?;
    rule.windows = vec![Window { from: None, until: Some(SystemClock.now().plus(after)) }];
    Ok(policy)
}

/// A rule of a document, to change it.
pub(crate) fn rule<'d>(policy: &'d mut PolicyDocument, id: &str) -> Result<&'d mut lakegate_policy::Rule> {
    let id = RuleId::parse(id)?;
    policy.rules.iter_mut().find(|rule| rule.id == id).context("no such rule")
}

/// The document under the next number, without a rule.
pub(crate) fn without(policy: &PolicyDocument, id: &str) -> Result<PolicyDocument> {
    let id = RuleId::parse(id)?;
    let mut policy = policy.clone();
    policy.version += 1;
    policy.rules.retain(|rule| rule.id != id);
    Ok(policy)
}

/// Waits until something holds; ten seconds at most.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(holds().await, "{what} did not come about");
}
