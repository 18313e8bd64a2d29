//! The log of delegation keys as metrics.

use std::sync::Arc;

use lakegate_delegation::KeyLife;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts};

use super::{KeyLog, KeyLogState};
use crate::DelegationKeys;

/// Reads the state of the log of keys whenever metrics are asked for.
pub(crate) struct KeyLogMetrics {
    keys: DelegationKeys,
    state: Arc<KeyLogState>,
    in_ring: IntGaugeVec,
    failures: IntGaugeVec,
    age: IntGauge,
    created: IntGauge,
    lost: IntGauge,
}

impl KeyLogMetrics {
    /// The metrics of a log and the keys that come of it.
    pub(crate) fn of(log: &KeyLog, keys: &DelegationKeys) -> prometheus::Result<Self> {
        Ok(Self {
            keys: keys.clone(),
            state: Arc::clone(log.state()),
            in_ring: IntGaugeVec::new(
                Opts::new("lakegate_broker_delegation_keys", "delegation keys in the ring, by life"),
                &["life"],
            )?,
            failures: IntGaugeVec::new(
                Opts::new(
                    "lakegate_broker_delegation_key_log_failures",
                    "looks at the log of delegation keys that failed since the start, by cause",
                ),
                &["cause"],
            )?,
            age: IntGauge::new(
                "lakegate_broker_delegation_key_log_age_seconds",
                "seconds since the log of delegation keys was read to its end",
            )?,
            created: IntGauge::new(
                "lakegate_broker_delegation_keys_created",
                "delegation keys that this process wrote since the start",
            )?,
            lost: IntGauge::new(
                "lakegate_broker_delegation_key_races_lost",
                "delegation keys that were not used because another process was faster",
            )?,
        })
    }
}

impl Collector for KeyLogMetrics {
    fn desc(&self) -> Vec<&Desc> {
        let vectors = [&self.in_ring, &self.failures].into_iter().flat_map(Collector::desc);
        vectors.chain([&self.age, &self.created, &self.lost].into_iter().flat_map(Collector::desc)).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let ring = self.keys.current();
        for (life, word) in [
            (KeyLife::Prepared, "prepared"),
            (KeyLife::Current, "current"),
            (KeyLife::Verifying, "verifying"),
            (KeyLife::Retired, "retired"),
        ] {
            let count = ring.lives().filter(|(_, its)| *its == life).count();
            self.in_ring.with_label_values(&[word]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for (cause, count) in self.state.failures() {
            self.failures.with_label_values(&[cause]).set(gauge(count));
        }
        self.age.set(gauge(self.state.age().as_secs()));
        self.created.set(gauge(self.state.keys_created()));
        self.lost.set(gauge(self.state.races_lost()));
        let mut families = self.in_ring.collect();
        families.extend(self.failures.collect());
        families.extend([&self.age, &self.created, &self.lost].into_iter().flat_map(Collector::collect));
        families
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
