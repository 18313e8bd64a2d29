//! What is refused at load, and why.

use crate::testing::{HEAD, document, policy, refused};
use crate::{LoadError, PolicyDocument, Snapshot};

const RULE: &str = "- { id: r, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['principal:ann'], operations: [read] }\n";

/// A document with one rule whose text is changed.
fn changed(from: &str, to: &str) -> LoadError {
    let rule = RULE.replace(from, to);
    assert_ne!(rule, RULE, "the change hits");
    refused(&["rules:\n", &rule].concat())
}

fn syntax(text: &str) -> String {
    match PolicyDocument::from_yaml(text) {
        Err(LoadError::Syntax(message)) => message,
        other => panic!("not refused as syntax: {other:?}"),
    }
}

#[test]
fn ps01_an_empty_policy_is_refused() {
    assert_eq!(refused("rules: []"), LoadError::Empty { key: "rules" });
    assert_eq!(refused(""), LoadError::Empty { key: "rules" });
    let no_storage = PolicyDocument::from_yaml("{ version: 1, storages: [] }").unwrap();
    assert_eq!(Snapshot::compile(&no_storage).unwrap_err(), LoadError::Empty { key: "storages" });
    syntax("");
    syntax("{}");
}

#[test]
fn ps02_a_truncated_document_is_refused() {
    let whole = [HEAD, "rules:\n", RULE].concat();
    let cut = whole.rfind("operations").unwrap();
    syntax(&whole[..cut]);
    assert!(PolicyDocument::from_json("{\"version\": 1, \"storages\": [").is_err());
}

#[test]
fn ps02_an_unknown_field_or_word_is_refused() {
    let with = |from: &str, to: &str| syntax(&[HEAD, "rules:\n", &RULE.replace(from, to)].concat());
    assert!(with("id: r", "id: r, unles: ['principal:x']").contains("unles"));
    with("allow", "permit");
    with("[read]", "[chmod]");
    with("prefix:", "glob:");
    with("'principal:ann'", "'user:ann'");
    with("'principal:ann'", "ann");
    syntax(&[HEAD, "rule: []"].concat());
}

#[test]
fn ps02_a_wrong_type_is_refused() {
    let with = |from: &str, to: &str| syntax(&[HEAD, "rules:\n", &RULE.replace(from, to)].concat());
    with("['principal:ann']", "'principal:ann'");
    with("id: r", "id: r, overrun_seconds: soon");
    with("id: r", "id: r, overrun_seconds: -1");
    with("id: r", "id: r, allow_everyone: yes");
    with("'gs://lake/wh/'", "'gs://lake/wh'");
}

#[test]
fn ps02_a_key_that_is_there_twice_is_refused() {
    syntax(&[HEAD, "version: 8\nrules:\n", RULE].concat());
    syntax(&[HEAD, "rules:\n", &RULE.replace("id: r", "id: r, effect: deny")].concat());
    syntax(&[HEAD, "rules:\n", RULE, "---\nversion: 9\n"].concat());
    assert!(PolicyDocument::from_json("{\"version\": 1, \"version\": 2, \"storages\": []}").is_err());
}

#[test]
fn ps02_a_message_shows_no_excerpt_of_the_text() {
    let message = syntax(&[HEAD, "rules:\n", RULE, "- [unterminated"].concat());
    assert!(!message.contains("principal:ann"), "{message}");
}

#[test]
fn ps02_names_that_are_there_twice_are_refused() {
    let twice = |key, name: &str| LoadError::Duplicate { key, name: name.to_owned() };
    assert_eq!(refused(&["rules:\n", RULE, RULE].concat()), twice("rules", "r"));
    let repeat = |change: fn(&mut PolicyDocument)| {
        let mut document = document(&["rules:\n", RULE].concat());
        change(&mut document);
        Snapshot::compile(&document).unwrap_err()
    };
    assert_eq!(repeat(|d| d.storages.push(d.storages[0].clone())), twice("storages", "lake"));
    assert_eq!(repeat(|d| d.classes.push(d.classes[0].clone())), twice("classes", "short"));
    assert_eq!(repeat(|d| d.projects.push(d.projects[0].clone())), twice("projects", "growth"));
    assert_eq!(repeat(|d| d.groups.push(d.groups[0].clone())), twice("groups", "analysts"));
}

