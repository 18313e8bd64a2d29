//! Where rules reach, and which prefix is chosen.

use crate::testing::{DENIED, at, caller, decide, part, policy, scope};

const SALES: &str = "
datasets:
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
rules:
- { id: read, effect: allow, on: { dataset: sales }, to: ['principal:ann', 'principal:bob'], operations: [read, list] }
";

#[test]
fn rp03_a_grant_on_a_name_does_not_reach_names_that_begin_with_it() {
    let policy = policy(SALES);
    for outside in ["gs://lake/wh/sales_secret/x", "gs://lake/wh/sales2", "gs://lake/wh/sales.bak/x"] {
        assert_eq!(scope(&policy, "ann", &[&[outside, " read"].concat()]), DENIED);
    }
    for inside in ["gs://lake/wh/sales/x", "gs://lake/wh/sales/a/b/c", "gs://lake/wh/sales"] {
        let scope = scope(&policy, "ann", &[&[inside, " read"].concat()]);
        assert_eq!(scope, "gs://lake/wh/sales/ [read+list]");
    }
}

#[test]
fn rp04_a_rule_on_an_object_reaches_that_object_only() {
    let policy = policy(
        "rules: [{ id: one, effect: allow, on: { object: 'gs://lake/a/b' }, to: ['principal:ann'], operations: [read] }]",
    );
    assert_eq!(scope(&policy, "ann", &["gs://lake/a/b read"]), "gs://lake/a/b [read]");
    for other in ["gs://lake/a/b/ read", "gs://lake/a/b/c read", "gs://lake/a/bc read", "gs://lake/a read"] {
        assert_eq!(scope(&policy, "ann", &[other]), DENIED);
    }
}

#[test]
fn rp15_a_deny_inside_narrows_the_scope_and_refuses_the_listing_above_it() {
    let policy = policy(&[SALES, "- { id: no, effect: deny, on: { prefix: 'gs://lake/wh/sales/eu/hr/' }, to: ['principal:ann'], operations: [read, list] }"].concat());
    let ann = |path: &str| scope(&policy, "ann", &[path]);
    assert_eq!(ann("gs://lake/wh/sales/ list"), DENIED);
    assert_eq!(ann("gs://lake/wh/sales/eu/ list"), DENIED);
    assert_eq!(ann("gs://lake/wh/sales/eu/hr/x read"), DENIED);
    assert_eq!(ann("gs://lake/wh/sales/eu/hr read"), DENIED, "the slashless object is reached too");
    assert_eq!(ann("gs://lake/wh/sales/us/a/b read"), "gs://lake/wh/sales/us/ [read+list]");
    assert_eq!(ann("gs://lake/wh/sales/eu/it/b read"), "gs://lake/wh/sales/eu/it/ [read+list]");
    assert_eq!(ann("gs://lake/wh/sales/eu/f read"), "gs://lake/wh/sales/eu/f/ [read+list]");
    assert_eq!(ann("gs://lake/wh/sales/eu read"), "gs://lake/wh/sales/eu [read]");
    assert_eq!(scope(&policy, "bob", &["gs://lake/wh/sales/eu/f read"]), "gs://lake/wh/sales/ [read+list]");
}

#[test]
fn a_deny_on_one_object_cuts_every_prefix_that_covers_it() {
    let policy = policy(&[SALES, "- { id: no, effect: deny, on: { object: 'gs://lake/wh/sales/eu' }, to: ['principal:ann'], operations: [read] }"].concat());
    let ann = |path: &str| scope(&policy, "ann", &[path]);
    assert_eq!(ann("gs://lake/wh/sales/eu read"), DENIED);
    assert_eq!(ann("gs://lake/wh/sales/eu/ list"), "gs://lake/wh/sales/ [list]", "read alone is denied");
    assert_eq!(ann("gs://lake/wh/sales/eu/ read"), DENIED, "the prefix covers the object of its name");
    assert_eq!(ann("gs://lake/wh/sales/eu/a/b read"), "gs://lake/wh/sales/eu/a/ [read+list]");
}

