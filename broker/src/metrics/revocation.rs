//! How the revocation lists of each authority fare.

use std::sync::Arc;

use lakegate_domain::Clock;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};

use crate::tls::LiveTls;

/// Reads the lists whenever metrics are asked for. Authorities are labels: the configuration names them.
pub(crate) struct RevocationHealth {
    tls: Arc<LiveTls>,
    clock: Arc<dyn Clock>,
    lists: IntGaugeVec,
    age: IntGaugeVec,
    left: IntGaugeVec,
    refusing: IntGaugeVec,
    refused: IntCounterVec,
}

impl RevocationHealth {
    /// The lists behind a public port.
    pub(crate) fn of(tls: Arc<LiveTls>, clock: Arc<dyn Clock>) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["authority"]);
        let refused = Opts::new(
            "lakegate_broker_revocation_lists_refused_total",
            "revocation lists that were not taken or could not be read, by reason",
        );
        Ok(Self {
            tls,
            clock,
            lists: gauge("lakegate_broker_revocation_lists", "revocation lists in force")?,
            age: gauge(
                "lakegate_broker_revocation_age_seconds",
                "seconds since the oldest revocation list in force was made",
            )?,
            left: gauge(
                "lakegate_broker_revocation_left_seconds",
                "seconds until a newer revocation list should be there; negative when it is late",
            )?,
            refusing: gauge(
                "lakegate_broker_revocation_refusing_issuers",
                "issuers all of whose certificates are refused for want of a revocation list",
            )?,
            refused: IntCounterVec::new(refused, &["authority", "reason"])?,
        })
    }

    fn read(&self) {
        let now = self.clock.now();
        let seconds = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for book in self.tls.books() {
            let (health, authority) = (book.health(now), book.authority().as_str());
            let label = [authority];
            self.lists.with_label_values(&label).set(seconds(health.lists));
            self.refusing.with_label_values(&label).set(seconds(health.refusing));
            if let Some(made) = health.oldest {
                self.age.with_label_values(&label).set(now.as_seconds() - made.as_seconds());
            }
            if let Some(next) = health.next_update {
                self.left.with_label_values(&label).set(next.as_seconds() - now.as_seconds());
            }
            for (reason, count) in book.refused() {
                let counter = self.refused.with_label_values(&[authority, reason]);
                counter.inc_by(count.saturating_sub(counter.get()));
            }
        }
    }

    fn all(&self) -> [&dyn Collector; 5] {
        [&self.lists, &self.age, &self.left, &self.refusing, &self.refused]
    }
}

impl Collector for RevocationHealth {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}
