//! The broker's metrics, by name. Labels are from closed lists: never a principal, a path or a text of a peer.

mod acting;
mod alarms;
mod delegation;
mod mirror;
mod quarantine;
mod revocation;
mod store;

pub(crate) use acting::ActingMetrics;
pub(crate) use alarms::StoreAlarms;
pub(crate) use delegation::DelegationCounts;
pub(crate) use mirror::MirrorCounts;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
pub(crate) use quarantine::Quarantined;
pub(crate) use revocation::RevocationHealth;
pub(crate) use store::StoreHealthMetrics;

use crate::BuildError;

/// Seconds: from a hit in memory to a request that waited for its deadline.
const BUCKETS: [f64; 12] = [5e-6, 2e-5, 1e-4, 5e-4, 2e-3, 1e-2, 5e-2, 0.1, 0.5, 1.0, 2.5, 10.0];

/// Handles to every metric of the broker.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Requests by method and outcome (`ok` or the audit reason).
    pub requests: IntCounterVec,
    /// Tokens handed out, by tier.
    pub tokens: IntCounterVec,
    /// Time to answer, in seconds.
    pub latency: Histogram,
    /// Connections that are open.
    pub connections: IntGauge,
    /// Connections refused before a request, by cause.
    pub refused_connections: IntCounterVec,
    /// Handshakes refused for the client's certificate, by reason.
    pub refused_certificates: IntCounterVec,
    /// Open connections that were asked to go because their authority is trusted no more.
    pub distrusted_connections: IntCounter,
    /// Audit records that were not accepted.
    pub audit_failures: IntCounter,
    /// Rejects of unknown clients that were not put on record.
    pub unrecorded_rejects: IntCounter,
    /// Handlers that panicked.
    pub panics: IntCounter,
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
            requests: counters(
                "lakegate_broker_requests_total",
                "requests by method and outcome",
                &["rpc", "outcome"],
            )?,
            tokens: counters("lakegate_broker_tokens_total", "tokens handed out, by tier", &["tier"])?,
            latency: Histogram::with_opts(
                HistogramOpts::new("lakegate_broker_request_seconds", "time to answer")
                    .buckets(BUCKETS.to_vec()),
            )?,
            connections: IntGauge::new("lakegate_broker_connections", "open connections")?,
            refused_connections: counters(
                "lakegate_broker_refused_connections_total",
                "connections refused before a request, by cause",
                &["cause"],
            )?,
            refused_certificates: counters(
                "lakegate_broker_refused_certificates_total",
                "handshakes refused for the client's certificate, by reason",
                &["reason"],
            )?,
            distrusted_connections: IntCounter::new(
                "lakegate_broker_distrusted_connections_total",
                "open connections asked to go because their authority is trusted no more",
            )?,
            audit_failures: IntCounter::new(
                "lakegate_broker_audit_failures_total",
                "audit records that were not accepted",
            )?,
            unrecorded_rejects: IntCounter::new(
                "lakegate_broker_unrecorded_rejects_total",
                "requests without a credential beyond the rate at which they are put on record",
            )?,
            panics: IntCounter::new("lakegate_broker_panics_total", "handlers that panicked")?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.tokens.clone()))?;
        registry.register(Box::new(metrics.latency.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.refused_connections.clone()))?;
        registry.register(Box::new(metrics.refused_certificates.clone()))?;
        registry.register(Box::new(metrics.distrusted_connections.clone()))?;
        registry.register(Box::new(metrics.audit_failures.clone()))?;
        registry.register(Box::new(metrics.unrecorded_rejects.clone()))?;
        registry.register(Box::new(metrics.panics.clone()))?;
        Ok(metrics)
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels)
}
