//! Uniqueness, and the two lists that must not be empty.

use std::fmt::Display;

use crate::{LoadError, PolicyDocument};

/// Checks a document whose lists are sorted.
pub(super) fn check(document: &PolicyDocument) -> Result<(), LoadError> {
    if document.storages.is_empty() {
        return Err(LoadError::Empty { key: "storages" });
    }
    if document.rules.is_empty() {
        return Err(LoadError::Empty { key: "rules" });
    }
    unique("storages", document.storages.iter().map(|storage| &storage.id))?;
    unique("classes", document.classes.iter().map(|class| &class.name))?;
    unique("projects", document.projects.iter().map(|project| &project.name))?;
    unique("groups", document.groups.iter().map(|group| &group.name))?;
    unique("datasets", document.datasets.iter().map(|dataset| &dataset.name))?;
    unique("rules", document.rules.iter().map(|rule| &rule.id))
}

/// Refuses a sorted list in which a name follows itself.
fn unique<'a, N: Eq + Display + 'a>(
    key: &'static str,
    names: impl Iterator<Item = &'a N>,
) -> Result<(), LoadError> {
    let mut before = None;
    for name in names {
        if before == Some(name) {
            return Err(LoadError::Duplicate { key, name: name.to_string() });
        }
        before = Some(name);
    }
    Ok(())
}
