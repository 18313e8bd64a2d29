//! What a part points at: a prefix or an object.

use std::fmt;

use crate::{Bucket, InvalidPath, ObjectPath, Prefix};

/// A prefix or one exact object. A text that ends in `/` is a prefix, any other an object; a bucket alone
/// is its root prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Everything under a prefix.
    Prefix(Prefix),
    /// One object.
    Object(ObjectPath),
}

impl Target {
    /// Reads a path and tells by its end what it is.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        match ObjectPath::parse(text) {
            Ok(object) => Ok(Self::Object(object)),
            Err(InvalidPath::NotAnObject) => Prefix::parse(text).map(Self::Prefix),
            Err(error) => Err(error),
        }
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        match self {
            Self::Prefix(prefix) => prefix.bucket(),
            Self::Object(object) => object.bucket(),
        }
    }

    /// The key.
    pub fn key(&self) -> &str {
        match self {
            Self::Prefix(prefix) => prefix.key(),
            Self::Object(object) => object.key(),
        }
    }

    /// Whether all of `other` lies in this target.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(mine), Self::Prefix(theirs)) => mine.covers_prefix(theirs),
            (Self::Prefix(mine), Self::Object(theirs)) => mine.covers_object(theirs),
            (Self::Object(mine), Self::Object(theirs)) => mine == theirs,
            (Self::Object(_), Self::Prefix(_)) => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Object(object) => object.fmt(f),
        }
    }
}

impl serde::Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cl09_the_matcher_keeps_to_the_common_list() {
        let list = include_str!("../vectors/reach.txt");
        let lines = list.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [holder, asked, verdict] = words[..] else { panic!("{line}") };
            let (holder, asked) = (Target::parse(holder).unwrap(), Target::parse(asked).unwrap());
            assert_eq!(holder.covers(&asked), verdict == "yes", "{line}");
        }
    }

    #[test]
    fn cl09_rp04_an_object_covers_itself_only() {
        let target = |text| Target::parse(text).unwrap();
        assert!(!target("gs://lake/a/b").covers(&target("gs://lake/a/bc")));
        assert!(!target("gs://lake/a/b").covers(&target("gs://lake/a/b/c")));
        assert!(!target("gs://lake/a/b").covers(&target("gs://lake/a/b/")));
        assert!(target("gs://lake/a/b/").covers(&target("gs://lake/a/b")));
        assert!(!target("gs://lake/a/b/").covers(&target("gs://lake/a/bc")));
    }
}
