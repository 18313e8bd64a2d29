//! One lake with many datasets, so that each fault meets a scope nobody has a token for.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1;
use lakegate_testkit::{Caller, Deployment, Options, Refused, RunGenerator};

pub(crate) const READ: &[Operation] = &[Operation::Read];

/// What an outage looks like, to its caller and in the audit log.
pub(crate) const OUTAGE: &str = "Unavailable TOKEN_SERVICE_UNAVAILABLE error mint_failed";

const DATASETS: usize = 64;

/// A running lake whose first dataset's token is cached.
pub(crate) struct World {
    pub(crate) lake: Deployment,
    pub(crate) alice: Caller,
    next: AtomicUsize,
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        let mut policy = "version: 1\nstorages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]\n\
            projects: [{ name: growth }]\n\
            rules: [{ id: all, effect: allow, on: { prefix: \"gs://lake-one/\" }, to: [\"principal:alice\"],\n\
            operations: [read, list] }]\ndatasets:\n"
            .to_owned();
        for index in 0..DATASETS {
            writeln!(
                policy,
                "  - {{ name: d{index}, prefix: \"gs://lake-one/d{index}/\", project: growth }}"
            )?;
        }
        let policy = PolicyDocument::from_yaml(&policy)?;
        let options = Options { generator: RunGenerator::Absent, ..Options::of(policy) };
        let lake = Deployment::start(options).await?;
        let alice = lake.caller("alice")?;
        alice.ask("gs://lake-one/d0/", READ).await?;
        Ok(Self { lake, alice, next: AtomicUsize::new(1) })
    }

    /// A dataset that nobody has asked for.
    pub(crate) fn fresh(&self) -> String {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        assert!(index < DATASETS, "out of datasets");
        format!("gs://lake-one/d{index}/")
    }

    /// What is asked from the cached token goes on, whatever the cloud does.
    pub(crate) async fn cached_goes_on(&self) -> Result<()> {
        let answer = self.alice.ask("gs://lake-one/d0/x", READ).await?;
        assert_eq!(self.tier(&answer)?, "local");
        Ok(())
    }

    fn tier(&self, answer: &v1::GetAccessTokenResponse) -> Result<String> {
        let record = self.lake.audit().record(&answer.audit_id)?;
        Ok(record["token"]["tier"].as_str().unwrap_or_default().to_owned())
    }

    /// What a caller is told while a fault stands at an endpoint, for a path that nobody has a token for; and that
    /// cached tokens go on meanwhile, that nothing of it is kept, and that it is over when the fault is.
    pub(crate) async fn told_under(&self, endpoint: Endpoint, fault: Fault) -> Result<Refused> {
        let path = self.fresh();
        self.lake.emulator().faults().until_cleared(endpoint, fault);
        let refused = self.alice.ask(&path, READ).await.unwrap_err();
        self.cached_goes_on().await?;
        self.lake.emulator().faults().clear(endpoint);
        Ok(refused)
    }

    /// As [`World::told_under`], for a fault after which the same path is answered at once.
    pub(crate) async fn outage_under(&self, endpoint: Endpoint, fault: Fault) -> Result<()> {
        let name = format!("{fault:?}");
        let name = name.get(..40).unwrap_or(&name).to_owned();
        let path = format!("gs://lake-one/d{}/", self.next.load(Ordering::Relaxed));
        let refused = self.told_under(endpoint, fault).await?;
        assert_eq!(self.lake.told(&refused)?, OUTAGE, "{name}");
        let answer = self.alice.ask(&path, READ).await?;
        assert_eq!(self.tier(&answer)?, "minted", "{name}: something of the fault was kept");
        Ok(())
    }
}
