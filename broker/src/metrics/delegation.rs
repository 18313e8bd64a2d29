//! Delegation tokens: how many live, how far the log was read and how long ago, and what keeps it from being read.

use std::sync::{Arc, Weak};

use lakegate_domain::Clock;
use lakegate_token_store::LogError;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntGauge, IntGaugeVec, Opts};

use crate::delegation::View;

/// Other things than the log's own that keep it from being followed.
const OTHER_TROUBLES: [&str; 3] = ["malformed", "contended", "too_old"];

/// Looks at the view whenever metrics are asked for.
pub(crate) struct DelegationCounts {
    view: Weak<View>,
    clock: Arc<dyn Clock>,
    tokens: IntGaugeVec,
    unwritten: IntGauge,
    age: Gauge,
    number: IntGauge,
    epoch: IntGauge,
    trouble: IntGaugeVec,
    forks: IntGauge,
    ahead: Gauge,
}

impl DelegationCounts {
    /// The counts of a view.
    pub(crate) fn of(view: &Arc<View>, clock: Arc<dyn Clock>) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGauge::new(name, help);
        let gauges = |name: &str, help: &str, label| IntGaugeVec::new(Opts::new(name, help), &[label]);
        let name = "lakegate_broker_delegation_tokens";
        let tokens = gauges(name, "delegation tokens on record, by whether they would be believed", "state")?;
        let name = "lakegate_broker_delegation_unwritten_cancellations";
        let unwritten = gauge(name, "tokens cancelled here of which the log could not be told yet")?;
        let name = "lakegate_broker_delegation_view_age_seconds";
        let age = Gauge::new(name, "time since the log of delegation tokens was last read to its end")?;
        let name = "lakegate_broker_delegation_log_number";
        let number = gauge(name, "number of the last record that was read")?;
        let name = "lakegate_broker_delegation_epoch";
        let epoch = gauge(name, "epoch of delegation tokens; tokens of earlier ones are refused")?;
        let name = "lakegate_broker_delegation_log_trouble";
        let trouble =
            gauges(name, "1 for what keeps the log from being followed; only `store` mends itself", "cause")?;
        let name = "lakegate_broker_delegation_log_forks";
        let forks =
            gauge(name, "how often the store had other records than were known here, since the start")?;
        let name = "lakegate_broker_delegation_clock_ahead_seconds";
        let ahead = Gauge::new(name, "by how much this broker's clock is ahead of the store's")?;
        let view = Arc::downgrade(view);
        Ok(Self { view, clock, tokens, unwritten, age, number, epoch, trouble, forks, ahead })
    }

    fn look(&self, view: &View) {
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (live, all, number, epoch) = {
            let book = view.book();
            (book.live(self.clock.now()), book.len(), book.number(), book.epoch())
        };
        self.tokens.with_label_values(&["live"]).set(whole(live));
        self.tokens.with_label_values(&["over"]).set(whole(all.saturating_sub(live)));
        self.unwritten.set(whole(view.unwritten().len()));
        self.age.set(view.age().as_secs_f64());
        self.number.set(i64::try_from(number).unwrap_or(i64::MAX));
        self.epoch.set(epoch.into());
        self.forks.set(i64::try_from(view.forks()).unwrap_or(i64::MAX));
        self.ahead.set(view.ahead().as_secs_f64());
        let troubled_by = view.troubled_by();
        for cause in LogError::WORDS.into_iter().chain(OTHER_TROUBLES) {
            self.trouble.with_label_values(&[cause]).set((troubled_by == Some(cause)).into());
        }
    }

    fn all(&self) -> [&dyn Collector; 8] {
        [
            &self.tokens,
            &self.unwritten,
            &self.age,
            &self.number,
            &self.epoch,
            &self.trouble,
            &self.forks,
            &self.ahead,
        ]
    }
}

impl Collector for DelegationCounts {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(|metric| metric.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(view) = self.view.upgrade() {
            self.look(&view);
        }
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}
