//! Whether a source of groups is to be believed: it must know what it cannot have lost.
//!
//! An operating system whose directory is away says of its users what it says of nobody's: that there is no such user. So
//! after each look-up it is asked for a user and a group that stand in the directory and nowhere else. When it does not know
//! these, it was not the directory that answered.

use std::io;
use std::sync::Arc;

use serde::Deserialize;

use super::SystemGroups;

/// Somebody whom a source knows for as long as it can be asked: one of each directory that it joins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// A user of the directory.
    pub user: String,
    /// A group of the directory in which that user is.
    pub group: String,
}

/// A source that is believed while it knows its canaries.
#[derive(Debug)]
pub struct Believable {
    source: Arc<dyn SystemGroups>,
    canaries: Vec<Canary>,
}

impl Believable {
    /// Believes a source while it knows all of these.
    pub fn new(source: Arc<dyn SystemGroups>, canaries: Vec<Canary>) -> Self {
        Self { source, canaries }
    }
}

impl SystemGroups for Believable {
    fn groups_of(&self, user: &str) -> io::Result<Option<Vec<String>>> {
        let found = self.source.groups_of(user)?;
        // Asked afterwards: who knows them now was there for the answer, or came back since.
        for canary in &self.canaries {
            let groups = self.source.groups_of(&canary.user)?.unwrap_or_default();
            if !groups.contains(&canary.group) {
                return Err(io::Error::other("a canary is not known, or not in its group"));
            }
        }
        Ok(found)
    }
}
