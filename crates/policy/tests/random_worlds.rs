//! Engine and reference agree on random policies of larger worlds; every grant is probed; order does not matter, nor
//! do rules for others, nor how a rule comes to concern the caller; rules act in one direction.
//!
//! The worlds: up to twelve rules, six principals and a stranger, three nested groups, two projects, two storages of
//! different dialects, paths up to five levels deep that share their ancestors, up to five datasets with three
//! classes (one attributed per principal), windows whose edges fall around the ends of tokens, overrides, overruns,
//! traversal, exact operations, custom operation sets, and requests of one to four parts.
//!
//! The seed is fixed, so a run is the same everywhere. To look for more, raise [`CASES`] or change [`SEED`].

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod large;
mod reference;
mod universe;

use lakegate_domain::{Caller, Part, Proof, Target};
use lakegate_policy::{Effect, Grant, Priority, Refusal, Scope, Snapshot};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use large::World;
use reference::{Answer, Points, Reference};

/// How many worlds are compared with the reference.
const CASES: u32 = 20_000;

/// Where the random worlds begin.
const SEED: u64 = 20_260_131;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(SEED),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

/// The engine's answers to all requests of the world.
fn answers(world: &World) -> Vec<Result<Grant, Refusal>> {
    let snapshot = Snapshot::compile(&world.document).unwrap();
    world.requests.iter().map(|(caller, parts)| snapshot.decide(caller, parts, large::now())).collect()
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn engine_equals_reference_and_no_grant_reaches_a_denied_point(world in large::world()) {
        let asked: Vec<&Target> = world.requests.iter().flat_map(|(_, parts)| parts.iter().map(Part::target)).collect();
        let points = Points::new(universe::universe(&world.document, asked));
        let reference = Reference::new(&world.document, &points);
        let answers = answers(&world);
        for ((caller, parts), decision) in world.requests.iter().zip(answers) {
            let view = reference.view(caller, large::now());
            let (answer, expected) = (Answer::of(&decision, parts), view.decide(parts));
            prop_assert_eq!(answer, expected, "{:?} asks {:?}", caller, parts);
            if let Ok(grant) = &decision {
                view.probe(grant);
                prop_assert_eq!(grant.snapshot(), world.document.version);
                for scope in [Some(grant.scope()), grant.ended_scope()].into_iter().flatten() {
                    prop_assert_eq!(*scope.key().as_bytes(), large::key::of(scope));
                }
            }
            if let Err(Refusal::Denied { rule: Some(id) }) = &decision {
                let rule = world.document.rules.iter().find(|rule| rule.id == *id).unwrap();
                prop_assert_eq!(rule.effect, Effect::Deny);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(CASES / 4))]

    #[test]
    fn order_of_a_document_and_of_parts_changes_nothing(
        (world, shuffled) in large::world().prop_flat_map(|world| { let same = world.clone(); (Just(world), large::shuffled(same)) }),
    ) {
        let requests = world.requests.iter().map(|(_, parts)| parts);
        for ((decision, again), parts) in answers(&world).iter().zip(answers(&shuffled)).zip(requests) {
            prop_assert_eq!(Answer::of(decision, parts), Answer::of(&again, parts));
            if let (Ok(grant), Ok(again)) = (decision, again) {
                prop_assert_eq!(grant.scope().key(), again.scope().key());
                prop_assert_eq!(grant.ended_scope().map(Scope::key), again.ended_scope().map(Scope::key));
            }
        }
    }

    #[test]
    fn an_answer_depends_on_the_caller_only_through_the_rules_that_concern_it(world in large::world()) {
        let points = Points::new(vec![]);
        let reference = Reference::new(&world.document, &points);
        for ((caller, parts), decision) in world.requests.iter().zip(answers(&world)) {
            let alone = large::addressed_to(caller, &world.document, &reference.concerning(caller));
            if alone.rules.is_empty() {
                prop_assert!(decision.is_err()); // Without rules the document would be refused.
                continue;
            }
            let stripped = Caller::new(caller.principal().clone(), Proof::ClientCertificate);
            let snapshot = Snapshot::compile(&alone).unwrap();
            prop_assert_eq!(snapshot.decide(&stripped, parts, large::now()), decision);
        }
    }

    #[test]
    fn one_more_deny_rule_takes_and_one_more_allow_rule_gives(world in large::world()) {
        let (last, rest) = world.document.rules.split_last().unwrap();
        if rest.is_empty() {
            return Ok(()); // Without rules the document would be refused.
        }
        let mut without = world.clone();
        without.document.rules = rest.to_vec();
        for (decision, before) in answers(&world).iter().zip(answers(&without)) {
            match last.effect {
                Effect::Allow => prop_assert!(decision.is_ok() || before.is_err(), "an allow rule took"),
                Effect::Deny => prop_assert!(decision.is_err() || before.is_ok(), "a deny rule gave"),
            }
        }
    }

    #[test]
    fn one_override_that_denies_everything_to_everyone_leaves_nothing(world in large::world()) {
        let mut document = world.document.clone();
        document.rules.extend(large::deny_everything(&world.document));
        prop_assert!(document.rules.iter().any(|rule| rule.priority == Priority::Override));
        let closed = World { document, ..world };
        for decision in answers(&closed) {
            prop_assert!(decision.is_err());
        }
    }
}
