//! The wrappers in their order.

use std::sync::Arc;
use std::time::Duration;

use crate::probe::{Canary, Probed};
use crate::{Budget, Budgeted, Discarding, Minter, Quarantine, SingleFlight};

/// Puts all wrappers around a minter: single flight, discarding, quarantine, budget, from the outside in.
///
/// Quarantine stands before the budget, so a scope that rests costs nothing; the budget stands nearest to the
/// minter, so every call is paid.
pub fn guard(minter: Arc<dyn Minter>, budget: Arc<Budget>) -> Arc<dyn Minter> {
    Arc::new(SingleFlight::new(limited(minter, budget)))
}

/// As [`guard`], with [`Probed`] inside of single flight: fresh tokens are tried out on the canary `every` so often,
/// the first ones before any leaves.
pub fn guard_and_probe(
    minter: Arc<dyn Minter>,
    budget: Arc<Budget>,
    canary: Canary,
    every: Duration,
) -> Arc<dyn Minter> {
    let probed = Arc::new(Probed::new(limited(minter, budget), canary, every));
    Arc::new(SingleFlight::new(probed))
}

fn limited(minter: Arc<dyn Minter>, budget: Arc<Budget>) -> Arc<dyn Minter> {
    let budgeted = Arc::new(Budgeted::new(minter, budget));
    let quarantine = Arc::new(Quarantine::new(budgeted));
    Arc::new(Discarding::new(quarantine))
}
