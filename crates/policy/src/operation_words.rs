//! Operations in documents: lists of words.
//!
//! `lakegate-domain` knows the words but not serde's traits for them, so the two fields that hold lists say
//! how they are read and written.

use lakegate_domain::Operation;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One operation as a word.
struct Word(Operation);

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Operation::parse(&word).map(Self).map_err(de::Error::custom)
    }
}

fn words(operations: &[Operation]) -> Vec<Word> {
    operations.iter().copied().map(Word).collect()
}

fn operations(words: Vec<Word>) -> Vec<Operation> {
    words.into_iter().map(|word| word.0).collect()
}

/// A list of operations.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, Operation, Serialize, Serializer, Word};

    pub(crate) fn serialize<S: Serializer>(list: &[Operation], serializer: S) -> Result<S::Ok, S::Error> {
        super::words(list).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Operation>, D::Error> {
        Vec::<Word>::deserialize(deserializer).map(super::operations)
    }
}

/// A list of sets of operations, or nothing.
pub(crate) mod sets {
    use super::{Deserialize, Deserializer, Operation, Serialize, Serializer, Word};

    type Sets = Option<Vec<Vec<Operation>>>;

    pub(crate) fn serialize<S: Serializer>(sets: &Sets, serializer: S) -> Result<S::Ok, S::Error> {
        let words: Option<Vec<Vec<Word>>> =
            sets.as_ref().map(|sets| sets.iter().map(|set| super::words(set)).collect());
        words.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sets, D::Error> {
        let words = Option::<Vec<Vec<Word>>>::deserialize(deserializer)?;
        Ok(words.map(|sets| sets.into_iter().map(super::operations).collect()))
    }
}
