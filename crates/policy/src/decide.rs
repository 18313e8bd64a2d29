//! The decision: what a caller may have of what it asks for.
//!
//! [`lineage`] follows the path to the target, [`verdict`] weighs rules at one point and instant, [`until`] finds
//! the instant at which that turns, [`qualify`] extends both to whole prefixes, [`choose`] picks the scope of one
//! part and [`unite`] makes the grant of all.

pub(crate) mod choose;
pub(crate) mod lineage;
pub(crate) mod qualify;
pub(crate) mod unite;
pub(crate) mod until;
pub(crate) mod verdict;

use lakegate_domain::{Caller, Part, Timestamp};

use crate::{Grant, Refusal, Snapshot};

/// The most parts that a request may name.
const MAX_PARTS: usize = 4;

impl Snapshot {
    /// Decides what the caller may have of 1 to 4 parts.
    ///
    /// A denial of any part comes before every other refusal, so that nobody without rights learns which buckets
    /// there are and how they belong together.
    ///
    /// # Errors
    /// The refusal: policy says no, or says yes to what no token can express.
    pub fn decide(&self, caller: &Caller, parts: &[Part], now: Timestamp) -> Result<Grant, Refusal> {
        if parts.is_empty() || parts.len() > MAX_PARTS {
            return Err(Refusal::PartCount);
        }
        let ids = self.memberships.of(caller);
        let mut chosen = Vec::with_capacity(parts.len());
        let mut inseparable = None;
        for part in parts {
            match choose::choose(self, &ids, part, now) {
                Ok(one) => chosen.push(one),
                Err(refusal @ Refusal::NotSeparable { .. }) => {
                    inseparable.get_or_insert(refusal);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        self.one_storage(parts)?;
        match inseparable {
            Some(refusal) => Err(refusal),
            None => unite::unite(self, caller, &chosen, now),
        }
    }

    fn one_storage(&self, parts: &[Part]) -> Result<(), Refusal> {
        let mut ids =
            parts.iter().map(|part| self.storage_of(part.target().bucket()).map(|storage| &storage.id));
        let first = ids.next();
        if ids.all(|id| Some(id) == first) { Ok(()) } else { Err(Refusal::SeveralStorages) }
    }
}

#[cfg(test)]
mod tests;
