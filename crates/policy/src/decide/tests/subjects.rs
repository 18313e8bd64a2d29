//! Whom rules concern, and that order never matters.

use lakegate_domain::{GroupName, Principal};

use crate::testing::{DENIED, at, caller, caller_in, decide, document, part, policy, scope};
use crate::{PolicyDocument, Snapshot, Subject};

const RULES: &str = "
datasets:
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
rules:
- { id: a, effect: allow, on: { dataset: sales }, to: ['group:analysts'], operations: [read, list] }
- { id: b, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['principal:ann'], operations: [read] }
- { id: c, effect: deny, on: { prefix: 'gs://lake/wh/sales/x/' }, to: ['group:analysts'], unless: ['principal:amy'], operations: [read] }
- { id: d, effect: allow, on: { prefix: 'gs://lake/wh/sales/x/' }, to: ['project:growth'], operations: [read], priority: override }
";

#[test]
fn ps03_a_deny_by_group_beats_an_allow_by_name_wherever_each_stands() {
    let policy = policy(
        "
rules:
- { id: a, effect: allow, on: { prefix: 'gs://lake/wh/a/' }, to: ['principal:ann'], operations: [read] }
- { id: d, effect: deny, on: { prefix: 'gs://lake/wh/' }, to: ['group:analysts'], operations: [read] }",
    );
    let refusal = decide(&policy, "ann", &["gs://lake/wh/a/x read"]).unwrap_err();
    assert_eq!(refusal, crate::Refusal::Denied { rule: Some(lakegate_domain::RuleId::parse("d").unwrap()) });
}

#[test]
fn the_highest_priority_with_an_answer_decides() {
    let policy = policy(RULES);
    assert_eq!(scope(&policy, "ann", &["gs://lake/wh/sales/x/f read"]), DENIED);
    assert_eq!(scope(&policy, "pat", &["gs://lake/wh/sales/x/f read"]), "gs://lake/wh/sales/x/ [read]");
}

#[test]
fn an_override_deny_beats_a_normal_allow_and_an_override_allow_a_normal_deny() {
    let rules = |first: &str, second: &str| {
        let rule = |id: &str, what: &str| {
            [
                "- { id: ",
                id,
                ", ",
                what,
                ", on: { prefix: 'gs://lake/wh/' }, to: ['principal:ann'], operations: [read] }\n",
            ]
            .concat()
        };
        let policy = policy(&["rules:\n", &rule("a", first), &rule("b", second)].concat());
        scope(&policy, "ann", &["gs://lake/wh/x read"])
    };
    assert_eq!(rules("effect: deny, priority: override", "effect: allow"), DENIED);
    assert_eq!(rules("effect: deny, priority: override", "effect: allow, priority: override"), DENIED);
    assert_ne!(rules("effect: deny", "effect: allow, priority: override"), DENIED);
}

#[test]
fn unless_takes_a_caller_out_of_a_rule() {
    let policy = policy(RULES);
    let amy = caller_in("amy", &["analysts"]);
    let grant = policy.decide(&amy, &[part("gs://lake/wh/sales/x/f read")], at(0)).unwrap();
    assert_eq!(grant.scope().parts()[0].to_string(), "gs://lake/wh/sales/ [read+list]");
}

#[test]
fn ps08_a_user_is_not_the_group_of_the_same_name() {
    let policy = policy(
        "rules: [{ id: g, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['group:analysts'], operations: [read] }]",
    );
    assert_eq!(scope(&policy, "analysts", &["gs://lake/wh/x read"]), DENIED);
    assert_ne!(scope(&policy, "ann", &["gs://lake/wh/x read"]), DENIED);
    let vouched = caller_in("stranger", &["analysts", "unheard-of"]);
    assert!(policy.decide(&vouched, &[part("gs://lake/wh/x read")], at(0)).is_ok());
    assert!(policy.decide(&caller_in("stranger", &["ann"]), &[part("gs://lake/wh/x read")], at(0)).is_err());
}

