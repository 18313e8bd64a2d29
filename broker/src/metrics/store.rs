//! How the shared tier does, as metrics: its failures, none of which a caller saw, and its breaker.

use std::sync::Arc;

use lakegate_token_store::{BreakerState, SealedTokens};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts};

/// Reads the shared tier's counters whenever metrics are asked for.
pub(crate) struct StoreHealthMetrics {
    tokens: Arc<SealedTokens>,
    failures: IntGaugeVec,
    reached: IntGauge,
    open: IntGauge,
    opened: IntGauge,
    refused_calls: IntGauge,
    timeouts: IntGauge,
    connections: IntGauge,
}

impl StoreHealthMetrics {
    /// The metrics of a shared tier.
    pub(crate) fn of(tokens: Arc<SealedTokens>) -> prometheus::Result<Self> {
        let failures = "calls to the shared tier that failed since the start, by kind";
        Ok(Self {
            tokens,
            failures: IntGaugeVec::new(Opts::new("lakegate_broker_store_failures", failures), &["kind"])?,
            reached: IntGauge::new(
                "lakegate_broker_store_reached",
                "1 when the shared tier was reached since the start",
            )?,
            open: IntGauge::new(
                "lakegate_broker_store_breaker_open",
                "1 while the shared tier is left alone because it does not answer",
            )?,
            opened: IntGauge::new(
                "lakegate_broker_store_breaker_opened",
                "how often the shared tier's breaker opened since the start",
            )?,
            refused_calls: IntGauge::new(
                "lakegate_broker_store_calls_not_made",
                "calls that the shared tier's open breaker held back since the start",
            )?,
            timeouts: IntGauge::new(
                "lakegate_broker_store_timeouts",
                "calls to the shared tier without an answer in time since the start",
            )?,
            connections: IntGauge::new(
                "lakegate_broker_store_connections",
                "connections made to the shared tier since the start",
            )?,
        })
    }

    fn gauges(&self) -> [&IntGauge; 6] {
        [&self.reached, &self.open, &self.opened, &self.refused_calls, &self.timeouts, &self.connections]
    }
}

impl Collector for StoreHealthMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.failures.desc().into_iter().chain(self.gauges().into_iter().flat_map(Collector::desc)).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (kind, count) in self.tokens.failures().by_kind() {
            self.failures.with_label_values(&[kind]).set(gauge(count));
        }
        let health = self.tokens.health();
        self.reached.set(i64::from(health.reached));
        self.open.set(i64::from(health.breaker != BreakerState::Closed));
        self.opened.set(gauge(health.opened));
        self.refused_calls.set(gauge(health.refused_calls));
        self.timeouts.set(gauge(health.timeouts));
        self.connections.set(gauge(health.connections));
        let mut families = self.failures.collect();
        families.extend(self.gauges().into_iter().flat_map(Collector::collect));
        families
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
