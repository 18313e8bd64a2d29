//! The grant of all parts: their union, the strictest of their terms, the earliest of their ends.

use std::collections::BTreeSet;

use lakegate_domain::{Caller, DatasetName, Part, Timestamp};

use super::choose::{Chosen, earliest};
use crate::{Grant, Refusal, Scope, Snapshot, Terms};

/// Unites what was chosen; all of it lies in one storage.
pub(crate) fn unite(
    snapshot: &Snapshot,
    caller: &Caller,
    chosen: &[Chosen<'_>],
    now: Timestamp,
) -> Result<Grant, Refusal> {
    let storage = chosen.first().map(|one| one.storage).ok_or(Refusal::PartCount)?;
    let terms = Terms::strictest(chosen.iter().map(|one| one.class));
    let until = earliest(chosen.iter().map(|one| one.until));
    let overrun_until = earliest(chosen.iter().map(|one| one.overrun_until(terms.token_life)));
    let ends_early = until.filter(|until| *until < now.plus(terms.token_life));
    let datasets: BTreeSet<&DatasetName> =
        chosen.iter().filter_map(|one| one.dataset).map(|dataset| &dataset.name).collect();
    let datasets = datasets.into_iter().cloned().collect();
    let parts = without_covered(chosen.iter().map(|one| &one.part));
    let is_plain = ends_early.is_none()
        && matches!(&*parts, [part] if chosen.iter().any(|one| one.is_plain && one.part == *part));
    let scope = Scope::seal(&storage.rule, parts, terms, caller.principal());
    Ok(Grant {
        ended: ends_early.map(|end| scope.ending(end)),
        scope,
        until,
        overrun_until,
        narrowed: !is_plain,
        datasets,
        snapshot: snapshot.number,
    })
}

/// Sorted parts, without those that another covers.
fn without_covered<'p>(parts: impl Iterator<Item = &'p Part>) -> Vec<Part> {
    let parts: BTreeSet<&Part> = parts.collect();
    parts
        .iter()
        .filter(|part| !parts.iter().any(|other| other != *part && other.covers(part)))
        .map(|part| (*part).clone())
        .collect()
}
