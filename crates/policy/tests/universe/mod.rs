//! Which object names can behave differently, given the paths that a document and a request mention.
//!
//! Rules see a name by equality with an exact object and by the prefixes it lies below. So the names that matter
//! are the mentioned ones, one fresh name below each prefix, and, to catch a comparison of bare bytes, one beside
//! each prefix that begins like it.

use std::collections::BTreeSet;

use lakegate_domain::{ObjectPath, Prefix, Target};
use lakegate_policy::PolicyDocument;

use crate::reference::paths::{covering, rule_target};

/// The universe of a document and the targets of a request: of each path mentioned and each of its ancestors the
/// name without its slash, a fresh name below it, and a fresh name that begins like it.
pub(crate) fn universe<'a>(
    document: &PolicyDocument,
    asked: impl IntoIterator<Item = &'a Target>,
) -> Vec<ObjectPath> {
    let ruled = document.rules.iter().map(|rule| rule_target(document, rule));
    let named = document.datasets.iter().map(|dataset| Target::Prefix(dataset.prefix.clone()));
    let mentioned = ruled.chain(named).chain(asked.into_iter().cloned());
    let prefixes: BTreeSet<Prefix> = mentioned.flat_map(|target| covering(&target)).collect();
    let mut points = BTreeSet::new();
    for prefix in &prefixes {
        points.insert(ObjectPath::parse(&format!("{prefix}~fresh")).unwrap());
        if let Some(name) = prefix.slashless() {
            points.insert(ObjectPath::parse(&format!("{name}_private")).unwrap());
            points.insert(name);
        }
    }
    points.into_iter().collect()
}
