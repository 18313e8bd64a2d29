//! How each item fares, as numbers.

use std::sync::Arc;

use lakegate_domain::Clock;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::Outcome;

/// The metrics of all items.
#[derive(Debug)]
pub(super) struct Metrics {
    failing: IntGaugeVec,
    last_success: GaugeVec,
    looks: IntCounterVec,
}

/// The metrics of one item, resolved once.
#[derive(Debug)]
pub(crate) struct Report {
    failing: IntGauge,
    last_success: Gauge,
    taken: IntCounter,
    refused: IntCounter,
    clock: Arc<dyn Clock>,
}

impl Metrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let failing = Opts::new(
            "lakegate_reload_failing",
            "1 while the files of an item cannot be read or what they hold is refused.",
        );
        let last_success = Opts::new(
            "lakegate_reload_last_success_timestamp_seconds",
            "When the files of an item were last seen to hold what is in force, in seconds since 1970.",
        );
        let looks = Opts::new(
            "lakegate_reloads_total",
            "Looks at the files of an item that found something new (taken) or something bad (refused).",
        );
        let metrics = Self {
            failing: IntGaugeVec::new(failing, &["item"])?,
            last_success: GaugeVec::new(last_success, &["item"])?,
            looks: IntCounterVec::new(looks, &["item", "outcome"])?,
        };
        registry.register(Box::new(metrics.failing.clone()))?;
        registry.register(Box::new(metrics.last_success.clone()))?;
        registry.register(Box::new(metrics.looks.clone()))?;
        Ok(metrics)
    }

    pub(super) fn report(&self, item: &'static str, clock: Arc<dyn Clock>) -> Report {
        Report {
            failing: self.failing.with_label_values(&[item]),
            last_success: self.last_success.with_label_values(&[item]),
            taken: self.looks.with_label_values(&[item, "taken"]),
            refused: self.looks.with_label_values(&[item, "refused"]),
            clock,
        }
    }
}

impl Report {
    /// Notes how a look ended.
    pub(crate) fn note(&self, outcome: Outcome) {
        match outcome {
            Outcome::Taken => self.taken.inc(),
            Outcome::Unchanged => {}
            Outcome::Refused | Outcome::Late => {
                self.failing.set(1);
                return self.refused.inc();
            }
        }
        self.failing.set(0);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit 52 bits for ever")]
        self.last_success.set(self.clock.now().as_seconds() as f64);
    }
}
