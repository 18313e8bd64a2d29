//! The tour itself. Every step checks what it says; what it prints is what happened.

mod access;
mod job;
mod limits;

use anyhow::{Context, Result, bail, ensure};
use lakegate_client::{BrokeredStore, Client};
use lakegate_domain::{Credential, Operation, OperationSet};
use lakegate_testkit::{Deployment, SAMPLE_BUCKET, sample_objects};

use super::narrator::Narrator;

/// The dataset that most steps touch.
const SALES: &str = "gs://lake-sample/warehouse/sales/";

/// What the steps share.
pub(super) struct Tour<'a> {
    deployment: &'a Deployment,
    alice: Client,
    store: BrokeredStore,
    /// STS calls when the shared tier was full.
    prefilled: u64,
}

/// Runs every step and tells whether all held.
pub(super) async fn run(deployment: &Deployment, narrator: &Narrator) -> Result<bool> {
    narrator.heading("A data lake on this machine");
    println!("    cloud (emulated, enforcing)  {}", deployment.emulator().url());
    println!("    broker (gRPC, mutual TLS)    {}", deployment.endpoint());
    println!("    admin port                   http://{}/metrics", deployment.admin_address());
    println!("    bucket                       gs://{SAMPLE_BUCKET}");
    for (key, content) in sample_objects() {
        deployment.emulator().put_object(SAMPLE_BUCKET, key, content).context("sample object")?;
    }
    let alice = deployment.client("alice")?;
    let store = deployment.store(&alice, SAMPLE_BUCKET)?;
    let tour = Tour { deployment, alice, store, prefilled: deployment.emulator().calls().sts };

    narrator.heading("Before anybody asks");
    narrator.step("The generator has filled the shared tier", tour.prefill());
    narrator.heading("alice works through the object_store crate");
    access::steps(&tour, narrator).await;
    narrator.heading("What nobody gets");
    limits::steps(&tour, narrator).await;
    narrator.heading("A job without a certificate");
    job::steps(&tour, narrator).await;
    narrator.heading("What security sees");
    narrator.step("Every answer stands in the audit log, no token does", tour.audited().await);
    Ok(narrator.all_held())
}

/// Generator and broker each try one fresh token out on the canary when they start; the generator mostly takes one that
/// it minted anyway.
const MOST_PROBES: u64 = 2;

impl Tour<'_> {
    fn prefill(&self) -> Result<String> {
        let progress = self.deployment.generator().context("no generator")?.progress();
        ensure!(
            progress.scopes > 0 && progress.fresh == progress.scopes,
            "shared tier is not full: {progress:?}"
        );
        let (scopes, calls) = (progress.scopes, self.prefilled);
        let probes = calls.saturating_sub(progress.minted);
        ensure!(progress.minted == scopes as u64, "{} tokens for {scopes} scopes", progress.minted);
        ensure!(probes <= MOST_PROBES, "{calls} exchanges for {scopes} scopes");
        Ok(format!(
            "{scopes} plain scopes, {} exchanges with the cloud's token service and {probes} for probes; the broker \
             mirrors them in memory",
            progress.minted
        ))
    }

    /// Exchanges with the cloud's token service since the shared tier was full.
    fn exchanges(&self) -> u64 {
        self.deployment.emulator().calls().sts - self.prefilled
    }

    /// Which tier the broker took an answer's token from, by the audit log.
    fn tier_of(&self, audit_id: &str) -> Result<String> {
        let record = self.deployment.audit().record(audit_id)?;
        let tier = record.pointer("/token/tier").and_then(|tier| tier.as_str());
        Ok(tier.context("audit record without a token")?.to_owned())
    }

    async fn audited(&self) -> Result<String> {
        let text = tokio::fs::read_to_string(self.deployment.audit().path()).await?;
        let records = self.deployment.audit().records()?;
        let allowed = records.iter().filter(|record| record["decision"] == "allow").count();
        ensure!(allowed > 0 && allowed < records.len(), "both answers and refusals should be there");
        let token = self.alice.token_for(SALES, OperationSet::of(&[Operation::Read])).await?;
        let secret = match token.credential() {
            Credential::Bearer(secret) => secret.expose(),
            _ => bail!("not a bearer token"),
        };
        ensure!(!text.contains(secret), "a token stands in the audit log");
        Ok(format!("{} records, {allowed} of them answers", records.len()))
    }
}
