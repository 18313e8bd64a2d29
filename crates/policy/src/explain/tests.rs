//! What an explanation shows.

use super::Outcome;
use crate::testing::{at, caller, part, policy};

const POLICY: &str = "
datasets:
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
rules:
- { id: read, effect: allow, on: { dataset: sales }, to: ['group:analysts'], operations: [read, list] }
- { id: no-pii, effect: deny, on: { prefix: 'gs://lake/wh/sales/pii/' }, to: ['group:analysts'], operations: [read] }
- { id: other, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['principal:bob'], operations: [delete] }
- { id: old, effect: allow, on: { dataset: sales }, to: ['group:analysts'], operations: [read], windows: [{ until: '1970-01-01T00:00:00Z' }] }
";

#[test]
fn every_rule_that_reaches_the_target_is_shown_with_its_part_in_the_verdict() {
    let explanation = policy(POLICY).explain(&caller("ann"), &part("gs://lake/wh/sales/a read"), at(0));
    let shown: Vec<_> = explanation
        .rules
        .iter()
        .map(|rule| (rule.id.as_str(), rule.concerns_caller, rule.in_force, rule.deciding))
        .collect();
    assert_eq!(
        shown,
        [("old", true, false, false), ("other", false, true, false), ("read", true, true, true)]
    );
    assert_eq!(explanation.home.unwrap().as_str(), "sales");
    let allowed: Vec<_> = explanation.verdicts.iter().map(|verdict| verdict.allowed).collect();
    assert_eq!(allowed, [true, true, false, false, false]);
    assert!(matches!(explanation.outcome, Outcome::Granted { narrowed: true, .. }));
}

#[test]
fn a_deny_inside_a_prefix_is_shown_as_what_decides() {
    let explanation = policy(POLICY).explain(&caller("ann"), &part("gs://lake/wh/sales/ read"), at(0));
    let deny = explanation.rules.iter().find(|rule| rule.id.as_str() == "no-pii").unwrap();
    assert!(deny.deciding);
    let Outcome::Refused { rule, .. } = explanation.outcome else { panic!("refused") };
    assert_eq!(rule.unwrap().as_str(), "no-pii");
}

#[test]
fn an_explanation_can_be_written_as_json() {
    let policy = policy(POLICY);
    let explanation = policy.explain(&caller("ann"), &part("gs://unknown/x read"), at(0));
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["outcome"]["result"], "refused");
    assert_eq!(json["target"], "gs://unknown/x");
}
