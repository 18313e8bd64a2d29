//! The shared tier's alarms as metrics: values that were found and not believed.

use std::sync::Arc;

use lakegate_token_store::SealedTokens;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

/// Reads the shared tier's counters whenever metrics are asked for.
pub(crate) struct StoreAlarms {
    tokens: Arc<SealedTokens>,
    found: IntGaugeVec,
}

impl StoreAlarms {
    /// The alarms of a shared tier.
    pub(crate) fn of(tokens: Arc<SealedTokens>) -> prometheus::Result<Self> {
        let help = "values of the shared tier that were not believed since the start, by cause";
        let found = IntGaugeVec::new(Opts::new("lakegate_broker_store_alarms", help), &["cause"])?;
        Ok(Self { tokens, found })
    }
}

impl Collector for StoreAlarms {
    fn desc(&self) -> Vec<&Desc> {
        self.found.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = self.tokens.alarms();
        for (cause, count) in counts.by_cause() {
            self.found.with_label_values(&[cause]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.found.collect()
    }
}