#[test]
fn an_override_allow_inside_a_deny_makes_the_outer_prefix_whole_again() {
    let rules = "
- { id: no, effect: deny, on: { prefix: 'gs://lake/wh/sales/eu/' }, to: ['principal:ann'], operations: [read, list] }
- { id: but, effect: allow, on: { prefix: 'gs://lake/wh/sales/eu/' }, to: ['principal:ann'], operations: [read, list], priority: override }";
    let policy = policy(&[SALES, rules].concat());
    assert_eq!(scope(&policy, "ann", &["gs://lake/wh/sales/eu/x read"]), "gs://lake/wh/sales/ [read+list]");
}

#[test]
fn ps11_a_decision_for_a_partition_yields_the_table_only_to_who_may_have_all_of_it() {
    let rules = "
- { id: p1, effect: allow, on: { prefix: 'gs://lake/wh/sales/p=1/' }, to: ['principal:cid'], operations: [read, list] }";
    let policy = policy(&[SALES, rules].concat());
    assert_eq!(
        scope(&policy, "cid", &["gs://lake/wh/sales/p=1/f read"]),
        "gs://lake/wh/sales/p=1/ [read+list]"
    );
    assert_eq!(scope(&policy, "cid", &["gs://lake/wh/sales/ read"]), DENIED);
    assert_eq!(scope(&policy, "ann", &["gs://lake/wh/sales/p=1/f read"]), "gs://lake/wh/sales/ [read+list]");
}

#[test]
fn under_no_dataset_the_deepest_allow_rule_of_the_caller_is_the_home() {
    let policy = policy("
rules:
- { id: raw, effect: allow, on: { prefix: 'gs://lake/raw/' }, to: ['principal:ann'], operations: [read, list] }
- { id: deep, effect: allow, on: { prefix: 'gs://lake/raw/a/' }, to: ['principal:ann'], operations: [delete] }
- { id: others, effect: allow, on: { prefix: 'gs://lake/raw/a/b/' }, to: ['principal:bob'], operations: [read] }");
    assert_eq!(scope(&policy, "ann", &["gs://lake/raw/a/b/c read"]), "gs://lake/raw/a/ [read+list]");
    assert_eq!(scope(&policy, "ann", &["gs://lake/raw/x read"]), "gs://lake/raw/ [read+list]");
    assert!(decide(&policy, "ann", &["gs://lake/raw/x read"]).unwrap().narrowed());
}

#[test]
fn a_scope_holds_no_dataset_of_another_class() {
    let policy = policy(
        "
datasets:
- { name: wh, prefix: 'gs://lake/wh/', project: growth }
- { name: pay, prefix: 'gs://lake/wh/pay/', project: growth, class: short }
rules:
- { id: read, effect: allow, on: { dataset: wh }, to: ['principal:ann'], operations: [read, list] }",
    );
    assert_eq!(scope(&policy, "ann", &["gs://lake/wh/x/f read"]), "gs://lake/wh/x/ [read+list]");
    assert_eq!(scope(&policy, "ann", &["gs://lake/wh/ list"]), DENIED);
    let pay = decide(&policy, "ann", &["gs://lake/wh/pay/f read"]).unwrap();
    assert_eq!(pay.scope().terms().token_life.as_secs(), 900);
    assert!(!pay.narrowed());
    let keys: Vec<_> = policy.plain_scopes().iter().map(|plain| plain.dataset().to_string()).collect();
    assert_eq!(keys, ["pay"], "wh is never whole");
}

#[test]
fn traverse_lets_read_the_names_of_ancestors_and_nothing_else() {
    let head = "
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake], traverse: true }]
rules:
- { id: r, effect: allow, on: { prefix: 'gs://lake/wh/db/t/' }, to: ['principal:ann'], operations: [write] }
- { id: o, effect: allow, on: { object: 'gs://lake/x/y' }, to: ['principal:ann'], operations: [read] }";
    let document = crate::PolicyDocument::from_yaml(head).unwrap();
    let policy = crate::Snapshot::compile(&document).unwrap();
    for ancestor in ["gs://lake/wh", "gs://lake/wh/db", "gs://lake/x"] {
        assert_eq!(scope(&policy, "ann", &[&[ancestor, " read"].concat()]), [ancestor, " [read]"].concat());
        assert_eq!(scope(&policy, "ann", &[&[ancestor, "/ list"].concat()]), DENIED);
        assert_eq!(scope(&policy, "bob", &[&[ancestor, " read"].concat()]), DENIED);
    }
    assert_eq!(scope(&policy, "ann", &["gs://lake/wh/db/t read"]), DENIED, "the rule itself stands there");
}

