//! What `policy check` says.

use crate::testing::policy;

const DATASETS: &str = "
datasets:
- { name: wh, prefix: 'gs://lake/wh/', project: growth }
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
- { name: idle, prefix: 'gs://lake/idle/', project: growth }
";

fn findings(rules: &str) -> Vec<String> {
    policy(&[DATASETS, "rules:\n", rules].concat()).lint()
}

fn says(rules: &str, finding: &str) -> bool {
    findings(rules).iter().any(|line| line == finding)
}

const READ: &str =
    "- { id: read, effect: allow, on: { dataset: wh }, to: ['group:analysts'], operations: [read, list] }\n";

#[test]
fn a_sound_document_has_one_finding_for_its_idle_dataset() {
    assert_eq!(findings(READ), ["dataset idle: no allow rule lies at, above or inside it"]);
}

#[test]
fn a_nested_deny_names_every_home_that_it_cuts_and_how_deep() {
    let rules = [
        READ,
        "- { id: no, effect: deny, on: { prefix: 'gs://lake/wh/sales/a/b/' }, to: ['group:analysts'], operations: [read] }",
    ]
    .concat();
    let cut = |home, levels| {
        format!("rule no: cuts dataset {home}; whom it concerns gets narrowed scopes over {levels}")
    };
    assert!(says(&rules, &cut("wh", "3 levels")), "{:?}", findings(&rules));
    assert!(says(&rules, &cut("sales", "2 levels")));
}

#[test]
fn a_deny_outside_datasets_cuts_the_nearest_allow_rule() {
    let rules = "
- { id: raw, effect: allow, on: { prefix: 'gs://lake/raw/' }, to: ['group:analysts'], operations: [read] }
- { id: no, effect: deny, on: { object: 'gs://lake/raw/x' }, to: ['group:analysts'], operations: [read] }";
    assert!(says(
        rules,
        "rule no: cuts the prefix of rule raw; whom it concerns gets narrowed scopes over 1 level"
    ));
}

#[test]
fn what_the_provider_cannot_separate_is_named() {
    let rules = "
- { id: w, effect: allow, on: { dataset: wh }, to: ['group:analysts'], operations: [write] }
- { id: d, effect: allow, on: { dataset: wh }, to: ['group:analysts'], operations: [delete] }";
    assert!(says(rules, "rule w: allows write without delete, which gcs cannot separate"));
    assert!(says(rules, "rule d: allows delete without create+write, which gcs cannot separate"));
}

#[test]
fn rules_that_concern_nobody_are_named() {
    let rules = "
- { id: a, effect: allow, on: { dataset: wh }, to: ['principal:ann'], unless: ['group:analysts'], operations: [read] }
- { id: b, effect: allow, on: { dataset: wh }, to: ['project:hr'], operations: [read] }
- { id: c, effect: allow, on: { dataset: wh }, to: ['principal:bob'], unless: ['group:analysts'], operations: [read] }
- { id: d, effect: allow, on: { dataset: wh }, to: ['project:growth'], operations: [read] }
- { id: e, effect: allow, on: { dataset: wh }, to: [everyone], unless: [everyone], operations: [read], allow_everyone: true }";
    let found = findings(rules);
    let never = |id| found.contains(&format!("rule {id}: can never concern anybody"));
    assert_eq!(["a", "b", "c", "d", "e"].map(never), [true, true, false, false, true]);
}

#[test]
fn ps07_groups_without_members_by_which_rights_are_taken_away_are_named() {
    let groups = "
- { name: outside }
- { name: around, members: ['group:outside'] }
- { name: known, members: ['principal:eve'] }
- { name: half, members: ['group:outside', 'group:known'] }
";
    let rule = |id: &str, effect: &str, to: &str, unless: &str| {
        format!(
            "- {{ id: {id}, effect: {effect}, on: {{ dataset: wh }}, to: ['{to}'], unless: [{unless}], operations: [read] }}\n"
        )
    };
    let rules = [
        rule("a", "allow", "group:outside", "'group:around', 'group:half'"),
        rule("b", "deny", "group:outside", "'group:around'"),
        rule("c", "deny", "group:known", ""),
    ]
    .concat();
    let found = policy(&[groups, DATASETS, "rules:\n", &rules].concat()).lint();
    let found: Vec<_> = found.iter().filter(|line| line.contains("no member here")).collect();
    let after = "which has no member here; whom a source outside loses, it does not stop";
    assert_eq!(
        found,
        [
            &format!("rule a: leaves out group around, {after}"),
            &format!("rule b: denies group outside, {after}")
        ]
    );
}

#[test]
fn rp06_look_alikes_in_paths_and_listing_of_objects_are_named() {
    let rules = "
- { id: r, effect: allow, on: { object: \"gs://lake/wh/s\\u0430les\" }, to: ['group:analysts'], operations: [list] }";
    assert!(says(rules, "rule r: its path holds Latin letters mixed with Greek or Cyrillic ones"));
    assert!(says(rules, "rule r: allows list on an object, which is never granted"));
}
