//! Windows, ends and overrun.

use lakegate_domain::Timestamp;

use crate::testing::{DENIED, at, caller, part, policy};
use crate::{Grant, Snapshot};

const SALES: &str = "
datasets:
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
rules:
";

fn rules(rules: &str) -> Snapshot {
    policy(&[SALES, rules].concat())
}

fn ask(policy: &Snapshot, path: &str, now: i64) -> Result<Grant, String> {
    policy.decide(&caller("ann"), &[part(path)], at(now)).map_err(|refusal| refusal.to_string())
}

const READ: &str =
    "{ id: read, effect: allow, on: { dataset: sales }, to: ['principal:ann'], operations: [read, list]";

#[test]
fn ps04_a_window_is_half_open_in_utc() {
    let policy = rules(
        &["- ", READ, ", windows: [{ from: '1970-01-01T01:00:10+01:00', until: '1970-01-01T00:00:20Z' }] }"]
            .concat(),
    );
    let allowed = |now| ask(&policy, "gs://lake/wh/sales/x read", now).is_ok();
    assert_eq!([9, 10, 19, 20, 21].map(allowed), [false, true, true, false, false]);
    assert_eq!(ask(&policy, "gs://lake/wh/sales/x read", 20).unwrap_err(), DENIED);
}

#[test]
fn ps05_a_grant_that_ends_soon_comes_with_a_scope_that_ends_with_it() {
    let policy = rules(&["- ", READ, ", windows: [{ until: '1970-01-01T00:04:00Z' }] }"].concat());
    let grant = ask(&policy, "gs://lake/wh/sales/x read", 0).unwrap();
    assert_eq!(grant.until(), Some(at(240)));
    let ended = grant.ended_scope().unwrap();
    assert_eq!(ended.end(), Some(at(240)));
    assert_ne!(ended.key(), grant.scope().key());
    assert_eq!(ended.parts(), grant.scope().parts());
    assert!(grant.narrowed());
}

#[test]
fn an_end_after_a_whole_life_needs_no_scope_of_its_own() {
    let policy = rules(&["- ", READ, ", windows: [{ until: '1970-01-01T01:00:00Z' }] }"].concat());
    let grant = ask(&policy, "gs://lake/wh/sales/x read", 0).unwrap();
    assert_eq!((grant.until(), grant.ended_scope()), (Some(at(3600)), None));
    assert!(!grant.narrowed());
    assert!(ask(&policy, "gs://lake/wh/sales/x read", 1).unwrap().ended_scope().is_some());
}

#[test]
fn until_looks_past_ends_that_another_rule_bridges() {
    let second = "\n- { id: more, effect: allow, on: { prefix: 'gs://lake/' }, to: ['principal:ann'], operations: [read, list], windows: [{ from: '1970-01-01T00:00:10Z', until: '1970-01-01T00:00:30Z' }] }";
    let policy = rules(&["- ", READ, ", windows: [{ until: '1970-01-01T00:00:20Z' }] }", second].concat());
    assert_eq!(ask(&policy, "gs://lake/wh/sales/x read", 0).unwrap().until(), Some(at(30)));
}

#[test]
fn a_rule_that_begins_when_another_ends_leaves_no_gap() {
    let second = "\n- { id: zz, effect: allow, on: { dataset: sales }, to: ['principal:ann'], operations: [read, list], windows: [{ from: '1970-01-01T00:00:20Z' }] }";
    let policy = rules(&["- ", READ, ", windows: [{ until: '1970-01-01T00:00:20Z' }] }", second].concat());
    let grant = ask(&policy, "gs://lake/wh/sales/x read", 0).unwrap();
    assert_eq!((grant.until(), grant.narrowed()), (None, false));
}

#[test]
fn a_deny_that_begins_inside_ends_the_whole_and_narrows_what_outlives_it() {
    let deny = "\n- { id: no, effect: deny, on: { prefix: 'gs://lake/wh/sales/eu/' }, to: ['principal:ann'], operations: [read], windows: [{ from: '1970-01-01T00:10:00Z', until: '1970-01-01T00:20:00Z' }] }";
    let policy = rules(&["- ", READ, " }", deny].concat());
    let until = |path: &str| {
        let grant = ask(&policy, path, 0).unwrap();
        (grant.scope().parts()[0].target().to_string(), grant.until())
    };
    assert_eq!(until("gs://lake/wh/sales/us/f read"), ("gs://lake/wh/sales/us/".into(), None));
    assert_eq!(until("gs://lake/wh/sales/ read"), ("gs://lake/wh/sales/".into(), Some(at(600))));
    assert_eq!(
        until("gs://lake/wh/sales/eu/f read"),
        ("gs://lake/wh/sales/".into(), Some(at(600))),
        "what ends by itself at 600 shares the scope that ends at 600"
    );
    assert_eq!(ask(&policy, "gs://lake/wh/sales/us/f read", 1200).unwrap().until(), None);
}

#[test]
fn rounding_never_shortens_what_was_asked() {
    let policy = rules(
        "
- { id: r, effect: allow, on: { dataset: sales }, to: ['principal:ann'], operations: [read] }
- { id: l, effect: allow, on: { dataset: sales }, to: ['principal:ann'], operations: [list], windows: [{ until: '1970-01-01T00:10:00Z' }] }",
    );
    let grant = ask(&policy, "gs://lake/wh/sales/x read", 0).unwrap();
    assert_eq!(grant.scope().parts()[0].to_string(), "gs://lake/wh/sales/ [read]");
    assert_eq!(grant.until(), None);
}

#[test]
fn overrun_moves_ends_of_allow_rules_and_no_more_than_a_life() {
    let ends = |overrun: &str, more: &str| -> (Option<Timestamp>, Option<Timestamp>) {
        let rule = [
            "- ",
            READ,
            ", windows: [{ until: '1970-01-01T00:04:00Z' }], overrun_seconds: ",
            overrun,
            " }",
            more,
        ];
        let grant = ask(&rules(&rule.concat()), "gs://lake/wh/sales/x read", 0).unwrap();
        (grant.until(), grant.overrun_until())
    };
    assert_eq!(ends("0", ""), (Some(at(240)), Some(at(240))));
    assert_eq!(ends("600", ""), (Some(at(240)), Some(at(840))));
    assert_eq!(ends("999999", ""), (Some(at(240)), Some(at(3840))));
    let later = "\n- { id: b, effect: allow, on: { dataset: sales }, to: ['principal:ann'], operations: [read, list], windows: [{ from: '1970-01-01T00:10:00Z' }] }";
    assert_eq!(ends("600", later), (Some(at(240)), None), "the gap is bridged");
    let deny = "\n- { id: no, effect: deny, on: { dataset: sales }, to: ['principal:ann'], operations: [read], windows: [{ from: '1970-01-01T00:05:00Z' }] }";
    assert_eq!(ends("600", deny), (Some(at(240)), Some(at(300))), "a deny begins when it begins");
}
