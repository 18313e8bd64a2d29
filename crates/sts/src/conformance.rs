//! The suite that every minter and every wrapper passes.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a suite fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{
    AccessToken, Caller, Clock, Credential, OperationSet, Part, Principal, Proof, Target, Timestamp,
};
use lakegate_policy::{Grant, PolicyDocument, Scope, Snapshot};

use crate::{MintError, Minter};

/// What the suite mints, decided by policy at one instant.
#[derive(Debug, Clone)]
pub struct Scopes {
    /// `read+list` at `gs://lake/wh/sales/`.
    pub plain: Scope,
    /// `read+list` at `gs://lake/wh/hr/`.
    pub other: Scope,
    /// Two parts: reading from `wh/sales/`, writing to `wh/hr/`.
    pub several: Scope,
    /// `read+list` at `gs://lake/wh/trial/`, which ends 20 minutes after the decision.
    pub ended: Scope,
    /// The same for `gs://lake/wh/flash/`, which ends after 20 seconds.
    pub too_soon: Scope,
    /// `read+list` at a prefix so long that no boundary holds it.
    pub inexpressible: Scope,
}

impl Scopes {
    /// Decides all of them at `now`, for the bucket `lake`.
    pub fn decided_at(now: Timestamp) -> Self {
        let until = |life| now.plus(life).to_string();
        let policy = POLICY
            .replace("TRIAL_END", &until(Duration::from_mins(20)))
            .replace("FLASH_END", &until(Duration::from_secs(20)));
        let policy = PolicyDocument::from_yaml(&policy).expect("the policy is well-formed");
        let long = ["gs://lake/long/", &"n".repeat(900), "/"].concat();
        let reading = |path: &str| decide(&policy, &[(path, "read+list")], now);
        let ended = |path| reading(path).ended_scope().expect("the rule ends within a token's life").clone();
        Self {
            plain: reading("gs://lake/wh/sales/").scope().clone(),
            other: reading("gs://lake/wh/hr/").scope().clone(),
            several: decide(&policy, &[("gs://lake/wh/sales/", "read"), ("gs://lake/wh/hr/", "write")], now)
                .scope()
                .clone(),
            ended: ended("gs://lake/wh/trial/"),
            too_soon: ended("gs://lake/wh/flash/"),
            inexpressible: reading(&long).scope().clone(),
        }
    }
}

const POLICY: &str = r"
version: 1
storages:
  - { id: lake, dialect: gcs, buckets: [lake] }
rules:
  - { id: a, effect: allow, on: { prefix: gs://lake/wh/sales/ }, to: ['principal:u'], operations: [read, list, write, delete] }
  - { id: b, effect: allow, on: { prefix: gs://lake/wh/hr/ }, to: ['principal:u'], operations: [read, list, write, delete] }
  - { id: c, effect: allow, on: { prefix: gs://lake/long/ }, to: ['principal:u'], operations: [read, list] }
  - { id: d, effect: deny, on: { prefix: gs://lake/long/other/ }, to: ['principal:u'], operations: [read, list] }
  - id: e
    effect: allow
    on: { prefix: gs://lake/wh/trial/ }
    to: ['principal:u']
    operations: [read, list]
    windows: [{ until: 'TRIAL_END' }]
  - id: f
    effect: allow
    on: { prefix: gs://lake/wh/flash/ }
    to: ['principal:u']
    operations: [read, list]
    windows: [{ until: 'FLASH_END' }]
";

/// What a policy grants to the principal `u` for parts of (path, operations).
pub fn decide(policy: &PolicyDocument, parts: &[(&str, &str)], now: Timestamp) -> Grant {
    let snapshot = Snapshot::compile(policy).expect("the policy compiles");
    let part = |(path, operations): &(&str, &str)| {
        let target = Target::parse(path).expect("the path is valid");
        Part::new(target, OperationSet::parse(operations).expect("the operations are valid"))
    };
    let parts: Vec<Part> = parts.iter().map(|pair| part(pair).expect("operations are named")).collect();
    let caller = Caller::new(Principal::parse("u").expect("the name is valid"), Proof::ClientCertificate);
    snapshot.decide(&caller, &parts, now).expect("policy allows it")
}

/// Runs the whole suite: scopes are decided at the clock's present instant. The minter must reach a cloud with a
/// bucket `lake`; about seven calls are made.
pub async fn run(minter: Arc<dyn Minter>, clock: Arc<dyn Clock>) {
    let scopes = Scopes::decided_at(clock.now());
    tokens_are_of_their_scope(&*minter, &*clock, &scopes).await;
    ends_are_kept(&*minter, &scopes).await;
    what_cannot_be_expressed_is_refused(&*minter, &scopes).await;
}

async fn tokens_are_of_their_scope(minter: &dyn Minter, clock: &dyn Clock, scopes: &Scopes) {
    let mut seen = Vec::new();
    for (scope, snapshot) in [(&scopes.plain, 7), (&scopes.other, 8), (&scopes.several, 9)] {
        assert_eq!(minter.expressible(scope), Ok(()));
        let before = clock.now();
        let token = minter.mint(scope, snapshot).await.expect("a token is minted");
        assert_eq!(token.scope_tag, scope.tag(), "the token names its scope");
        assert_eq!(token.snapshot, snapshot, "the token names the snapshot that allowed it");
        assert!(before <= token.minted_at && token.minted_at <= clock.now(), "it was minted now");
        assert!(token.life() >= minter.lives().shortest, "it lives long enough");
        assert!(token.life() <= scope.terms().token_life, "it lives not longer than its class says");
        let text = bearer(&token);
        assert!(!text.is_empty() && !format!("{token:?}").contains(&text), "it hides from debug output");
        assert!(!seen.contains(&text), "two scopes never share a token");
        seen.push(text);
    }
}

fn bearer(token: &AccessToken) -> String {
    let Credential::Bearer(secret) = &token.credential else { return String::new() };
    secret.expose().to_owned()
}

async fn ends_are_kept(minter: &dyn Minter, scopes: &Scopes) {
    let outcome = minter.mint(&scopes.ended, 1).await;
    if minter.lives().ends_early {
        let token = outcome.expect("a token that ends early is minted");
        let end = scopes.ended.end().expect("the scope ends");
        assert!(token.expires_at <= end, "it ends with its scope");
        assert!(token.life() >= minter.lives().shortest, "it lives long enough");
    } else {
        assert_eq!(outcome.err(), Some(MintError::CannotEndEarly));
    }
    assert_eq!(minter.mint(&scopes.too_soon, 1).await.err(), Some(MintError::TooShort));
}

async fn what_cannot_be_expressed_is_refused(minter: &dyn Minter, scopes: &Scopes) {
    let fact = minter.expressible(&scopes.inexpressible).expect_err("the name is too long for a boundary");
    let outcome = minter.mint(&scopes.inexpressible, 1).await;
    assert_eq!(outcome.err(), Some(MintError::NotExpressible(fact)));
}
