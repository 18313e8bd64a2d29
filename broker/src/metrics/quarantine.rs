//! Scopes that the cloud's token service refuses, as a metric: each is a dataset that nobody gets.

use std::collections::HashMap;
use std::sync::Arc;

use lakegate_domain::StorageId;
use lakegate_sts::Minter;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

/// Reads how many scopes rest, by storage, whenever metrics are asked for.
pub(crate) struct Quarantined {
    minters: HashMap<StorageId, Arc<dyn Minter>>,
    scopes: IntGaugeVec,
}

impl Quarantined {
    /// The quarantines of these minters.
    pub(crate) fn of(minters: HashMap<StorageId, Arc<dyn Minter>>) -> prometheus::Result<Self> {
        let help =
            "scopes that the token service refuses and that are asked for ever more rarely, by storage";
        let scopes = IntGaugeVec::new(Opts::new("lakegate_broker_quarantined_scopes", help), &["storage"])?;
        Ok(Self { minters, scopes })
    }
}

impl Collector for Quarantined {
    fn desc(&self) -> Vec<&Desc> {
        self.scopes.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (storage, minter) in &self.minters {
            let count = i64::try_from(minter.quarantined()).unwrap_or(i64::MAX);
            self.scopes.with_label_values(&[storage.as_str()]).set(count);
        }
        self.scopes.collect()
    }
}
