//! Roles against the same rights written as rules, and what roles must not reach.

use crate::testing::{caller, decide, document, policy, refused};
use crate::{LoadError, PolicyDocument, Project, Snapshot, Subject};

const DATASETS: &str = "
datasets:
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
- { name: web, prefix: 'gs://lake/wh/web/', project: growth }
- { name: pay, prefix: 'gs://lake/hr/pay/', project: hr }
";

const WRITTEN: &str = "
rules:
- { id: data-owner.sales, effect: allow, on: { dataset: sales }, to: ['principal:hops:growth/ann'], operations: [read, list, create, write, delete] }
- { id: data-owner.web, effect: allow, on: { dataset: web }, to: ['principal:hops:growth/ann'], operations: [read, list, create, write, delete] }
- { id: data-scientist.sales, effect: allow, on: { dataset: sales }, to: ['group:analysts'], operations: [read, list] }
- { id: data-scientist.web, effect: allow, on: { dataset: web }, to: ['group:analysts'], operations: [read, list] }
";

fn subjects(names: &[&str]) -> Vec<Subject> {
    names.iter().map(|name| Subject::parse(name).unwrap()).collect()
}

fn growth(document: &mut PolicyDocument) -> &mut Project {
    document.projects.iter_mut().find(|project| project.name.as_str() == "growth").unwrap()
}

/// The document with an owner and a group of scientists in the project `growth`.
fn with_roles(more: &str) -> PolicyDocument {
    let mut document = document(&[DATASETS, more].concat());
    growth(&mut document).data_owners = subjects(&["principal:hops:growth/ann"]);
    growth(&mut document).data_scientists = subjects(&["group:analysts"]);
    document
}

/// Everything that the snapshot says, as far as these tests tell snapshots apart.
fn all_said(snapshot: &Snapshot) -> Vec<String> {
    let paths = [
        "gs://lake/wh/",
        "gs://lake/wh/sales/",
        "gs://lake/wh/sales/x",
        "gs://lake/wh/web/",
        "gs://lake/hr/pay/",
    ];
    let mut said: Vec<String> = snapshot
        .plain_scopes()
        .iter()
        .map(|plain| format!("{} {}", plain.dataset(), plain.scope().key()))
        .collect();
    for who in ["hops:growth/ann", "hops:hr/ann", "ann", "pat", "bob"] {
        for path in paths {
            for operations in ["read", "read+list", "write", "delete", "read+list+create+write+delete"] {
                if path.ends_with('x') && operations.contains("list") {
                    continue;
                }
                let decided = decide(snapshot, who, &[&[path, " ", operations].concat()]);
                said.push(format!(
                    "{who} {path} {operations} {:?}",
                    decided.map(|grant| grant.scope().key())
                ));
            }
        }
    }
    said
}

#[test]
fn roles_are_the_rules_that_one_would_write() {
    let mut written = document(&[DATASETS, WRITTEN].concat());
    growth(&mut written).members.extend(subjects(&["principal:hops:growth/ann", "group:analysts"]));
    let by_roles = Snapshot::compile(&with_roles("")).unwrap();
    assert_eq!(all_said(&by_roles), all_said(&Snapshot::compile(&written).unwrap()));
}

#[test]
fn an_owner_may_do_everything_and_a_scientist_may_read_and_list() {
    let snapshot = Snapshot::compile(&with_roles("")).unwrap();
    let may = |who: &str, part: &str| decide(&snapshot, who, &[part]).is_ok();
    assert!(may("hops:growth/ann", "gs://lake/wh/sales/ read+list+create+write+delete"));
    assert!(may("ann", "gs://lake/wh/web/ read+list"));
    for part in [
        "gs://lake/wh/web/ write",
        "gs://lake/wh/web/ create",
        "gs://lake/wh/web/ delete",
        "gs://lake/hr/pay/ read",
    ] {
        assert!(!may("ann", part), "{part}");
    }
    assert!(!may("hops:growth/ann", "gs://lake/hr/pay/ read"), "another project's dataset");
    assert!(!may("pat", "gs://lake/wh/web/ read"), "a member without a role");
}

