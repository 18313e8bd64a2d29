//! Acting for others and groups, as numbers. No label names anybody.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts};

use crate::acting::{Acting, Lookups};

/// Reads what acting for others came to, whenever metrics are asked for.
pub(crate) struct ActingMetrics {
    acting: Arc<Acting>,
    most: IntGauge,
    alarms: IntGauge,
    fresh: IntGauge,
    lookups: IntGaugeVec,
}

impl ActingMetrics {
    /// The numbers of one broker.
    pub(crate) fn of(acting: &Arc<Acting>) -> prometheus::Result<Self> {
        let lookups = Opts::new(
            "lakegate_broker_group_lookups",
            "look-ups of groups in the operating system since the start, by outcome; late: waits given up; crowded: not begun",
        );
        Ok(Self {
            acting: Arc::clone(acting),
            most: IntGauge::new(
                "lakegate_broker_acting_identities",
                "most different principals that one proxy acted for in this hour; counted up to the alarm",
            )?,
            alarms: IntGauge::new(
                "lakegate_broker_acting_alarms",
                "how often a proxy acted for more different principals in an hour than the alarm allows",
            )?,
            fresh: IntGauge::new(
                "lakegate_broker_acting_rules_fresh",
                "1 while the acting rules in force are known to be those of their file, or were lately",
            )?,
            lookups: IntGaugeVec::new(lookups, &["outcome"])?,
        })
    }
}

impl Collector for ActingMetrics {
    fn desc(&self) -> Vec<&Desc> {
        let plain = [&self.most, &self.alarms, &self.fresh].into_iter().flat_map(Collector::desc);
        plain.chain(self.lookups.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (most, alarms) = self.acting.spread();
        self.most.set(i64::try_from(most).unwrap_or(i64::MAX));
        self.alarms.set(i64::try_from(alarms).unwrap_or(i64::MAX));
        self.fresh.set(self.acting.rules_are_fresh().into());
        for (outcome, count) in self.acting.lookups().map(Lookups::by_outcome).into_iter().flatten() {
            self.lookups.with_label_values(&[outcome]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let plain = [&self.most, &self.alarms, &self.fresh].into_iter().flat_map(Collector::collect);
        plain.chain(self.lookups.collect()).collect()
    }
}
