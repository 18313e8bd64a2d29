//! How full the mirror of plain scopes is.

use std::sync::{Arc, Weak};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts};

use crate::tiers::Mirror;

/// Counts slots whenever metrics are asked for.
pub(crate) struct MirrorCounts {
    mirror: Weak<Mirror>,
    slots: IntGaugeVec,
    mismatches: IntGauge,
}

impl MirrorCounts {
    /// The counts of a mirror.
    pub(crate) fn of(mirror: &Arc<Mirror>) -> prometheus::Result<Self> {
        let help = "plain scopes of the policy in force, by whether a token is in memory";
        let slots = IntGaugeVec::new(Opts::new("lakegate_broker_plain_scopes", help), &["state"])?;
        let help = "tokens that stood under the key of another scope since the start; any is an alarm";
        let mismatches = IntGauge::new("lakegate_broker_scope_mismatches", help)?;
        Ok(Self { mirror: Arc::downgrade(mirror), slots, mismatches })
    }
}

impl Collector for MirrorCounts {
    fn desc(&self) -> Vec<&Desc> {
        self.slots.desc().into_iter().chain(self.mismatches.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mirror = self.mirror.upgrade();
        let (all, held) = mirror.as_ref().map_or((0, 0), |mirror| mirror.counts());
        let mismatches = mirror.map_or(0, |mirror| mirror.mismatches());
        self.mismatches.set(i64::try_from(mismatches).unwrap_or(i64::MAX));
        for (state, count) in [("held", held), ("absent", all.saturating_sub(held))] {
            self.slots.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.slots.collect().into_iter().chain(self.mismatches.collect()).collect()
    }
}
