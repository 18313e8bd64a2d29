//! Soundness by enforcement: whatever token the broker hands out, the storage must not do more with it than policy
//! allows its receiver.
//!
//! Random policies are put into force one after the other in a running deployment. Each token is then tried on every
//! name of the universe, with every kind of storage call, by a client that knows nothing of scopes. What succeeds
//! is held against a verdict that is worked out here from the rules alone; what the answer promised must succeed.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod attempts;
mod worlds;

use std::collections::BTreeSet;

use attempts::Attempts;
use lakegate_client::ClientError;
use lakegate_domain::{Operation, OperationSet, Part, Target};
use lakegate_testkit::{Deployment, Options, RunGenerator};
use worlds::{BUCKET, Dice, PEOPLE, World, universe};

const WORLDS: u64 = 400;
const REQUESTS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_does_more_at_the_storage_than_policy_allows_its_receiver() {
    let mut options = Options::of(World::random(&mut Dice::new(0), 1).document);
    options.generator = RunGenerator::Absent;
    options.limits.narrowed_mints_per_minute = 1_000_000;
    let deployment = Deployment::start(options).await.unwrap();
    let attempts = Attempts::new(&deployment);
    let (mut granted, mut refused, mut tried) = (0, 0, 0);
    for number in 1..=WORLDS {
        let mut dice = Dice::new(number);
        let world = World::random(&mut dice, number + 1);
        deployment.replace_policy(&world.document).unwrap();
        for _ in 0..REQUESTS {
            let person = dice.pick(&PEOPLE);
            let parts = world.request(&mut dice);
            let client = deployment.client(person).unwrap();
            match client.token_for_parts(&parts).await {
                Ok(token) => {
                    granted += 1;
                    tried += hold(&attempts, &world, person, token.credential(), token.covered()).await;
                }
                Err(ClientError::Denied(_) | ClientError::NotSeparable(_)) => refused += 1,
                Err(other) => panic!("world {number}, {person}, {parts:?}: {other}"),
            }
        }
    }
    println!("{WORLDS} policies, {granted} tokens, {refused} refusals, {tried} storage calls");
    assert!(granted > 300 && refused > 300, "the worlds are too generous or too mean to prove anything");
    assert!(deployment.stop().await);
}

/// Tries a token everywhere. Tells how many calls were made.
async fn hold(
    attempts: &Attempts<'_>,
    world: &World,
    person: &str,
    credential: &lakegate_domain::Credential,
    covered: &[Part],
) -> usize {
    let mut tried = 0;
    for name in universe() {
        let done = attempts.on_object(credential, &name).await;
        tried += done.len();
        let allowed = world.allowed(person, &name);
        let promised = promised(covered, &name);
        for (operations, succeeded) in done {
            let context = || {
                format!("{person} with {covered:?} did {operations} on {name}\n{:#?}", world.document.rules)
            };
            assert!(!succeeded || allowed.is_superset(operations), "{}", context());
            assert!(succeeded || !promised.is_superset(operations), "promised but refused: {}", context());
        }
    }
    let folders: BTreeSet<String> = universe()
        .iter()
        .filter_map(|name| name.rsplit_once('/').map(|(folder, _)| [folder, "/"].concat()))
        .collect();
    for folder in folders.iter().map(String::as_str).chain([""]) {
        tried += 1;
        if attempts.list(credential, folder).await {
            for name in universe().iter().filter(|name| name.starts_with(folder)) {
                let may = world.allowed(person, name).contains(Operation::List);
                assert!(
                    may,
                    "{person} with {covered:?} listed {name} below {folder:?}\n{:#?}",
                    world.document.rules
                );
            }
        }
    }
    tried
}

/// What the answer says the token can do to an object, closure included.
fn promised(covered: &[Part], name: &str) -> OperationSet {
    let target = Target::parse(&[BUCKET, name].concat()).unwrap();
    let parts = covered.iter().filter(|part| part.target().covers(&target));
    parts.fold(OperationSet::EMPTY, |all, part| all.union(part.operations()))
}