#[test]
fn ps04_a_window_that_holds_no_instant_is_refused_and_so_is_one_without_a_zone() {
    let window = |text: &str| ["id: r, windows: [", text, "]"].concat();
    for text in [
        "{ from: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }",
        "{ from: '2026-01-01T00:00:00Z', until: '2026-01-01T01:00:00+01:00' }",
    ] {
        assert_eq!(changed("id: r", &window(text)), LoadError::Window { rule: "r".to_owned() });
    }
    let no_zone = RULE.replace("id: r", &window("{ from: '2026-01-01T00:00:00' }"));
    assert!(syntax(&[HEAD, "rules:\n", &no_zone].concat()).contains("zone"));
}

#[test]
fn ps08_a_group_inside_itself_is_refused() {
    let cycle = |groups: &str| {
        let text = [
            "version: 1\nstorages: [{ id: lake, dialect: gcs, buckets: [lake] }]\ngroups:\n",
            groups,
            "rules:\n",
            RULE,
        ];
        let document = PolicyDocument::from_yaml(&text.concat()).unwrap();
        Snapshot::compile(&document).unwrap_err()
    };
    let itself = cycle("- { name: a, members: ['group:a'] }\n");
    assert_eq!(itself, LoadError::GroupCycle { group: "a".to_owned() });
    let through = cycle(
        "- { name: a-below, members: [] }\n- { name: b, members: ['group:c', 'group:a-below'] }\n- { name: c, members: ['group:b'] }\n",
    );
    assert!(matches!(&through, LoadError::GroupCycle { group } if group != "a-below"), "{through}");
}

#[test]
fn ps14_everyone_needs_a_flag() {
    let everyone = LoadError::Everyone { rule: "r".to_owned() };
    assert_eq!(changed("'principal:ann'", "everyone"), everyone);
    assert_eq!(changed("'principal:ann']", "'principal:ann'], unless: [everyone]"), everyone);
    policy(
        &[
            "rules:\n",
            &RULE.replace("'principal:ann'", "everyone").replace("id: r", "id: r, allow_everyone: true"),
        ]
        .concat(),
    );
}

#[test]
fn unknown_names_are_refused_with_who_names_them() {
    let text = |error: LoadError| error.to_string();
    assert_eq!(
        text(changed("'principal:ann'", "'group:nobody'")),
        "rule r: to names group:nobody, which is not in the document"
    );
    assert_eq!(
        text(changed("'principal:ann']", "'principal:ann'], unless: ['project:none']")),
        "rule r: unless names project:none, which is not in the document"
    );
    assert_eq!(
        text(changed("prefix: 'gs://lake/wh/'", "dataset: wh")),
        "rule r: on.dataset names wh, which is not in the document"
    );
    assert_eq!(text(changed("gs://lake/", "gs://pond/")), "rule r: no storage has the bucket gs://pond");
    let dataset =
        |fields: &str| text(refused(&["datasets: [{ name: wh, ", fields, " }]\nrules:\n", RULE].concat()));
    assert_eq!(
        dataset("prefix: 'gs://lake/wh/', project: none"),
        "dataset wh: project names none, which is not in the document"
    );
    assert_eq!(
        dataset("prefix: 'gs://lake/wh/', project: hr, class: none"),
        "dataset wh: class names none, which is not in the document"
    );
    assert_eq!(
        dataset("prefix: 's3://lake/wh/', project: hr"),
        "dataset wh: no storage has the bucket s3://lake"
    );
}

#[test]
fn empty_lists_and_lists_of_the_wrong_kind_are_refused() {
    let empty = |key| LoadError::EmptyList { holder: "rule r".to_owned(), key };
    assert_eq!(changed("['principal:ann']", "[]"), empty("to"));
    assert_eq!(changed("[read]", "[]"), empty("operations"));
    let with = |change: fn(&mut PolicyDocument)| {
        let mut document = document(&["rules:\n", RULE].concat());
        change(&mut document);
        Snapshot::compile(&document).unwrap_err().to_string()
    };
    assert_eq!(with(|d| d.storages[0].buckets.clear()), "storage lake: buckets is empty");
    assert_eq!(
        with(|d| d.storages[0].operation_sets = Some(vec![Vec::new()])),
        "storage lake: operation_sets is empty"
    );
    assert_eq!(
        with(|d| d.groups[0].members.push(crate::Subject::Everyone)),
        "group analysts: members are principals and groups, not everyone"
    );
    assert_eq!(with(|d| d.classes[0].token_life_seconds = 0), "class short: token_life_seconds is 0");
}

