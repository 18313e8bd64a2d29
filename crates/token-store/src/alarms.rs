//! Counts of values that came back from the store and were not believed.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a value from the store is a miss although it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// Not what was sealed: bits changed, cut, empty, moved from another key, or another cluster's.
    Tampered,
    /// A format version this process does not read.
    UnknownFormat,
    /// A sealing key this process does not have.
    UnknownKey,
    /// Authentic, but its plaintext is not in the one encoding.
    Malformed,
    /// Authentic, but for another scope than the one asked for.
    WrongScope,
    /// Authentic, but of another generation of the storage.
    OldGeneration,
    /// Authentic, but its token has ended.
    ExpiredInside,
}

impl Distrust {
    /// Whether the value should leave the store. One that another version or key holder may read stays: during
    /// a rotation an old process must not delete what a new one has just written.
    pub(crate) fn removes(self) -> bool {
        !matches!(self, Self::UnknownFormat | Self::UnknownKey)
    }

    /// Whether somebody must look: an honest store cannot come to this by itself.
    pub(crate) fn is_grave(self) -> bool {
        !matches!(self, Self::UnknownFormat | Self::UnknownKey | Self::ExpiredInside)
    }

    /// The word for logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tampered => "tampered",
            Self::UnknownFormat => "unknown_format",
            Self::UnknownKey => "unknown_key",
            Self::Malformed => "malformed",
            Self::WrongScope => "wrong_scope",
            Self::OldGeneration => "old_generation",
            Self::ExpiredInside => "expired_inside",
        }
    }
}

/// How many values were not believed since the start, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlarmCounts {
    /// Bits changed, cut, empty, too long, moved from another key, or from another cluster.
    pub tampered: u64,
    /// A format version this process does not read.
    pub unknown_format: u64,
    /// A sealing key this process does not have.
    pub wrong_key: u64,
    /// Authentic, but its plaintext is not in the one encoding.
    pub malformed: u64,
    /// Authentic, but for another scope.
    pub wrong_scope: u64,
    /// Authentic, but of another generation of the storage.
    pub old_generation: u64,
    /// Authentic, but its token has ended: the store kept it too long, or the clocks differ.
    pub expired_inside: u64,
}

impl AlarmCounts {
    /// Each count with the word for its cause.
    pub fn by_cause(&self) -> [(&'static str, u64); 7] {
        [
            (Distrust::Tampered.as_str(), self.tampered),
            (Distrust::UnknownFormat.as_str(), self.unknown_format),
            (Distrust::UnknownKey.as_str(), self.wrong_key),
            (Distrust::Malformed.as_str(), self.malformed),
            (Distrust::WrongScope.as_str(), self.wrong_scope),
            (Distrust::OldGeneration.as_str(), self.old_generation),
            (Distrust::ExpiredInside.as_str(), self.expired_inside),
        ]
    }
}

/// The counters behind [`AlarmCounts`].
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    tampered: AtomicU64,
    unknown_format: AtomicU64,
    wrong_key: AtomicU64,
    malformed: AtomicU64,
    wrong_scope: AtomicU64,
    old_generation: AtomicU64,
    expired_inside: AtomicU64,
}

impl Alarms {
    /// Counts one value.
    pub(crate) fn count(&self, distrust: Distrust) {
        let counter = match distrust {
            Distrust::Tampered => &self.tampered,
            Distrust::UnknownFormat => &self.unknown_format,
            Distrust::UnknownKey => &self.wrong_key,
            Distrust::Malformed => &self.malformed,
            Distrust::WrongScope => &self.wrong_scope,
            Distrust::OldGeneration => &self.old_generation,
            Distrust::ExpiredInside => &self.expired_inside,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> AlarmCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AlarmCounts {
            tampered: read(&self.tampered),
            unknown_format: read(&self.unknown_format),
            wrong_key: read(&self.wrong_key),
            malformed: read(&self.malformed),
            wrong_scope: read(&self.wrong_scope),
            old_generation: read(&self.old_generation),
            expired_inside: read(&self.expired_inside),
        }
    }
}
