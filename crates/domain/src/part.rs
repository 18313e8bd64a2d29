//! One prefix or one object, and what is wanted there.

use std::fmt;

use crate::{InvalidOperations, OperationSet, Target};

/// A target with a non-empty set of operations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    target: Target,
    operations: OperationSet,
}

impl Part {
    /// Joins a target and operations.
    ///
    /// # Errors
    /// [`InvalidOperations::Empty`] when no operation is named.
    pub fn new(target: Target, operations: OperationSet) -> Result<Self, InvalidOperations> {
        if operations.is_empty() {
            return Err(InvalidOperations::Empty);
        }
        Ok(Self { target, operations })
    }

    /// Where.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What.
    pub fn operations(&self) -> OperationSet {
        self.operations
    }

    /// Whether whoever has this part needs no token for `other`.
    pub fn covers(&self, other: &Self) -> bool {
        self.operations.is_superset(other.operations) && self.target.covers(&other.target)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.target, self.operations)
    }
}