#[test]
fn a_bucket_belongs_to_one_storage() {
    let mut document = document(&["rules:\n", RULE].concat());
    document.storages[1].dialect = lakegate_domain::Dialect::Gcs;
    document.storages[1].buckets = vec!["lake".to_owned()];
    let error = Snapshot::compile(&document).unwrap_err();
    assert_eq!(error.to_string(), "storage lake: bucket gs://lake belongs to storage amazon already");
    document.storages[1].buckets = vec!["Lake".to_owned()];
    let error = Snapshot::compile(&document).unwrap_err();
    assert!(matches!(error, LoadError::Path { .. }), "{error}");
}

#[test]
fn rp22_datasets_nest_across_projects_only_when_the_outer_one_says_so() {
    let nested = |outer: &str, inner: &str| {
        let text = [
            "datasets:\n- { name: wh, prefix: 'gs://lake/wh/', project: growth",
            outer,
            " }\n- { name: pay, prefix: 'gs://lake/wh/pay/', project: ",
            inner,
            " }\nrules:\n",
            RULE,
        ];
        Snapshot::compile(&document(&text.concat())).map(|_| ())
    };
    let refused = LoadError::ForeignNesting { outer: "wh".to_owned(), inner: "pay".to_owned() };
    assert_eq!(nested("", "hr"), Err(refused));
    assert_eq!(nested(", nests_other_projects: true", "hr"), Ok(()));
    assert_eq!(nested("", "growth"), Ok(()));
}

#[test]
fn two_datasets_on_one_prefix_are_refused() {
    let text = "
datasets:
- { name: b, prefix: 'gs://lake/wh/', project: growth }
- { name: a, prefix: 'gs://lake/wh/', project: growth }
rules:\n";
    let error = LoadError::SamePrefix { first: "a".to_owned(), second: "b".to_owned() };
    assert_eq!(refused(&[text, RULE].concat()), error);
}

#[test]
fn overrun_on_a_deny_rule_is_refused() {
    let error = changed("effect: allow", "effect: deny, overrun_seconds: 5");
    assert_eq!(error, LoadError::DenyOverrun { rule: "r".to_owned() });
}

#[test]
fn what_a_storage_cannot_express_is_refused_at_load() {
    let with = |storage: &str, rule: &str| {
        let text = [
            "version: 1\nstorages: [{ id: s, ",
            storage,
            " }]\nrules: [{ id: r, to: ['principal:ann'], operations: [read], ",
            rule,
            " }]",
        ];
        Snapshot::compile(&PolicyDocument::from_yaml(&text.concat()).unwrap()).map(|_| ())
    };
    let azure = "dialect: azure, buckets: ['warehouse@acct.dfs.core.windows.net']";
    let prefix = "on: { prefix: 'abfss://warehouse@acct.dfs.core.windows.net/a/' }";
    let allow = |on: &str| ["effect: allow, ", on].concat();
    let refused = with(azure, &allow(prefix)).unwrap_err();
    assert_eq!(refused.to_string(), "rule r: scope not expressible, a flat azure account knows no prefixes");
    assert_eq!(with(azure, &["effect: deny, ", prefix].concat()), Ok(()));
    assert_eq!(
        with(azure, &allow("on: { object: 'abfss://warehouse@acct.dfs.core.windows.net/a' }")),
        Ok(())
    );
    assert_eq!(with(&[azure, ", namespace: hierarchical"].concat(), &allow(prefix)), Ok(()));
}

#[test]
fn in04_names_that_a_dialect_cannot_escape_are_refused_at_load() {
    let with = |dialect: &str, target: &str| {
        let text = [
            "version: 1\nstorages: [{ id: s, buckets: [lake], dialect: ",
            dialect,
            " }]\nrules: [{ id: r, effect: allow, to: ['principal:ann'], operations: [read], on: { ",
            target,
            " } }]",
        ];
        Snapshot::compile(&PolicyDocument::from_yaml(&text.concat()).unwrap()).map(|_| ())
    };
    for name in ["a*", "a?", "a$", "${aws:username}"] {
        let (prefix, object) =
            (format!("prefix: 's3://lake/{name}/'"), format!("object: 's3://lake/{name}'"));
        for target in [&prefix, &object] {
            assert!(with("minio", target).is_err(), "{target}");
            assert!(with("generic-s3", target).is_err(), "{target}");
            assert_eq!(with("aws", target), Ok(()), "aws has escapes: {target}");
        }
    }
}

#[test]
fn a_document_reads_back_as_it_was_written() {
    let document = document(
        &["datasets: [{ name: wh, prefix: 'gs://lake/wh/', project: hr }]\nrules:\n", RULE].concat(),
    );
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(PolicyDocument::from_json(&json).unwrap(), document);
    assert_eq!(PolicyDocument::from_yaml(&json).unwrap(), document);
}
