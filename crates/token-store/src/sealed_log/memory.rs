//! What a process remembers of a log, whatever becomes of the store.

use std::collections::BTreeMap;

/// How many sealed bytes are remembered at most.
const MAX_BYTES: usize = 4 << 20;

/// Authentic numbers and bytes that were seen.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The newest authentic record.
    pub(super) seen: u64,
    /// The newest authentic snapshot.
    pub(super) snapshot: u64,
    /// Whether the store had another record under a number than is known here, and was not seen to have that one since.
    pub(super) forked: bool,
    recent: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl Memory {
    /// Remembers an authentic record, as it was sealed.
    pub(super) fn record(&mut self, number: u64, sealed: Vec<u8>) {
        self.seen = self.seen.max(number);
        self.bytes += sealed.len();
        if let Some(before) = self.recent.insert(number, sealed) {
            self.bytes -= before.len();
        }
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.recent.pop_first()
        {
            self.bytes -= oldest.len();
        }
    }

    /// Remembers an authentic snapshot.
    pub(super) fn snapshot(&mut self, number: u64) {
        self.seen = self.seen.max(number);
        self.snapshot = self.snapshot.max(number);
    }

    /// Whether a number is remembered with other bytes.
    pub(super) fn differs(&self, number: u64, sealed: &[u8]) -> bool {
        self.recent.get(&number).is_some_and(|known| known != sealed)
    }

    /// The sealed records behind a number up to the newest, if every one of them is remembered, and so is the number's
    /// own: it tells whether they belong behind it.
    pub(super) fn since(&self, head: u64) -> Option<Vec<(u64, Vec<u8>)>> {
        if head > 0 && !self.recent.contains_key(&head) {
            return None;
        }
        let lost: Vec<_> = self
            .recent
            .range(head.saturating_add(1)..)
            .map(|(number, sealed)| (*number, sealed.clone()))
            .collect();
        (u64::try_from(lost.len()).ok()? == self.seen.checked_sub(head)?).then_some(lost)
    }
}
