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
//! **What is enumerated.** First, the plain world: rules of normal priority, each an allow or a deny of one of
//! three operations (read, list, change) in one of the three windows, asked about at both instants:
//! 1. *two rules*: every policy of one or two rules on all targets, each addressed to `p`, `q` or `g`; both ask for
//!    every subset of the three operations under no dataset, and for each alone under one on the bucket;
//! 2. *three rules*: every policy of one to three rules on the fifteen nodes of the tree (the seven prefixes and the
//!    eight objects that are leaves), each addressed to the caller or to `g`, who asks for each operation; under no dataset,
//!    and under one on the bucket, there with one of the eight ways to address three rules, by turns;
//! 3. *three rules and whom they name*: every policy of one to three rules on all targets, each an allow or a deny
//!    of all operations for `p`, `q` or `g`; both ask.
//!
//! Then every policy of one or two rules (none is refused at load) on all targets, each rule an allow
//! or a deny of either priority, and in all combinations of
//! 4. *operations*: all seven subsets of three operations, all seven subsets asked and `create` alone; under no
//!    dataset, under one on the bucket, and under that with one of another class on a child;
//! 5. *subjects and time*: {p, q, g, g unless p} x three windows x both instants, under no dataset and under one;
//! 6. *classes and time*: {p, g unless p} x three windows x both instants, under a dataset whose tokens end before the
//!    edge, and under that with one of another class on a child, whose tokens would not;
//!
//! and
//! 7. *eight flavours*: every policy of one to three rules of eight flavours on all targets, at both instants, under
//!    no dataset and under the last two. In the eight each effect, priority, subject and window appears, and
//!    operation sets that the storage can and that it cannot separate.
//!
//! "Three operations" are read, list and a change. The change is what makes closures matter: on gcs an allow rule names
//! `write` and `delete`, a deny rule `delete` alone, a request `write` or `create`; on aws (7) rules and requests name
//! `create` or `write`. In 3, 5 and 6 an allow rule names all of it and a deny rule `read`.
//!
//! **What is left out, and why that loses nothing.** Policies are enumerated once when they differ by
//! * the order of their rules: `random_worlds.rs` checks that order changes nothing, and here the rules of a policy
//!   are rotated from policy to policy;
//! * an automorphism of the tree (swapping the two children of a prefix) that keeps the datasets where they are: names
//!   enter the specification only by equality and by "lies below", which an automorphism keeps;
//! * in 2, an exchange of `p` and `q`: their names enter only by equality, and it does not matter by whose word one is
//!   in a group. And a rule for somebody else says nothing to the caller, so what three rules of the plain world say to
//!   `p` is what those of them say that are addressed to `p` or to `g`: the policy without the others is enumerated too.
//!   `random_worlds.rs` checks both on the engine: its answers stay the same, to the last byte of the key, when the rules
//!   that do not concern the caller are dropped, the others addressed to it by name, and its groups forgotten; and 3 checks
//!   it for three rules exhaustively, where neither operations nor windows differ.
//!
//! These arguments say nothing about the engine, which might look at more, say at the order of names; so each
//! policy is put to it under one of the 128 automorphisms, and in 2 with `p` or with `q` as the caller, drawn anew
//! for every set of rules: all names and both principals come to stand in every role. Policies of which
//! only the addresses differ are put under the same one, and the reference is asked once for all of them that the
//! same rules concern.
//!
//! Requests are enumerated once when they differ by an automorphism that keeps the policy's own paths. Nothing else is
//! left out of 1 to 7. What they do not hold is the product of all dimensions at once: over three rules, priorities
//! and `unless` in 7 only, the six slashless objects in 3 and 7 only, several operations asked at once in 7 only. All
//! of it over two rules would be some 10^9 decisions, and 10^13 over three. `random_worlds.rs` samples it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod reference;
mod tiny;

use lakegate_domain::{Dialect, OperationSet};
use lakegate_policy::Effect::{self, Allow, Deny};
use lakegate_policy::Priority::{self, Normal, Override};
use tiny::flavour::When::{self, Always, BeforeEdge, FromEdge};
use tiny::flavour::Who::{self, Group, GroupUnlessP, P, Q};
use tiny::flavour::{self, Flavour};
use tiny::{Datasets, Place, Put, World};

/// What an allow rule and what a deny rule names where operations are not what is turned over.
const CHANGE: [&str; 2] = ["read+list+write+delete", "read"];

/// What is asked for there: denied by such a deny rule, untouched by it, and needing more than was asked.
const ASKED: [&str; 3] = ["read", "list", "create+delete"];

