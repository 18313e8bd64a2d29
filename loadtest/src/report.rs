//! What a run tells: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{Measurement, Schedule};

/// Quantiles of a histogram, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of the calls took no longer.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// Ninety-nine of a hundred.
    pub p99: f64,
    /// All but one of a thousand.
    pub p999: f64,
    /// All.
    pub max: f64,
}

impl Quantiles {
    fn of(nanos: &Histogram<u64>) -> Self {
        let at = |quantile| micros(nanos.value_at_quantile(quantile));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: micros(nanos.max()) }
    }

    fn row(&self) -> [(&'static str, f64); 5] {
        [("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("p99.9", self.p999), ("max", self.max)]
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was called.
    pub target: String,
    /// Calls a second as scheduled.
    pub scheduled_per_second: u32,
    /// Answered calls a second, from the first intended start to the last answer.
    pub answered_per_second: f64,
    /// Calls answered as hoped.
    pub answered: u64,
    /// Failed calls by kind; they are not in the quantiles.
    pub failures: BTreeMap<&'static str, u64>,
    /// From the intended start, in microseconds.
    pub latency_us: Quantiles,
    /// From the actual start, in microseconds.
    pub service_us: Quantiles,
}

impl Report {
    /// Sums up a measurement.
    pub fn new(target: impl Into<String>, schedule: Schedule, seen: &Measurement) -> Self {
        let answered = seen.latency.len();
        Self {
            target: target.into(),
            scheduled_per_second: schedule.per_second(),
            answered_per_second: as_float(answered) / seen.elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
            answered,
            failures: seen.failures.clone(),
            latency_us: Quantiles::of(&seen.latency),
            service_us: Quantiles::of(&seen.service),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.target)?;
        writeln!(
            out,
            "scheduled {}/s, answered {:.1}/s",
            self.scheduled_per_second, self.answered_per_second
        )?;
        writeln!(out, "answered {} calls", self.answered)?;
        for (kind, count) in &self.failures {
            writeln!(out, "failed   {count} calls: {kind}")?;
        }
        writeln!(out, "{:>8} {:>14} {:>14}", "us", "latency", "service")?;
        for ((name, latency), (_, service)) in self.latency_us.row().into_iter().zip(self.service_us.row()) {
            writeln!(out, "{name:>8} {latency:>14.1} {service:>14.1}")?;
        }
        Ok(())
    }
}

fn micros(nanos: u64) -> f64 {
    as_float(nanos) / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "a report shows four digits")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn report() -> Report {
        let mut latency = Histogram::new(3).unwrap();
        for micros in 1..=1_000_u64 {
            latency.record(micros * 1_000).unwrap();
        }
        let service = latency.clone();
        let failures = BTreeMap::from([("denied", 2)]);
        let seen = Measurement { latency, service, failures, elapsed: Duration::from_secs(2) };
        Report::new("a sample", Schedule::new(501, Duration::from_secs(2)).unwrap(), &seen)
    }

    #[test]
    fn quantiles_are_those_of_the_calls() {
        let report = report();
        assert!((report.latency_us.p50 - 500.0).abs() < 1.0, "{report:?}");
        assert!((report.latency_us.p999 - 999.0).abs() < 1.0, "{report:?}");
        assert!((report.latency_us.max - 1_000.0).abs() < 1.0, "{report:?}");
        assert!((report.answered_per_second - 500.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_table_names_what_failed() {
        let table = report().to_string();
        assert!(table.contains("failed   2 calls: denied"), "{table}");
        assert!(table.contains("p99.9"), "{table}");
    }

    #[test]
    fn the_json_has_the_numbers_of_the_table() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["answered"], 1_000);
        assert_eq!(json["failures"]["denied"], 2);
        assert!(json["latency_us"]["p99"].is_f64());
    }
}
