//! What probes found, as metrics: one gauge per storage and bad finding, by the operator's names of storages.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use lakegate_domain::StorageId;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use crate::Minter;
use crate::probe::Confinement;

/// Reads the gates of minters whenever metrics are asked for.
pub struct ProbeMetrics {
    minters: Vec<(StorageId, Arc<dyn Minter>)>,
    escaped: IntGaugeVec,
    unclear: IntGaugeVec,
}

impl ProbeMetrics {
    /// The gauges `PROCESS_storage_escaped` and `PROCESS_storage_probe_unclear` of all storages that are probed.
    ///
    /// # Errors
    /// When `process` cannot begin the name of a metric.
    pub fn new<S: BuildHasher>(
        process: &str,
        minters: &HashMap<StorageId, Arc<dyn Minter>, S>,
    ) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            IntGaugeVec::new(Opts::new([process, name].concat(), help), &["storage"])
        };
        let probed = minters.iter().filter(|(_, minter)| minter.gate().is_some());
        Ok(Self {
            minters: probed.map(|(id, minter)| (id.clone(), Arc::clone(minter))).collect(),
            escaped: gauge(
                "_storage_escaped",
                "1 while tokens open more than their scope: nothing is handed out",
            )?,
            unclear: gauge("_storage_probe_unclear", "1 while probes of fresh tokens find out nothing")?,
        })
    }
}

impl Collector for ProbeMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.escaped.desc().into_iter().chain(self.unclear.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (id, minter) in &self.minters {
            let Some(gate) = minter.gate() else { continue };
            let is = |what| i64::from(gate.confinement() == what);
            self.escaped.with_label_values(&[id.as_str()]).set(is(Confinement::Escaped));
            self.unclear.with_label_values(&[id.as_str()]).set(is(Confinement::Unclear));
        }
        self.escaped.collect().into_iter().chain(self.unclear.collect()).collect()
    }
}
