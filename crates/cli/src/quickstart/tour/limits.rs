//! What is refused, by whom, and what is less than usual.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use lakegate_client::ClientError;
use lakegate_domain::{Clock, Credential, Operation, OperationSet, SystemClock};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::{SALES, Tour};
use crate::quickstart::narrator::Narrator;

const NEIGHBOUR: &str = "warehouse/sales_private/margins.csv";
const READ: &[Operation] = &[Operation::Read];

/// Runs the steps in order.
pub(super) async fn steps(tour: &Tour<'_>, narrator: &Narrator) {
    narrator.step("The storage refuses alice's sales token at the prefix next door", tour.neighbour().await);
    narrator.step("The broker refuses bob, whom no rule concerns", tour.stranger().await);
    narrator.step("carol, barred from personal data, gets a narrowed token", tour.narrowed().await);
    narrator.step("dave's grant ends in ten minutes, and so does his token", tour.ends_soon().await);
    narrator.step("A copy between two tables' datasets is one exchange, once", tour.two_parts().await);
}

impl Tour<'_> {
    async fn neighbour(&self) -> Result<String> {
        let token = self.alice.token_for(SALES, OperationSet::of(READ)).await?;
        let inside = self.status_of("warehouse/sales/us/2026-11-01/part-0.csv", token.credential()).await?;
        let outside = self.status_of(NEIGHBOUR, token.credential()).await?;
        ensure!((inside, outside) == (200, 403), "inside {inside}, next door {outside}");
        Ok(format!("HTTP {inside} in {SALES}\nHTTP {outside} for gs://lake-sample/{NEIGHBOUR}"))
    }

    /// Presents a credential to the storage as anybody could who holds it.
    async fn status_of(&self, key: &str, credential: &Credential) -> Result<u16> {
        let Credential::Bearer(token) = credential else { bail!("not a bearer token") };
        let url = [&self.deployment.emulator().url(), "/lake-sample/", key].concat();
        let request = reqwest_client()?.get(url).bearer_auth(token.expose());
        Ok(request.send().await?.status().as_u16())
    }

    async fn stranger(&self) -> Result<String> {
        let bob = self.deployment.client("bob")?;
        match bob.token_for(SALES, OperationSet::of(READ)).await {
            Err(error @ ClientError::Denied(_)) => Ok(error.to_string()),
            Err(other) => bail!("{other}"),
            Ok(_) => bail!("bob got a token"),
        }
    }

    async fn narrowed(&self) -> Result<String> {
        let carol = self.deployment.client("carol")?;
        let path = "gs://lake-sample/warehouse/sales/us/2026-11-01/part-0.csv";
        let token = carol.token_for(path, OperationSet::of(READ)).await?;
        let covered: Vec<String> = token.covered().iter().map(|part| part.target().to_string()).collect();
        ensure!(covered == ["gs://lake-sample/warehouse/sales/us/"], "covers {covered:?}");
        let pii = "gs://lake-sample/warehouse/sales/eu/pii/customers.csv";
        let refused = carol.token_for(pii, OperationSet::of(READ)).await;
        ensure!(matches!(refused, Err(ClientError::Denied(_))), "personal data were not refused");
        let status = self.status_of("warehouse/sales/eu/pii/customers.csv", token.credential()).await?;
        ensure!(status == 403, "HTTP {status} for personal data");
        Ok(format!("she shares {} instead of {SALES}; {pii} is refused", covered.concat()))
    }

    async fn ends_soon(&self) -> Result<String> {
        let dave = self.deployment.client("dave")?;
        let token = dave.token_for(SALES, OperationSet::of(READ)).await?;
        let left = token.expires_at().since(SystemClock.now());
        ensure!(token.ends_early(), "the answer does not say that it ends early");
        ensure!(left <= Duration::from_mins(10), "{} minutes left", left.as_secs() / 60);
        Ok(format!("expires {}, {} seconds from now", token.expires_at(), left.as_secs()))
    }

    async fn two_parts(&self) -> Result<String> {
        let before = self.exchanges();
        let (from, to) = ("warehouse/sales/us/2026-11-02/part-0.csv", "scratch/analysts/part-0.csv");
        self.store.copy(&Path::from(from), &Path::from(to)).await?;
        let first = self.exchanges() - before;
        self.store.copy(&Path::from(from), &Path::from(to)).await?;
        let second = self.exchanges() - before - first;
        ensure!((first, second) == (1, 0), "{first} exchanges for the first copy, {second} for the second");
        Ok("two parts, minted on demand: 1 exchange for the first copy, 0 for the second".to_owned())
    }
}

/// A plain HTTP client for the emulator on the loopback.
fn reqwest_client() -> Result<reqwest::Client> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}