#[test]
fn one_person_in_two_projects_is_two_principals() {
    let mut document = with_roles("");
    let hr = document.projects.iter_mut().find(|project| project.name.as_str() == "hr").unwrap();
    hr.data_scientists = subjects(&["principal:hops:hr/ann"]);
    let snapshot = Snapshot::compile(&document).unwrap();
    let may = |who: &str, part: &str| decide(&snapshot, who, &[part]).is_ok();
    assert!(may("hops:hr/ann", "gs://lake/hr/pay/ read") && !may("hops:hr/ann", "gs://lake/wh/sales/ read"));
    assert!(
        may("hops:growth/ann", "gs://lake/wh/sales/ read")
            && !may("hops:growth/ann", "gs://lake/hr/pay/ read")
    );
}

#[test]
fn holders_of_roles_are_members_and_rules_share_datasets_with_them() {
    let shared = "
rules:
- { id: share, effect: allow, on: { dataset: pay }, to: ['project:growth'], operations: [read, list] }
- { id: closed, effect: deny, on: { prefix: 'gs://lake/wh/web/raw/' }, to: ['principal:hops:growth/ann'], operations: [read] }
";
    let snapshot = Snapshot::compile(&with_roles(shared)).unwrap();
    for who in ["hops:growth/ann", "ann", "pat"] {
        assert!(decide(&snapshot, who, &["gs://lake/hr/pay/ read"]).is_ok(), "{who}");
    }
    assert!(
        decide(&snapshot, "hops:growth/ann", &["gs://lake/wh/web/raw/x read"]).is_err(),
        "deny beats a role"
    );
}

#[test]
fn a_role_does_not_reach_into_another_projects_dataset() {
    let mut document = with_roles("");
    for dataset in &mut document.datasets {
        dataset.nests_other_projects = dataset.name.as_str() == "web";
        if dataset.name.as_str() == "pay" {
            dataset.prefix = lakegate_domain::Prefix::parse("gs://lake/wh/web/pay/").unwrap();
        }
    }
    let fault = Snapshot::compile(&document).unwrap_err();
    assert_eq!(fault, LoadError::RoleReach { outer: "web".to_owned(), inner: "pay".to_owned() });
}

#[test]
fn roles_are_read_from_documents_and_held_by_principals_and_groups_only() {
    let text = "
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake] }]
projects: [{ name: growth, data_owners: ['principal:hops:growth/ann'], data_scientists: ['principal:bob'] }]
datasets: [{ name: sales, prefix: 'gs://lake/sales/', project: growth }]
";
    let snapshot = Snapshot::compile(&PolicyDocument::from_yaml(text).unwrap()).unwrap();
    assert!(decide(&snapshot, "hops:growth/ann", &["gs://lake/sales/ delete"]).is_ok());
    assert_eq!(snapshot.datasets_visible_to(&caller("bob"), crate::testing::at(0)).len(), 1);
    for bad in ["everyone", "project:growth"] {
        let document = PolicyDocument::from_yaml(&text.replace("principal:bob", bad)).unwrap();
        let fault = Snapshot::compile(&document).unwrap_err();
        let (holder, member) = ("project growth".to_owned(), bad.to_owned());
        assert_eq!(fault, LoadError::Member { holder, member });
    }
    let unknown = PolicyDocument::from_yaml(&text.replace("principal:bob", "group:nobody")).unwrap();
    assert!(matches!(Snapshot::compile(&unknown), Err(LoadError::Unknown { .. })));
}

#[test]
fn a_rule_of_a_roles_name_is_refused() {
    let mut document = with_roles(WRITTEN);
    growth(&mut document).data_scientists.clear();
    let fault = Snapshot::compile(&document).unwrap_err();
    assert_eq!(fault, LoadError::Duplicate { key: "rules", name: "data-owner.sales".to_owned() });
    assert!(policy(&[DATASETS, WRITTEN].concat()).number() == 7);
    assert_eq!(refused(""), LoadError::Empty { key: "rules" });
}
