//! When a rule is in force: its windows, merged and sorted.

use std::time::Duration;

use lakegate_domain::Timestamp;

use crate::Window;

/// Half-open spans that neither overlap nor touch, in order of time; never empty, "always" is one endless span.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Schedule(Box<[Span]>);

/// From the first instant inside to the first after; without an end it lasts for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Span {
    from: Timestamp,
    until: Option<Timestamp>,
}

const EVER: Timestamp = Timestamp::from_millis(i64::MIN);

impl Schedule {
    /// The union of the windows; always, when there are none.
    pub(crate) fn of(windows: &[Window]) -> Self {
        let mut spans: Vec<Span> = windows
            .iter()
            .map(|window| Span { from: window.from.unwrap_or(EVER), until: window.until })
            .collect();
        if spans.is_empty() {
            spans.push(Span { from: EVER, until: None });
        }
        spans.sort_by_key(|span| span.from);
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if last.until.is_none_or(|until| span.from <= until) => {
                    last.until = last.until.zip(span.until).map(|(a, b)| a.max(b));
                }
                _ => merged.push(span),
            }
        }
        Self(merged.into())
    }

    /// Whether an instant lies in a span, every span's end moved later by `overrun`.
    pub(crate) fn holds(&self, at: Timestamp, overrun: Duration) -> bool {
        let begun = self.0.partition_point(|span| span.from <= at);
        let latest = self.0.get(..begun).and_then(<[Span]>::last);
        latest.is_some_and(|span| span.until.is_none_or(|until| at < until.plus(overrun)))
    }

    /// The spans that are not over at an instant, ends moved: begin and end.
    pub(crate) fn open_after(
        &self,
        at: Timestamp,
        overrun: Duration,
    ) -> impl Iterator<Item = (Timestamp, Option<Timestamp>)> {
        let ended = self.0.partition_point(|span| span.until.is_some_and(|until| until.plus(overrun) <= at));
        self.0
            .get(ended..)
            .unwrap_or_default()
            .iter()
            .map(move |span| (span.from, span.until.map(|until| until.plus(overrun))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn window(from: Option<i64>, until: Option<i64>) -> Window {
        Window { from: from.map(at), until: until.map(at) }
    }

    #[test]
    fn ps04_windows_are_half_open() {
        let schedule = Schedule::of(&[window(Some(10), Some(20))]);
        let inside = |seconds| schedule.holds(at(seconds), Duration::ZERO);
        assert_eq!([9, 10, 19, 20].map(inside), [false, true, true, false]);
        assert!(schedule.holds(at(24), Duration::from_secs(5)));
        assert!(!schedule.holds(at(25), Duration::from_secs(5)));
    }

    #[test]
    fn touching_and_overlapping_windows_become_one_span() {
        let schedule = Schedule::of(&[
            window(Some(20), Some(30)),
            window(Some(10), Some(20)),
            window(Some(25), Some(27)),
            window(Some(40), None),
            window(Some(50), Some(60)),
        ]);
        let spans: Vec<_> = schedule.open_after(at(0), Duration::ZERO).collect();
        assert_eq!(spans, [(at(10), Some(at(30))), (at(40), None)]);
    }

    #[test]
    fn no_window_means_always() {
        let always = Schedule::of(&[]);
        assert!(always.holds(EVER, Duration::ZERO));
        assert_eq!(always.open_after(at(0), Duration::ZERO).next(), Some((EVER, None)));
    }
}