fn set(words: &str) -> OperationSet {
    OperationSet::parse(words).unwrap()
}

/// Every flavour from the product of some values of each dimension; operations are pairs of what an allow rule
/// and what a deny rule names.
fn product(operations: &[[&str; 2]], who: &[Who], when: &[When], priorities: &[Priority]) -> Vec<Flavour> {
    let mut flavours = Vec::new();
    for [allowed, denied] in operations {
        let sides: [(Effect, _); 2] = [(Allow, allowed), (Deny, denied)];
        for (effect, words) in sides {
            for when in when {
                let of = |priority: &Priority| Flavour {
                    effect,
                    operations: set(words),
                    when: *when,
                    priority: *priority,
                    who: who.to_vec(),
                };
                flavours.extend(priorities.iter().map(of));
            }
        }
    }
    flavours
}

/// Both priorities.
const PRIORITIES: [Priority; 2] = [Normal, Override];

/// All windows.
const WINDOWS: [When; 3] = [Always, BeforeEdge, FromEdge];

/// Each of the three operations alone: what an allow rule and what a deny rule names.
const SINGLE: [[&str; 2]; 3] = [["read", "read"], ["list", "list"], ["write+delete", "delete"]];

/// Each of them asked for alone.
const ALONE: [&str; 3] = ["read", "list", "write"];

/// All policies of up to two rules on all targets, asked about by everybody and at both instants.
fn two_rules(datasets: Datasets, flavours: Vec<Flavour>) -> World {
    World {
        dialect: Dialect::Gcs,
        datasets,
        places: Place::ruled(),
        flavours,
        rules: 2,
        asked: ASKED.map(set).to_vec(),
        instants: vec![flavour::before_edge(), flavour::edge()],
        put: Put::Everything,
    }
}

#[test]
fn engine_equals_reference_for_all_plain_policies_of_two_rules() {
    let all = ["read", "list", "read+list", "write", "read+write", "list+write", "read+list+write"];
    for (datasets, asked) in [(Datasets::None, &all[..]), (Datasets::Outer, &ALONE)] {
        let flavours = product(&SINGLE, &[P, Q, Group], &WINDOWS, &[Normal]);
        let asked = asked.iter().copied().map(set).collect();
        World { asked, ..two_rules(datasets, flavours) }.prove("plain, two rules");
    }
}

#[test]
fn engine_equals_reference_for_all_plain_policies_of_three_rules() {
    for (datasets, put) in [(Datasets::None, Put::OneCaller), (Datasets::Outer, Put::OneAddress)] {
        let flavours = product(&SINGLE, &[P, Group], &WINDOWS, &[Normal]);
        let (places, asked) = (Place::nodes(), ALONE.map(set).to_vec());
        World { places, asked, rules: 3, put, ..two_rules(datasets, flavours) }.prove("plain, three rules");
    }
}

#[test]
fn engine_equals_reference_for_all_subjects_of_three_rules() {
    let flavours = product(&[CHANGE], &[P, Q, Group], &[Always], &[Normal]);
    let instants = vec![flavour::before_edge()];
    World { rules: 3, instants, ..two_rules(Datasets::None, flavours) }.prove("subjects, three rules");
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
        let flavours = product(&operations, &[Group], &[Always], &PRIORITIES);
        let (asked, instants) = (asked.map(set).to_vec(), vec![flavour::before_edge()]);
        World { asked, instants, ..two_rules(datasets, flavours) }.prove("operations");
    }
}

#[test]
fn engine_equals_reference_for_all_subjects_and_windows_of_two_rules() {
    for datasets in [Datasets::None, Datasets::Outer] {
        let flavours = product(&[CHANGE], &[P, Q, Group, GroupUnlessP], &WINDOWS, &PRIORITIES);
        two_rules(datasets, flavours).prove("subjects and time");
    }
}

#[test]
fn engine_equals_reference_for_all_classes_and_windows_of_two_rules() {
    for datasets in [Datasets::OuterShort, Datasets::NestedShort] {
        let flavours = product(&[CHANGE], &[P, GroupUnlessP], &WINDOWS, &PRIORITIES);
        two_rules(datasets, flavours).prove("classes and time");
    }
}

#[test]
fn engine_equals_reference_for_three_rules_of_eight_flavours() {
    let flavour = |effect, words, who, when, priority| Flavour {
        effect,
        operations: set(words),
        when,
        priority,
        who: vec![who],
    };
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
        let asked = ["read", "list+create"].map(set).to_vec();
        let world = two_rules(datasets, flavours.clone());
        World { dialect: Dialect::Aws, rules: 3, asked, ..world }.prove("eight flavours");
    }
}
