//! The wrappers in their order.

use std::sync::Arc;

use crate::{Budget, Budgeted, Discarding, Minter, Quarantine, SingleFlight};

/// Puts all wrappers around a minter: single flight, discarding, quarantine, budget, from the outside in.
///
/// Quarantine stands before the budget, so a scope that rests costs nothing; the budget stands nearest to the
/// minter, so every call is paid.
pub fn guard(minter: Arc<dyn Minter>, budget: Arc<Budget>) -> Arc<dyn Minter> {
    let budgeted = Arc::new(Budgeted::new(minter, budget));
    let quarantine = Arc::new(Quarantine::new(budgeted));
    let discarding = Arc::new(Discarding::new(quarantine));
    Arc::new(SingleFlight::new(discarding))
}
