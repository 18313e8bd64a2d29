//! One small lake and the proof that it still serves.

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Deployment, Options, RunGenerator};

pub(crate) const READ: &[Operation] = &[Operation::Read];
pub(crate) const SALES: &str = "gs://lake-one/sales/";

pub(crate) const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: growth }]
rules: [{ id: sales, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }]
"#;

/// A lake with the limits of production.
pub(crate) async fn start() -> Result<Deployment> {
    start_with(Limits::default()).await
}

pub(crate) async fn start_with(limits: Limits) -> Result<Deployment> {
    start_changed(|options| options.limits = limits).await
}

pub(crate) async fn start_changed(change: impl FnOnce(&mut Options)) -> Result<Deployment> {
    let policy = PolicyDocument::from_yaml(POLICY)?;
    // Delegation tokens are off: every connection needs a certificate.
    let mut options = Options { generator: RunGenerator::Absent, delegation: None, ..Options::of(policy) };
    change(&mut options);
    Deployment::start(options).await
}

/// The broker still answers a normal call, on a new connection.
pub(crate) async fn serves(lake: &Deployment) -> Result<()> {
    lake.caller("alice")?.ask(SALES, READ).await?;
    Ok(())
}

/// How many connections were refused for a cause before any request.
pub(crate) fn refused_connections(lake: &Deployment, cause: &str) -> u64 {
    let metrics = prometheus::TextEncoder::new().encode_to_string(&lake.registry().gather()).unwrap();
    let name = format!("lakegate_broker_refused_connections_total{{cause=\"{cause}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}
