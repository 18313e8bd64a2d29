//! The generator's metrics, by name. No label is a scope, a path or a dataset.

mod store;

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
pub(crate) use store::StoreHealthMetrics;

use crate::BuildError;

/// Handles to every metric of the generator.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Scopes in the catalogue.
    pub scopes: IntGauge,
    /// Scopes whose token was fresh when last looked at.
    pub fresh: IntGauge,
    /// Scopes that the token service refuses.
    pub quarantined: IntGauge,
    /// Tokens minted.
    pub minted: IntCounter,
    /// Scopes that were found fresh and skipped.
    pub skipped: IntCounter,
    /// Failures, by party at fault.
    pub failures: IntCounterVec,
}

impl Metrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// [`BuildError::Metrics`] when a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, BuildError> {
        Self::try_register(registry).map_err(BuildError::Metrics)
    }

    fn try_register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            scopes: IntGauge::new("lakegate_generator_scopes", "scopes in the catalogue")?,
            fresh: IntGauge::new("lakegate_generator_fresh_scopes", "scopes with a fresh token")?,
            quarantined: IntGauge::new(
                "lakegate_generator_quarantined_scopes",
                "scopes that the token service refuses and that are asked for ever more rarely",
            )?,
            minted: IntCounter::new("lakegate_generator_minted_total", "tokens minted")?,
            skipped: IntCounter::new("lakegate_generator_skipped_total", "scopes found fresh and skipped")?,
            failures: IntCounterVec::new(
                Opts::new("lakegate_generator_failures_total", "failures by party at fault"),
                &["party"],
            )?,
        };
        registry.register(Box::new(metrics.scopes.clone()))?;
        registry.register(Box::new(metrics.fresh.clone()))?;
        registry.register(Box::new(metrics.quarantined.clone()))?;
        registry.register(Box::new(metrics.minted.clone()))?;
        registry.register(Box::new(metrics.skipped.clone()))?;
        registry.register(Box::new(metrics.failures.clone()))?;
        Ok(metrics)
    }
}
