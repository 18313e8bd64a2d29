//! Which prefixes cover a target, and which objects are called like its ancestors.

use lakegate_domain::{ObjectPath, Prefix, Target};
use lakegate_policy::{PolicyDocument, Rule, RuleTarget};

/// A rule's target, its dataset looked up.
pub(crate) fn rule_target(document: &PolicyDocument, rule: &Rule) -> Target {
    match &rule.on {
        RuleTarget::Prefix(prefix) => Target::Prefix(prefix.clone()),
        RuleTarget::Object(object) => Target::Object(object.clone()),
        RuleTarget::Dataset(name) => {
            let dataset = document.datasets.iter().find(|dataset| dataset.name == *name).unwrap();
            Target::Prefix(dataset.prefix.clone())
        }
    }
}

/// Every prefix that covers the target, widest first; for an object also the one that it is the slashless
/// object of.
pub(crate) fn covering(target: &Target) -> Vec<Prefix> {
    let deepest = match target {
        Target::Prefix(prefix) => prefix.clone(),
        Target::Object(object) => Prefix::of_slashless(object).unwrap(),
    };
    let mut chain: Vec<Prefix> = std::iter::successors(Some(deepest), Prefix::parent).collect();
    chain.reverse();
    chain
}

/// The objects named like the target's ancestors, the target's own name left out.
pub(crate) fn ancestors(target: &Target) -> Vec<ObjectPath> {
    let mut above = covering(target);
    above.pop();
    above.iter().filter_map(Prefix::slashless).collect()
}