#[test]
fn nested_groups_open_outwards_whether_listed_or_vouched_for() {
    let mut document = document(
        "rules: [{ id: g, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['group:outer'], operations: [read] }, { id: p, effect: allow, on: { prefix: 'gs://lake/hr/' }, to: ['project:hr'], operations: [read] }]",
    );
    for (name, member) in [("middle", "analysts"), ("outer", "middle")] {
        document.groups.push(crate::Group {
            name: GroupName::parse(name).unwrap(),
            members: vec![Subject::Group(GroupName::parse(member).unwrap())],
        });
    }
    document.projects[1].members.push(Subject::Group(GroupName::parse("middle").unwrap()));
    let policy = Snapshot::compile(&document).unwrap();
    for path in ["gs://lake/wh/x read", "gs://lake/hr/x read"] {
        assert!(policy.decide(&caller("ann"), &[part(path)], at(0)).is_ok());
        assert!(policy.decide(&caller_in("new", &["middle"]), &[part(path)], at(0)).is_ok());
        assert!(policy.decide(&caller("new"), &[part(path)], at(0)).is_err());
    }
    assert!(policy.decide(&caller_in("new", &["outer"]), &[part("gs://lake/hr/x read")], at(0)).is_err());
}

#[test]
fn ps14_everyone_means_every_caller_and_nobody_else_is_needed() {
    let policy = policy(
        "rules: [{ id: e, effect: allow, allow_everyone: true, on: { prefix: 'gs://lake/pub/' }, to: [everyone], unless: ['principal:eve'], operations: [read] }]",
    );
    assert_ne!(scope(&policy, "anyone", &["gs://lake/pub/x read"]), DENIED);
    assert_eq!(scope(&policy, "eve", &["gs://lake/pub/x read"]), DENIED);
}

#[test]
fn an_attributed_class_has_one_scope_per_principal() {
    let policy = policy("
datasets: [{ name: pay, prefix: 'gs://lake/pay/', project: hr, class: named }]
rules: [{ id: r, effect: allow, on: { dataset: pay }, to: ['principal:ann', 'principal:bob'], operations: [read, list] }]");
    let scope = |who| decide(&policy, who, &["gs://lake/pay/ read"]).unwrap().scope().clone();
    assert_ne!(scope("ann").key(), scope("bob").key());
    assert_eq!(scope("ann").attributed_to(), Some(&Principal::parse("ann").unwrap()));
    assert!(policy.plain_scopes().is_empty());
}

/// A small generator, so that shuffles are the same in every run.
struct Shuffler(u64);

impl Shuffler {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }

    fn document(&mut self, document: &mut PolicyDocument) {
        self.shuffle(&mut document.storages);
        self.shuffle(&mut document.classes);
        self.shuffle(&mut document.projects);
        self.shuffle(&mut document.groups);
        self.shuffle(&mut document.datasets);
        self.shuffle(&mut document.rules);
        document.rules.iter_mut().for_each(|rule| self.shuffle(&mut rule.operations));
    }
}

#[test]
fn rp22_ps03_ten_thousand_shuffles_give_one_answer() {
    let mut document = document(RULES);
    let paths = [
        "gs://lake/wh/sales/ list",
        "gs://lake/wh/sales/x/f read",
        "gs://lake/wh/sales/y read",
        "gs://lake/wh read",
    ];
    let answers = |document: &PolicyDocument| {
        let policy = Snapshot::compile(document).unwrap();
        let mut answers = Vec::new();
        for who in ["ann", "pat", "eve"] {
            answers.extend(paths.map(|path| decide(&policy, who, &[path])));
        }
        (answers, policy.plain_scopes(), policy.lint())
    };
    let expected = answers(&document);
    let mut shuffler = Shuffler(1);
    for _ in 0..10_000 {
        shuffler.document(&mut document);
        assert_eq!(answers(&document), expected);
    }
}
