//! What alice may do, and that the cloud's token service has no part in it.

use anyhow::{Result, bail, ensure};
use futures_util::TryStreamExt;
use lakegate_domain::{Operation, OperationSet};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::{SALES, Tour};
use crate::quickstart::narrator::Narrator;

const REPORT: &str = "warehouse/sales/us/2026-11-01/part-0.csv";
const EXPORT: &str = "warehouse/exports/november.csv";
const COPY: &str = "warehouse/exports/part-0-copy.csv";
const MISSING: &str = "warehouse/sales/us/2026-11-01/part-999.csv";

/// Runs the steps in order.
pub(super) async fn steps(tour: &Tour<'_>, narrator: &Narrator) {
    narrator.step("She reads a table's file", tour.read().await);
    narrator.step("She reads another file of the table", tour.read_again().await);
    narrator.step("She lists the table", tour.list().await);
    narrator.step("She writes an export, and overwrites it", tour.write().await);
    narrator.step("She copies a file across two datasets", tour.copy().await);
    narrator.step("She deletes what she wrote", tour.delete().await);
    narrator.step("None of this called the cloud's token service", tour.nothing_exchanged());
    narrator.step("A missing object is missing, not forbidden", tour.missing().await);
}

impl Tour<'_> {
    async fn read(&self) -> Result<String> {
        let bytes = self.store.get(&Path::from(REPORT)).await?.bytes().await?;
        let token = self.alice.token_for(SALES, OperationSet::of(&[Operation::Read])).await?;
        let tier = self.tier_of(token.audit_id())?;
        ensure!(tier == "local", "token came from the {tier} tier");
        let covered: Vec<String> = token.covered().iter().map(ToString::to_string).collect();
        Ok(format!(
            "{} bytes of gs://lake-sample/{REPORT}\ntoken from the broker's {tier} tier; covers {}; expires {}",
            bytes.len(),
            covered.join(", "),
            token.expires_at()
        ))
    }

    async fn read_again(&self) -> Result<String> {
        let asked = self.deployment.audit().records()?.len();
        let path = Path::from("warehouse/sales/eu/2026-11-01/part-0.csv");
        let bytes = self.store.get(&path).await?.bytes().await?;
        ensure!(self.deployment.audit().records()?.len() == asked, "the broker was asked again");
        Ok(format!("{} bytes; token from the client tier, the broker was not asked", bytes.len()))
    }

    async fn list(&self) -> Result<String> {
        let objects: Vec<_> = self.store.list(Some(&Path::from("warehouse/sales"))).try_collect().await?;
        ensure!(objects.len() == 4, "{} objects instead of 4", objects.len());
        Ok(format!("{} objects below {SALES}", objects.len()))
    }

    async fn write(&self) -> Result<String> {
        let path = Path::from(EXPORT);
        self.store.put(&path, "first".into()).await?;
        self.store.put(&path, "second".into()).await?;
        let bytes = self.store.get(&path).await?.bytes().await?;
        ensure!(bytes == "second", "the object was not overwritten");
        Ok(format!("gs://lake-sample/{EXPORT}"))
    }

    async fn copy(&self) -> Result<String> {
        self.store.copy(&Path::from(REPORT), &Path::from(COPY)).await?;
        ensure!(
            self.deployment.emulator().object("lake-sample", REPORT)
                == self.deployment.emulator().object("lake-sample", COPY),
            "the copy differs"
        );
        Ok("from `sales` to `warehouse`: one cloud request, one token that covers both".to_owned())
    }

    async fn delete(&self) -> Result<String> {
        for key in [EXPORT, COPY] {
            self.store.delete(&Path::from(key)).await?;
            ensure!(self.deployment.emulator().object("lake-sample", key).is_none(), "{key} is still there");
        }
        Ok("both objects are gone".to_owned())
    }

    fn nothing_exchanged(&self) -> Result<String> {
        let exchanges = self.exchanges();
        ensure!(exchanges == 0, "{exchanges} exchanges since pre-fill");
        Ok("0 exchanges since pre-fill".to_owned())
    }

    async fn missing(&self) -> Result<String> {
        match self.store.get(&Path::from(MISSING)).await {
            Err(object_store::Error::NotFound { .. }) => {
                Ok(format!("NotFound for gs://lake-sample/{MISSING}"))
            }
            Err(other) => bail!("{other}"),
            Ok(_) => bail!("it is there"),
        }
    }
}
