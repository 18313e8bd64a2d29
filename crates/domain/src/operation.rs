//! What a caller wants to do to objects.

use std::fmt;

use crate::InvalidOperations;

/// One operation on objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Read an object's bytes and metadata.
    Read,
    /// List names below a prefix.
    List,
    /// Create an object under a new name only.
    Create,
    /// Create or overwrite an object.
    Write,
    /// Delete an object.
    Delete,
}

impl Operation {
    /// All operations, in their canonical order.
    pub const ALL: [Self; 5] = [Self::Read, Self::List, Self::Create, Self::Write, Self::Delete];

    /// The word for the operation in documents and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Create => "create",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// [`InvalidOperations::Unknown`] for any other word.
    pub fn parse(word: &str) -> Result<Self, InvalidOperations> {
        Self::ALL.into_iter().find(|op| op.as_str() == word).ok_or(InvalidOperations::Unknown)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of operations; may be empty only between steps of a computation.
///
/// ```
/// use lakegate_domain::{Operation, OperationSet};
/// let set = OperationSet::parse("read+list").unwrap();
/// assert!(set.contains(Operation::List));
/// assert_eq!(set.to_string(), "read+list");
/// assert!(OperationSet::parse("").is_err(), "there is no default operation");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OperationSet(u8);

impl OperationSet {
    /// No operation.
    pub const EMPTY: Self = Self(0);
    /// Every operation.
    pub const ALL: Self = Self(0b1_1111);

    /// The set of the given operations.
    pub fn of(operations: &[Operation]) -> Self {
        operations.iter().copied().collect()
    }

    /// Reads words joined by `+` or `,`.
    ///
    /// # Errors
    /// When no word is given or one is unknown.
    pub fn parse(text: &str) -> Result<Self, InvalidOperations> {
        if text.is_empty() {
            return Err(InvalidOperations::Empty);
        }
        text.split(['+', ',']).map(Operation::parse).collect()
    }

    /// Whether no operation is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many operations are in the set.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the operation is in the set.
    pub const fn contains(self, operation: Operation) -> bool {
        self.0 & operation.bit() != 0
    }

    /// Whether all of `other` is in this set.
    pub const fn is_superset(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the two sets share an operation.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The operations of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without the operations of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set with one operation more.
    #[must_use]
    pub const fn with(self, operation: Operation) -> Self {
        Self(self.0 | operation.bit())
    }

    /// The operations in canonical order.
    pub fn iter(self) -> impl Iterator<Item = Operation> {
        Operation::ALL.into_iter().filter(move |op| self.contains(*op))
    }

    /// One bit per operation: read 1, list 2, create 4, write 8, delete 16. Stable: it is hashed into keys.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl FromIterator<Operation> for OperationSet {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        operations.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Display for OperationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, operation) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("+")?;
            }
            f.write_str(operation.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for OperationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}
