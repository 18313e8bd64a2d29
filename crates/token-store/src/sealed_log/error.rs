//! What can be wrong with a log.

use thiserror::Error;

use crate::StoreError;

/// Why a log is not read or written. In no case is it empty: a view of it stays as it is, and is stale.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The store, not the log: it does not answer, refuses, or is set up wrongly.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record that others follow is missing.
    #[error("record {missing} of the log is missing")]
    Gap {
        /// The first one missing.
        missing: u64,
    },
    /// The log ends before a record that was there: the store lost its newest data, or old data were put back.
    #[error("the log ends with record {head}, and record {seen} was there already")]
    Rewound {
        /// The newest record that was ever seen.
        seen: u64,
        /// The newest record now.
        head: u64,
    },
    /// A number has another record than it had: the store lost records, and others were written in their place.
    #[error("record {number} of the log is another than it was")]
    Forked {
        /// The first number that changed.
        number: u64,
    },
    /// What stands under a number was not sealed for it in this cluster.
    #[error("record {number} of the log was tampered with")]
    Tampered {
        /// The record's number.
        number: u64,
    },
    /// The snapshot was not sealed as the snapshot of that number in this cluster.
    #[error("the log's snapshot of record {number} was tampered with")]
    SnapshotTampered {
        /// The number that it claims.
        number: u64,
    },
    /// The snapshot is older than one that was there.
    #[error("the log's snapshot says record {number}, and one that said record {seen} was there already")]
    SnapshotRewound {
        /// The number of the newest that was ever seen.
        seen: u64,
        /// The number of this one.
        number: u64,
    },
    /// A sealing key or a format that this process does not have: a rotation has not come here, or went too fast.
    #[error("record {number} of the log is sealed with a key that this process does not have")]
    UnknownKey {
        /// The number of the record or of the snapshot.
        number: u64,
    },
}

impl LogError {
    /// Whether somebody must look: no outage comes to this by itself, and no waiting mends it.
    pub fn is_alarming(&self) -> bool {
        match self {
            Self::Store(error) => error.is_misconfiguration(),
            _ => true,
        }
    }

    /// The word for logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Gap { .. } => "gap",
            Self::Rewound { .. } => "rewound",
            Self::Forked { .. } => "forked",
            Self::Tampered { .. } => "tampered",
            Self::SnapshotTampered { .. } => "snapshot_tampered",
            Self::SnapshotRewound { .. } => "snapshot_rewound",
            Self::UnknownKey { .. } => "unknown_key",
        }
    }

    /// All words, for metrics that begin at nothing.
    pub const WORDS: [&'static str; 8] = [
        "store",
        "gap",
        "rewound",
        "forked",
        "tampered",
        "snapshot_tampered",
        "snapshot_rewound",
        "unknown_key",
    ];
}
