//! A job that has no certificate and works by its owner's delegation token, from the token's issue to its end.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lakegate_client::{
    Client, ClientError, DelegationTokenSource, IssuedDelegationToken, cancel_delegation_token,
    issue_delegation_token, renew_delegation_token, service_of,
};
use lakegate_domain::{Operation, OperationSet, Part, Principal, Target};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::time::{Instant, interval, timeout};

use super::{SALES, Tour};
use crate::commands::delegation_token::credentials_file;
use crate::quickstart::narrator::Narrator;

const REPORT: &str = "warehouse/sales/us/2026-11-01/part-0.csv";

/// Who may renew the token: what runs the job.
const RENEWER: &str = "yarn";

/// Within this long of a cancellation every broker refuses the token.
const BOUND: Duration = Duration::from_secs(10);

/// A job on its way: its token, the file in which it carries it, and its client.
struct Job {
    issued: IssuedDelegationToken,
    file: PathBuf,
    client: Client,
}

/// Runs the steps in order.
pub(super) async fn steps(tour: &Tour<'_>, narrator: &Narrator) {
    let submitted = tour.submit().await;
    let told = submitted.as_ref().map_err(|error| anyhow::anyhow!("{error:#}")).and_then(told);
    narrator.step("alice gets a delegation token for her job, in a file as Hadoop's jobs carry it", told);
    let Ok(job) = submitted else { return };
    let token = job.issued.token.expose();
    narrator.step("The job has no certificate, and reads what alice may read", tour.job_reads(&job).await);
    narrator.step("The job's token cannot get another one", tour.job_issues(token).await);
    narrator.step("A token with one character changed is nobody's", tour.job_forges(token).await);
    narrator.step("yarn, which runs the job, renews the token; bob cannot", tour.renewed(&job).await);
    narrator.step("alice cancels it, and the job is refused", tour.cancelled(&job).await);
}

fn told(job: &Job) -> Result<String> {
    let mode = std::fs::metadata(&job.file)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "the file has mode {mode:o}");
    Ok(format!(
        "{}, mode {mode:o}\nto be renewed by {RENEWER} before {}, never beyond {}",
        job.file.display(),
        job.issued.renew_before,
        job.issued.max_date
    ))
}

impl Tour<'_> {
    async fn submit(&self) -> Result<Job> {
        let config = self.deployment.client_config("alice")?;
        let service = config.endpoints.first().and_then(service_of).context("an endpoint")?;
        let issued = issue_delegation_token(config, Some(&Principal::parse(RENEWER)?)).await?;
        let file = self.deployment.folder().join("job.storage");
        credentials_file::add(&file, &service, &issued.token)?;
        let source = DelegationTokenSource::File(file.clone());
        let client = Client::connect(self.deployment.bare_config()?.with_delegation_token_from(source))?;
        Ok(Job { issued, file, client })
    }

    async fn job_reads(&self, job: &Job) -> Result<String> {
        let store = self.deployment.store(&job.client, lakegate_testkit::SAMPLE_BUCKET)?;
        let bytes = store.get(&Path::from(REPORT)).await?.bytes().await?;
        let storage_token = job.client.token_for(SALES, OperationSet::of(&[Operation::Read])).await?;
        let record = self.deployment.audit().record(storage_token.audit_id())?;
        let word = |name: &str| record.get(name).and_then(|word| word.as_str()).unwrap_or("-").to_owned();
        let (principal, proof, id) = (word("principal"), word("proof"), word("delegation_token"));
        ensure!(
            (&*principal, &*proof) == ("alice", "delegation_token"),
            "recorded as {principal} by {proof}"
        );
        Ok(format!("{} bytes; on record as {principal}, by delegation token {id}", bytes.len()))
    }

    async fn job_issues(&self, token: &str) -> Result<String> {
        match issue_delegation_token(self.deployment.client_config_with_dt(token)?, None).await {
            Err(error @ ClientError::Denied(_)) => Ok(error.to_string()),
            Err(other) => bail!("{other}"),
            Ok(_) => bail!("it got one"),
        }
    }

    async fn job_forges(&self, token: &str) -> Result<String> {
        let (at, other) = (8, if token.get(8..9) == Some("A") { "B" } else { "A" });
        let mut forged = token.to_owned();
        forged.replace_range(at..=at, other);
        let job = self.deployment.client_with_dt(&forged)?;
        match job.token_for(SALES, OperationSet::of(&[Operation::Read])).await {
            Err(error @ ClientError::DelegationToken { .. }) => Ok(error.to_string()),
            Err(other) => bail!("{other}"),
            Ok(_) => bail!("it was believed"),
        }
    }

    async fn renewed(&self, job: &Job) -> Result<String> {
        let as_who = |name| self.deployment.client_config(name);
        let stranger = renew_delegation_token(as_who("bob")?, &job.issued.token).await;
        let Err(refused @ ClientError::Denied(_)) = stranger else { bail!("bob: {stranger:?}") };
        let renewed = renew_delegation_token(as_who(RENEWER)?, &job.issued.token).await?;
        let (before, after) = (job.issued.renew_before, renewed.renew_before);
        // So soon after the issue there is next to nothing to gain.
        ensure!(after >= before && after <= job.issued.max_date, "good until {after}, before that {before}");
        self.decided(job).await?;
        Ok(format!("good until {after}\nbob: {refused}"))
    }

    async fn cancelled(&self, job: &Job) -> Result<String> {
        self.decided(job).await?;
        cancel_delegation_token(self.deployment.client_config("alice")?, &job.issued.token).await?;
        let since = Instant::now();
        let refused = async {
            let mut pause = interval(Duration::from_millis(20));
            loop {
                pause.tick().await;
                match self.decided(job).await {
                    Ok(()) => {}
                    Err(error) => return error,
                }
            }
        };
        let error = timeout(BOUND, refused).await.context("the job is still served")?;
        let is_its_end = matches!(error, ClientError::DelegationToken { .. });
        ensure!(is_its_end, "{error}");
        Ok(format!("after {} ms: {error}", since.elapsed().as_millis()))
    }

    /// A decision of the broker's of now on what the job reads, whatever its client holds.
    async fn decided(&self, job: &Job) -> Result<(), ClientError> {
        let part = Part::new(Target::parse(SALES)?, OperationSet::of(&[Operation::Read]))?;
        job.client.ask_anew(&[part]).await.map(drop)
    }
}
