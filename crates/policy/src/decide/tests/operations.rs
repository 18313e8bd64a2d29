//! Rounding, closure and listing.

use crate::testing::{DENIED, decide, policy, scope};
use crate::{PolicyDocument, Refusal, Snapshot};

const RULES: &str = "
datasets:
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
rules:
- { id: reader, effect: allow, on: { dataset: sales }, to: ['principal:rita'], operations: [read, list] }
- { id: bare, effect: allow, on: { dataset: sales }, to: ['principal:bare'], operations: [read] }
- { id: writer, effect: allow, on: { dataset: sales }, to: ['principal:will'], operations: [read, list, write, delete] }
- { id: half, effect: allow, on: { dataset: sales }, to: ['principal:hal'], operations: [read, write] }
";

#[test]
fn operations_are_rounded_up_to_the_smallest_set_that_the_caller_may_have() {
    let policy = policy(RULES);
    let at = |who, asked: &str| scope(&policy, who, &[&["gs://lake/wh/sales/x ", asked].concat()]);
    assert_eq!(at("rita", "read"), "gs://lake/wh/sales/ [read+list]");
    assert_eq!(at("bare", "read"), "gs://lake/wh/sales/ [read]");
    assert_eq!(at("will", "read"), "gs://lake/wh/sales/ [read+list]");
    assert_eq!(at("will", "read+delete"), "gs://lake/wh/sales/ [read+list+create+write+delete]");
    assert_eq!(at("rita", "write"), DENIED);
}

#[test]
fn exact_operations_switch_rounding_off() {
    let text = "
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake], exact_operations: true }]
projects: [{ name: growth }]
datasets: [{ name: sales, prefix: 'gs://lake/wh/sales/', project: growth }]
rules: [{ id: r, effect: allow, on: { dataset: sales }, to: ['principal:rita'], operations: [read, list] }]";
    let policy = Snapshot::compile(&PolicyDocument::from_yaml(text).unwrap()).unwrap();
    assert_eq!(scope(&policy, "rita", &["gs://lake/wh/sales/x read"]), "gs://lake/wh/sales/ [read]");
    assert!(decide(&policy, "rita", &["gs://lake/wh/sales/x read"]).unwrap().narrowed());
    assert!(!decide(&policy, "rita", &["gs://lake/wh/sales/x read+list"]).unwrap().narrowed());
}

#[test]
fn what_the_storage_cannot_separate_is_said_only_to_whom_policy_allows_the_rest() {
    let policy = policy(RULES);
    let refusal = decide(&policy, "hal", &["gs://lake/wh/sales/x write"]).unwrap_err();
    assert!(matches!(refusal, Refusal::NotSeparable { .. }), "{refusal}");
    assert_eq!(refusal.to_string(), "storage cannot separate write from create+write+delete");
    assert_eq!(scope(&policy, "hal", &["gs://lake/wh/sales/x create"]), "gs://lake/wh/sales/ [create]");
    assert_eq!(scope(&policy, "eve", &["gs://lake/wh/sales/x write"]), DENIED);
}

#[test]
fn rp17_a_read_grant_does_not_write() {
    let policy = policy(RULES);
    for asked in ["write", "create", "delete", "read+write"] {
        assert_eq!(scope(&policy, "bare", &[&["gs://lake/wh/sales/x ", asked].concat()]), DENIED);
    }
}

#[test]
fn listing_an_object_takes_the_prefix_of_its_name() {
    let policy = policy(
        "
rules:
- { id: r, effect: allow, on: { prefix: 'gs://lake/a/b/' }, to: ['principal:ann'], operations: [read, list] }
- { id: o, effect: allow, on: { object: 'gs://lake/o' }, to: ['principal:ann'], operations: [read, list] }",
    );
    assert_eq!(scope(&policy, "ann", &["gs://lake/a/b list"]), "gs://lake/a/b/ [read+list]");
    assert_eq!(scope(&policy, "ann", &["gs://lake/o list"]), DENIED);
    assert_eq!(scope(&policy, "ann", &["gs://lake/o read"]), "gs://lake/o [read]");
}

#[test]
fn a_set_is_rounded_up_to_only_when_its_closure_is_allowed_too() {
    let text = "
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake], operation_sets: [[read, write], [read, create, list]] }]
rules: [{ id: r, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['principal:ann'], operations: [read, list, write] }]";
    let policy = Snapshot::compile(&PolicyDocument::from_yaml(text).unwrap()).unwrap();
    let read = scope(&policy, "ann", &["gs://lake/wh/x read"]);
    assert_eq!(read, "gs://lake/wh/ [read+list+create]", "read+write would delete");
}
