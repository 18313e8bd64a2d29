//! Several parts, plain scopes and refusals.

use std::time::Duration;

use crate::testing::{DENIED, decide, policy, scope};
use crate::{Attribution, Refusal, Staleness};

const POLICY: &str = "
datasets:
- { name: in, prefix: 'gs://lake/in/', project: growth }
- { name: out, prefix: 'gs://lake/out/', project: growth, class: short }
- { name: who, prefix: 'gs://lake/who/', project: growth, class: named }
rules:
- { id: r, effect: allow, on: { dataset: in }, to: ['principal:ann'], operations: [read, list] }
- { id: w, effect: allow, on: { dataset: out }, to: ['principal:ann'], operations: [read, list, write, delete] }
- { id: n, effect: allow, on: { dataset: who }, to: ['principal:ann'], operations: [read, list] }
- { id: s, effect: allow, on: { prefix: 's3://s3lake/' }, to: ['principal:ann'], operations: [read, list, delete] }
- { id: h, effect: allow, on: { prefix: 'gs://lake/half/' }, to: ['principal:ann'], operations: [delete] }
";

#[test]
fn a_copy_gets_the_union_under_the_strictest_terms() {
    let policy = policy(POLICY);
    let grant = decide(&policy, "ann", &["gs://lake/out/x write", "gs://lake/in/x read"]).unwrap();
    let parts: Vec<_> = grant.scope().parts().iter().map(ToString::to_string).collect();
    assert_eq!(parts, ["gs://lake/in/ [read+list]", "gs://lake/out/ [read+list+create+write+delete]"]);
    let terms = grant.scope().terms();
    assert_eq!(terms.token_life, Duration::from_mins(15));
    assert_eq!((terms.attribution, terms.staleness), (Attribution::Shared, Staleness::Strict));
    assert_eq!(terms.classes.len(), 2);
    assert_eq!(grant.datasets().iter().map(ToString::to_string).collect::<Vec<_>>(), ["in", "out"]);
    assert!(grant.narrowed());
    let named = decide(&policy, "ann", &["gs://lake/out/x write", "gs://lake/who/x read"]).unwrap();
    assert!(named.scope().attributed_to().is_some());
}

#[test]
fn the_order_of_parts_does_not_matter_and_covered_ones_go() {
    let policy = policy(POLICY);
    let key = |parts: &[&str]| decide(&policy, "ann", parts).unwrap().scope().key();
    assert_eq!(
        key(&["gs://lake/out/x write", "gs://lake/in/x read"]),
        key(&["gs://lake/in/y read", "gs://lake/out/z delete", "gs://lake/out/z read"]),
    );
    let one = decide(&policy, "ann", &["gs://lake/out/x write", "gs://lake/out/y read"]).unwrap();
    assert_eq!(one.scope().parts().len(), 1);
    assert!(!one.narrowed());
}

#[test]
fn rp16_one_denied_part_denies_all() {
    let policy = policy(POLICY);
    assert_eq!(scope(&policy, "ann", &["gs://lake/in/x read", "gs://lake/in/y delete"]), DENIED);
    assert_eq!(scope(&policy, "ann", &["gs://lake/in/x read", "gs://lake/secret/x read"]), DENIED);
}

#[test]
fn a_denial_comes_before_what_only_the_allowed_may_learn() {
    let policy = policy(POLICY);
    let refusal = |parts: &[&str]| decide(&policy, "ann", parts).unwrap_err();
    let delete = "gs://lake/half/x delete";
    assert!(matches!(refusal(&[delete]), Refusal::NotSeparable { .. }));
    assert!(matches!(refusal(&[delete, "gs://lake/in/x delete"]), Refusal::Denied { .. }));
    assert_eq!(refusal(&["gs://lake/in/x read", "s3://s3lake/x read"]), Refusal::SeveralStorages);
    assert!(matches!(refusal(&["gs://lake/in/x delete", "s3://s3lake/x read"]), Refusal::Denied { .. }));
    assert_eq!(refusal(&["gs://lake/in/x read", "gs://nowhere/x read"]), Refusal::UnknownBucket);
}

#[test]
fn a_request_has_one_to_four_parts() {
    let policy = policy(POLICY);
    assert_eq!(decide(&policy, "ann", &[]), Err(Refusal::PartCount));
    assert!(decide(&policy, "ann", &["gs://lake/in/x read"; 4]).is_ok());
    assert_eq!(decide(&policy, "ann", &["gs://lake/in/x read"; 5]), Err(Refusal::PartCount));
}

#[test]
fn every_plain_grant_has_the_key_of_a_plain_scope() {
    let policy = policy(POLICY);
    let catalogue: Vec<_> = policy
        .plain_scopes()
        .iter()
        .map(|plain| (plain.dataset().to_string(), plain.project().to_string(), plain.scope().key()))
        .collect();
    let key = |path| {
        let grant = decide(&policy, "ann", &[path]).unwrap();
        assert!(!grant.narrowed());
        grant.scope().key()
    };
    let entry = |name: &str, path| (name.to_owned(), "growth".to_owned(), key(path));
    assert_eq!(
        catalogue,
        [
            entry("in", "gs://lake/in/x read"),
            entry("out", "gs://lake/out/x read"),
            entry("out", "gs://lake/out/x write"),
        ]
    );
}
