//! How often each endpoint was called, in total and per minute.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lakegate_domain::Timestamp;

use crate::route::{Call, StorageCall};

const MINUTE: Duration = Duration::from_mins(1);
/// Minutes that are remembered one by one: a day.
const MINUTES_KEPT: usize = 1_440;

/// Calls that arrived, answered well or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// `POST /token`.
    pub oauth: u64,
    /// `generateAccessToken`.
    pub iam: u64,
    /// `POST /v1/token`.
    pub sts: u64,
    /// Everything below `/computeMetadata/`.
    pub metadata: u64,
    /// Objects and their metadata read.
    pub storage_read: u64,
    /// Objects written: uploads, copies, composes, metadata changes.
    pub storage_write: u64,
    /// Listings of objects, of uploads or of parts.
    pub storage_list: u64,
    /// Objects or uploads deleted.
    pub storage_delete: u64,
    /// Storage calls of any other kind, such as a bucket's metadata.
    pub storage_other: u64,
    /// The most token exchanges asked for in any 60 seconds so far.
    pub sts_peak_per_minute: u64,
}

impl CallCounts {
    fn add(&mut self, call: Call) {
        let counter = match call {
            Call::Oauth => &mut self.oauth,
            Call::Iam => &mut self.iam,
            Call::Sts => &mut self.sts,
            Call::Metadata => &mut self.metadata,
            Call::Storage(StorageCall::Read) => &mut self.storage_read,
            Call::Storage(StorageCall::Write) => &mut self.storage_write,
            Call::Storage(StorageCall::List) => &mut self.storage_list,
            Call::Storage(StorageCall::Delete) => &mut self.storage_delete,
            Call::Storage(StorageCall::Other) => &mut self.storage_other,
        };
        *counter += 1;
    }
}

/// The calls of one calendar minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinuteCounts {
    /// When the minute began.
    pub from: Timestamp,
    /// Its calls; the peak is the one that stood at the minute's last exchange.
    pub calls: CallCounts,
}

/// The counters of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    total: CallCounts,
    minutes: BTreeMap<i64, CallCounts>,
    recent_exchanges: VecDeque<Timestamp>,
}

impl Counters {
    /// Notes a call that arrived now.
    pub(crate) fn note(&self, call: Call, now: Timestamp) {
        let mut state = self.lock();
        state.total.add(call);
        if call == Call::Sts {
            state.note_exchange(now);
        }
        let peak = state.total.sts_peak_per_minute;
        let minute = state.minutes.entry(now.as_seconds().div_euclid(60)).or_default();
        minute.add(call);
        minute.sts_peak_per_minute = peak;
        if state.minutes.len() > MINUTES_KEPT {
            state.minutes.pop_first();
        }
    }

    /// The totals.
    pub(crate) fn total(&self) -> CallCounts {
        self.lock().total
    }

    /// The last day, minute by minute; minutes without a call are left out.
    pub(crate) fn minutes(&self) -> Vec<MinuteCounts> {
        let state = self.lock();
        let of = |(minute, calls): (&i64, &CallCounts)| MinuteCounts {
            from: Timestamp::from_seconds(minute.saturating_mul(60)),
            calls: *calls,
        };
        state.minutes.iter().map(of).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note_exchange(&mut self, now: Timestamp) {
        self.recent_exchanges.push_back(now);
        while self.recent_exchanges.front().is_some_and(|first| now.since(*first) >= MINUTE) {
            self.recent_exchanges.pop_front();
        }
        let in_window = u64::try_from(self.recent_exchanges.len()).unwrap_or(u64::MAX);
        self.total.sts_peak_per_minute = self.total.sts_peak_per_minute.max(in_window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_taken_over_a_sliding_minute() {
        let counters = Counters::default();
        for second in [30, 50, 70, 89, 91, 200] {
            counters.note(Call::Sts, Timestamp::from_seconds(second));
        }
        counters.note(Call::Storage(StorageCall::List), Timestamp::from_seconds(200));
        let total = counters.total();
        assert_eq!((total.sts, total.storage_list, total.sts_peak_per_minute), (6, 1, 4));
        let minutes: Vec<u64> = counters.minutes().iter().map(|minute| minute.calls.sts).collect();
        assert_eq!(minutes, [2, 3, 1]);
    }
}
