//! Lists of a document that stop being read when they are longer than any real one.
//!
//! A document is refused while it is read, with the line where a list grew too long, and before what it says fills
//! the memory. The limits leave twice the room that the largest lake needs.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// The most rules of a document.
pub(crate) const RULES: usize = 2_000_000;

/// The most datasets of a document; also of groups and of projects.
pub(crate) const DATASETS: usize = 400_000;

/// The most members of a group or project.
pub(crate) const MEMBERS: usize = 1_000_000;

/// The most entries of any other list: classes, storages, buckets, subjects and windows of one rule.
pub(crate) const NAMES: usize = 50_000;

/// How much room is made before the first entry is read, whatever the text announces.
const ROOM: usize = 1_024;

/// Reads a list of at most `MOST` entries.
pub(crate) fn list<'de, D, T, const MOST: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Bounded::<T, MOST>(PhantomData))
}

struct Bounded<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Bounded<T, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST} entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::with_capacity(entries.size_hint().unwrap_or(0).min(ROOM));
        while let Some(entry) = entries.next_element()? {
            if list.len() == MOST {
                return Err(Error::custom(format_args!("a list is longer than {MOST} entries")));
            }
            list.push(entry);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Short {
        #[serde(deserialize_with = "super::list::<_, _, 3>")]
        entries: Vec<u8>,
    }

    #[test]
    fn ps15_a_list_that_is_too_long_is_refused_where_it_becomes_so() {
        let read = |text: &str| serde_json::from_str::<Short>(text);
        assert_eq!(read(r#"{"entries": [1, 2, 3]}"#).unwrap().entries, [1, 2, 3]);
        let error = read("{\"entries\":\n[1, 2, 3,\n4, \"never looked at\"]}").unwrap_err();
        assert!(error.to_string().contains("longer than 3 entries at line 3"), "{error}");
        let error = serde_saphyr::from_str::<Short>("entries: [1, 2, 3, 4]").unwrap_err();
        assert!(error.to_string().contains("longer than 3 entries"), "{error}");
    }
}
