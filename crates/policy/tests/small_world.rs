//! The small-world proof: engine and reference agree on *every* policy of a small world and on every request, and
//! every grant is probed point by point.
//!
//! **The world.** A bucket whose names form a binary tree of depth 3: seven prefixes (the bucket, two children,
//! four grandchildren) and fourteen objects, one for each name of depth 1 to 3; six of them are the slashless objects
//! of prefixes. Siblings are called `s` and `s_p`, so that one name begins like the other. Each prefix has one more
//! object below it that no rule can name. Rules may stand on every prefix and on every object; requests may name
//! these and the objects that no rule can name. Principals `p` and `q` both ask; group `g` holds `p` by
//! the document and `q` by the word of authentication. There is one edge of time: a rule holds always, before it, or
//! from it on; decisions are taken half an hour before it and at it.
//!
//! **What is enumerated.** Every policy of one or two rules (none is refused at load) on all targets, each rule an allow
//! or a deny of either priority, and in all combinations of
//! 1. *operations*: all seven subsets of three operations, all seven subsets asked and `create` alone; under no
//!    dataset, under one on the bucket, and under that with one of another class on a child;
//! 2. *subjects and time*: {p, q, g, g unless p} x three windows x both instants, under no dataset and under one;
//! 3. *classes and time*: {p, g unless p} x three windows x both instants, under a dataset whose tokens end before the
//!    edge, and under that with one of another class on a child, whose tokens would not;
//!
//! and
//! 4. *three rules*: every policy of one to three rules of eight flavours on all targets, at both instants, under no
//!    dataset and under the last two. In the eight each effect, priority, subject and window appears, and
//!    operation sets that the storage can and that it cannot separate.
//!
//! "Three operations" are read, list and a change. The change is what makes closures matter: on gcs an allow rule names
//! `write` and `delete`, a deny rule `delete` alone, a request `write` or `create`; on aws (4) rules and requests name
//! `create` or `write`. In 2 and 3 an allow rule names all of it and a deny rule `read`.
//!
//! **What is left out, and why that loses nothing.** Policies are enumerated once when they differ by
//! * the order of their rules: `random_worlds.rs` checks that order changes nothing, and here the rules of a policy
//!   are rotated from policy to policy;
//! * an automorphism of the tree (swapping the two children of a prefix) that keeps the datasets where they are: names
//!   enter the specification only by equality and by "lies below", which an automorphism keeps. This says nothing about
//!   the engine, which might look at more, say at the order of names; so each policy is put to it under one of
//!   the 128 automorphisms, another from policy to policy, and both names come to stand in every role.
//!
//! Requests are enumerated once when they differ by an automorphism that keeps the policy's own paths. Nothing else is
//! left out of 1 to 4, and no argument is about the engine. What the four do not hold is the product of all
//! dimensions at once over two rules, and over three: some 10^9 and 10^13 decisions. `random_worlds.rs` samples it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod reference;
mod tiny;

use lakegate_domain::{Dialect, OperationSet};
use lakegate_policy::Effect::{self, Allow, Deny};
use lakegate_policy::Priority::{Normal, Override};
use tiny::flavour::When::{self, Always, BeforeEdge, FromEdge};
use tiny::flavour::Who::{self, Group, GroupUnlessP, P, Q};
use tiny::flavour::{self, Flavour};
use tiny::{Datasets, World};

/// What an allow rule and what a deny rule names where operations are not what is turned over.
const CHANGE: [&str; 2] = ["read+list+write+delete", "read"];

/// What is asked for there: denied by such a deny rule, untouched by it, and needing more than was asked.
const ASKED: [&str; 3] = ["read", "list", "create+delete"];

fn set(words: &str) -> OperationSet {
    OperationSet::parse(words).unwrap()
}

/// Every flavour from the product of some values of each dimension; operations are pairs of what an allow rule
/// and what a deny rule names.
fn product(operations: &[[&str; 2]], who: &[Who], when: &[When]) -> Vec<Flavour> {
    let mut flavours = Vec::new();
    for [allowed, denied] in operations {
        let sides: [(Effect, _); 2] = [(Allow, allowed), (Deny, denied)];
        for (effect, words) in sides {
            for (who, when) in who.iter().flat_map(|who| when.iter().map(move |when| (*who, *when))) {
                let operations = set(words);
                let of = |priority| Flavour { effect, operations, who, when, priority };
                flavours.extend([Normal, Override].map(of));
            }
        }
    }
    flavours
}

#[test]
fn engine_equals_reference_for_all_operation_sets_of_two_rules() {
    let operations = [
        ["read", "read"],
        ["list", "list"],
        ["read+list", "read+list"],
        ["write+delete", "delete"],
        ["read+write+delete", "read+delete"],
        ["list+write+delete", "list+delete"],
        ["read+list+write+delete", "read+list+delete"],
    ];
    let asked =
        ["read", "list", "read+list", "write", "read+write", "list+write", "read+list+write", "create"];
    for datasets in [Datasets::None, Datasets::Outer, Datasets::Nested] {
        let flavours = product(&operations, &[Group], &[Always]);
        let (asked, instants) = (asked.map(set).to_vec(), vec![flavour::before_edge()]);
        World { dialect: Dialect::Gcs, datasets, flavours, rules: 2, asked, instants }.prove("operations");
    }
}

#[test]
fn engine_equals_reference_for_all_subjects_and_windows_of_two_rules() {
    for datasets in [Datasets::None, Datasets::Outer] {
        let flavours = product(&[CHANGE], &[P, Q, Group, GroupUnlessP], &[Always, BeforeEdge, FromEdge]);
        let (asked, instants) = (ASKED.map(set).to_vec(), vec![flavour::before_edge(), flavour::edge()]);
        World { dialect: Dialect::Gcs, datasets, flavours, rules: 2, asked, instants }
            .prove("subjects and time");
    }
}

#[test]
fn engine_equals_reference_for_all_classes_and_windows_of_two_rules() {
    for datasets in [Datasets::OuterShort, Datasets::NestedShort] {
        let flavours = product(&[CHANGE], &[P, GroupUnlessP], &[Always, BeforeEdge, FromEdge]);
        let (asked, instants) = (ASKED.map(set).to_vec(), vec![flavour::before_edge(), flavour::edge()]);
        World { dialect: Dialect::Gcs, datasets, flavours, rules: 2, asked, instants }
            .prove("classes and time");
    }
}

#[test]
fn engine_equals_reference_for_three_rules_of_eight_flavours() {
    let flavour =
        |effect, words, who, when, priority| Flavour { effect, operations: set(words), who, when, priority };
    let flavours = vec![
        flavour(Allow, "read+list+write+delete", Group, Always, Normal),
        flavour(Allow, "read+list+create", P, Always, Normal),
        flavour(Allow, "read", GroupUnlessP, BeforeEdge, Normal),
        flavour(Allow, "read+write", P, FromEdge, Override),
        flavour(Deny, "create", Group, Always, Normal),
        flavour(Deny, "read+list", GroupUnlessP, FromEdge, Normal),
        flavour(Deny, "read", P, BeforeEdge, Normal),
        flavour(Deny, "list+write", Q, Always, Override),
    ];
    for datasets in [Datasets::None, Datasets::NestedShort] {
        let (asked, instants) =
            (["read", "list+create"].map(set).to_vec(), vec![flavour::before_edge(), flavour::edge()]);
        let flavours = flavours.clone();
        World { dialect: Dialect::Aws, datasets, flavours, rules: 3, asked, instants }.prove("three rules");
    }
}
