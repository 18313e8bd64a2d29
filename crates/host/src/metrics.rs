//! The metrics of this crate: names, and how they are read.

use std::sync::Weak;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntGauge};

use crate::PolicyFeed;

/// What a policy feed says of itself, read when it is scraped.
pub(crate) struct PolicyMetrics {
    feed: Weak<PolicyFeed>,
    version: IntGauge,
    age: Gauge,
    failing: IntGauge,
    failed: IntGauge,
    loaded_at: Gauge,
}

impl PolicyMetrics {
    /// The gauges of a feed.
    pub(crate) fn new(feed: Weak<PolicyFeed>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            feed,
            version: IntGauge::new("lakegate_policy_version", "Version of the policy in force; 0 for none.")?,
            age: Gauge::new(
                "lakegate_policy_age_seconds",
                "Time since the source was last seen to hold the policy in force.",
            )?,
            failing: IntGauge::new(
                "lakegate_policy_reload_failing",
                "1 while the source cannot be read or its content is refused.",
            )?,
            failed: IntGauge::new("lakegate_policy_failed_reloads", "Failed reloads since the start.")?,
            loaded_at: Gauge::new(
                "lakegate_policy_loaded_timestamp_seconds",
                "When the policy in force was read, in seconds since 1970.",
            )?,
        })
    }
}

impl Collector for PolicyMetrics {
    fn desc(&self) -> Vec<&Desc> {
        [self.version.desc(), self.age.desc(), self.failing.desc(), self.failed.desc(), self.loaded_at.desc()]
            .concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(feed) = self.feed.upgrade() else { return Vec::new() };
        let version = feed.current().map_or(0, |snapshot| snapshot.number());
        self.version.set(i64::try_from(version).unwrap_or(i64::MAX));
        self.age.set(feed.age().as_secs_f64());
        self.failing.set(i64::from(feed.is_failing()));
        self.failed.set(i64::try_from(feed.failed_reloads()).unwrap_or(i64::MAX));
        let loaded_at = feed.loaded_at().map_or(0, lakegate_domain::Timestamp::as_seconds);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit 52 bits for ever")]
        self.loaded_at.set(loaded_at as f64);
        [&self.version as &dyn Collector, &self.age, &self.failing, &self.failed, &self.loaded_at]
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}
