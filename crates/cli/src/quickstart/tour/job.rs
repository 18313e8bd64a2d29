//! A job that has no certificate and works by its owner's delegation token.

use anyhow::{Result, bail, ensure};
use lakegate_client::{ClientError, IssuedDelegationToken, issue_delegation_token};
use lakegate_domain::{Operation, OperationSet};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::{SALES, Tour};
use crate::quickstart::narrator::Narrator;

const REPORT: &str = "warehouse/sales/us/2026-11-01/part-0.csv";

/// Runs the steps in order.
pub(super) async fn steps(tour: &Tour<'_>, narrator: &Narrator) {
    let issued = tour.issue().await;
    let told = issued.as_ref().map_err(|error| anyhow::anyhow!("{error:#}")).map(told);
    narrator.step("alice gets a delegation token for her job", told);
    let Ok(issued) = issued else { return };
    let token = issued.token.expose();
    narrator.step("The job has no certificate, and reads what alice may read", tour.job_reads(token).await);
    narrator.step("The job's token cannot get another one", tour.job_issues(token).await);
    narrator.step("A token with one character changed is nobody's", tour.job_forges(token).await);
}

fn told(issued: &IssuedDelegationToken) -> String {
    format!("to be renewed before {}, never beyond {}", issued.renew_before, issued.max_date)
}

impl Tour<'_> {
    async fn issue(&self) -> Result<IssuedDelegationToken> {
        Ok(issue_delegation_token(self.deployment.client_config("alice")?, None).await?)
    }

    async fn job_reads(&self, token: &str) -> Result<String> {
        let job = self.deployment.client_with_dt(token)?;
        let store = self.deployment.store(&job, lakegate_testkit::SAMPLE_BUCKET)?;
        let bytes = store.get(&Path::from(REPORT)).await?.bytes().await?;
        let storage_token = job.token_for(SALES, OperationSet::of(&[Operation::Read])).await?;
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
}
