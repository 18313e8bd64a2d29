//! How the shared tier does, as metrics: the generator stops when it is gone, so somebody should know.

use std::sync::Arc;

use lakegate_token_store::{BreakerState, SealedTokens};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts};

/// Reads the shared tier's counters whenever metrics are asked for.
pub(crate) struct StoreHealthMetrics {
    tokens: Arc<SealedTokens>,
    failures: IntGaugeVec,
    open: IntGauge,
}

impl StoreHealthMetrics {
    /// The metrics of a shared tier.
    pub(crate) fn of(tokens: Arc<SealedTokens>) -> prometheus::Result<Self> {
        let failures = "calls to the shared tier that failed since the start, by kind";
        Ok(Self {
            tokens,
            failures: IntGaugeVec::new(Opts::new("lakegate_generator_store_failures", failures), &["kind"])?,
            open: IntGauge::new(
                "lakegate_generator_store_breaker_open",
                "1 while the shared tier is left alone because it does not answer",
            )?,
        })
    }
}

impl Collector for StoreHealthMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.failures.desc().into_iter().chain(self.open.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (kind, count) in self.tokens.failures().by_kind() {
            self.failures.with_label_values(&[kind]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.open.set(i64::from(self.tokens.health().breaker != BreakerState::Closed));
        self.failures.collect().into_iter().chain(self.open.collect()).collect()
    }
}
