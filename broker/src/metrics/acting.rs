//! Acting for others and groups, as numbers. No label names anybody.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts};

use crate::acting::{Acting, Counted, Lookups};

/// Reads what acting for others came to, whenever metrics are asked for.
pub(crate) struct ActingMetrics {
    acting: Arc<Acting>,
    by_proxy: Spreads,
    by_address: Spreads,
    fresh: IntGauge,
    lookups: IntGaugeVec,
}

/// Whom proxies, or addresses, named.
struct Spreads {
    most: IntGauge,
    alarms: IntGauge,
    uncounted: IntGauge,
}

impl Spreads {
    fn by_proxy() -> prometheus::Result<Self> {
        Ok(Self {
            most: IntGauge::new(
                "lakegate_broker_acting_identities",
                "most different principals that one proxy acted for in this hour; counted up to the alarm",
            )?,
            alarms: IntGauge::new(
                "lakegate_broker_acting_alarms",
                "how often a proxy acted for more different principals in an hour than the alarm allows",
            )?,
            uncounted: IntGauge::new(
                "lakegate_broker_acting_uncounted",
                "how often there was no room to count for whom a proxy acted",
            )?,
        })
    }

    fn by_address() -> prometheus::Result<Self> {
        Ok(Self {
            most: IntGauge::new(
                "lakegate_broker_address_identities",
                "most different principals that came from one address in this hour; counted up to the alarm",
            )?,
            alarms: IntGauge::new(
                "lakegate_broker_address_alarms",
                "how often more different principals came from an address in an hour than the alarm allows",
            )?,
            uncounted: IntGauge::new(
                "lakegate_broker_address_uncounted",
                "how often there was no room to count who came from an address",
            )?,
        })
    }

    fn all(&self) -> [&IntGauge; 3] {
        [&self.most, &self.alarms, &self.uncounted]
    }

    fn set(&self, counted: Counted) {
        self.most.set(i64::try_from(counted.most).unwrap_or(i64::MAX));
        self.alarms.set(i64::try_from(counted.alarms).unwrap_or(i64::MAX));
        self.uncounted.set(i64::try_from(counted.uncounted).unwrap_or(i64::MAX));
    }
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
            by_proxy: Spreads::by_proxy()?,
            by_address: Spreads::by_address()?,
            fresh: IntGauge::new(
                "lakegate_broker_acting_rules_fresh",
                "1 while the acting rules in force are known to be those of their file, or were lately",
            )?,
            lookups: IntGaugeVec::new(lookups, &["outcome"])?,
        })
    }

    fn plain(&self) -> impl Iterator<Item = &IntGauge> {
        self.by_proxy.all().into_iter().chain(self.by_address.all()).chain([&self.fresh])
    }
}

impl Collector for ActingMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.plain().flat_map(Collector::desc).chain(self.lookups.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.by_proxy.set(self.acting.by_proxy());
        self.by_address.set(self.acting.by_address());
        self.fresh.set(self.acting.rules_are_fresh().into());
        for (outcome, count) in self.acting.lookups().map(Lookups::by_outcome).into_iter().flatten() {
            self.lookups.with_label_values(&[outcome]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.plain().flat_map(Collector::collect).chain(self.lookups.collect()).collect()
    }
}