#[test]
fn the_longest_object_name_has_no_prefix_of_its_own() {
    let policy = policy(
        "rules: [{ id: r, effect: allow, on: { prefix: 'gs://lake/' }, to: ['principal:ann'], operations: [read] }, { id: no, effect: deny, on: { object: 'gs://lake/x' }, to: ['principal:ann'], operations: [read] }]",
    );
    let name = "n".repeat(1024);
    let path = ["gs://lake/", &name].concat();
    assert_eq!(scope(&policy, "ann", &[&[&path, " read"].concat()]), [&path, " [read]"].concat());
}

#[test]
fn an_unknown_bucket_is_no_storage() {
    let refusal = decide(&policy(SALES), "ann", &["gs://other/x read"]).unwrap_err();
    assert_eq!(refusal, crate::Refusal::UnknownBucket);
}

#[test]
fn visible_are_datasets_at_above_or_inside_which_a_rule_allows() {
    let policy = policy("
datasets:
- { name: wh, prefix: 'gs://lake/wh/', project: growth }
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
- { name: deep, prefix: 'gs://lake/wh/sales/deep/', project: growth }
- { name: other, prefix: 'gs://lake/wh/other/', project: growth }
rules:
- { id: r, effect: allow, on: { dataset: sales }, to: ['principal:ann'], operations: [read] }
- { id: s, effect: allow, on: { object: 'gs://lake/wh/other' }, to: ['principal:bob'], operations: [read], windows: [{ until: '1970-01-01T00:00:10Z' }] }");
    let names = |who, when| {
        let visible = policy.datasets_visible_to(&caller(who), at(when));
        visible.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names("ann", 0), ["deep", "sales", "wh"]);
    assert_eq!(names("bob", 9), ["other", "wh"]);
    assert!(names("bob", 10).is_empty());
    assert!(names("eve", 0).is_empty());
}

#[test]
fn ps17_the_dataset_of_another_tenant_is_denied_and_shares_no_key() {
    let policy = policy(
        "
datasets:
- { name: a, prefix: 'gs://lake/a/', project: growth }
- { name: b, prefix: 'gs://lake/b/', project: hr }
rules:
- { id: a, effect: allow, on: { dataset: a }, to: ['project:growth'], operations: [read, list] }
- { id: b, effect: allow, on: { dataset: b }, to: ['principal:hal'], operations: [read, list] }",
    );
    assert_eq!(scope(&policy, "pat", &["gs://lake/b/ read"]), DENIED);
    assert_eq!(scope(&policy, "hal", &["gs://lake/a/ read"]), DENIED);
    let key = |who, path| decide(&policy, who, &[path]).unwrap().scope().key();
    assert_ne!(key("pat", "gs://lake/a/ read"), key("hal", "gs://lake/b/ read"));
    let denied = policy.decide(&caller("pat"), &[part("gs://lake/b/ read")], at(0)).unwrap_err();
    assert_eq!(denied.to_string(), DENIED);
}
