//! `lakegate policy diff`: what falls away, in words, in JSON and as a status.

use crate::{file, lakegate, stderr, stdout};

const OLD: &str = r#"
version: 3
storages: [{ id: lake, dialect: gcs, buckets: [lake-cli] }]
projects:
  - { name: growth, data_owners: ["principal:hops:growth/zoe"] }
  - { name: hr, members: ["principal:hops:hr/ann"] }
datasets:
  - { name: sales, prefix: "gs://lake-cli/sales/", project: growth }
  - { name: pay, prefix: "gs://lake-cli/pay/", project: hr }
rules:
  - { id: share, effect: allow, on: { dataset: pay }, to: ["principal:hops:growth/zoe"], operations: [read] }
"#;

const NEW: &str = r#"
version: 4
storages: [{ id: lake, dialect: gcs, buckets: [lake-cli] }]
projects: [{ name: hr, members: ["principal:hops:hr/ann"] }]
datasets: [{ name: pay, prefix: "gs://lake-cli/salaries/", project: hr }]
rules:
  - { id: share, effect: allow, on: { dataset: pay }, to: ["principal:hops:growth/zoe"], operations: [read] }
"#;

#[test]
fn what_falls_away_is_listed_and_is_status_7() {
    let (old, new) = (file(OLD, ".yaml"), file(NEW, ".yaml"));
    let paths = [old.path().to_str().unwrap(), new.path().to_str().unwrap()];
    let run = lakegate(&["policy", "diff", paths[0], paths[1]]);
    assert_eq!(run.status.code(), Some(7), "{}", stderr(&run));
    let told = stdout(&run);
    for word in
        ["growth", "sales", "hops:growth/zoe", "data-owner.sales", "gs://lake-cli/salaries/", "dangling"]
    {
        assert!(told.contains(word), "{word} in {told}");
    }
    let run = lakegate(&["-o", "json", "policy", "diff", paths[0], paths[1]]);
    assert_eq!(run.status.code(), Some(7));
    let document: serde_json::Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!((&document["old_version"], &document["new_version"]), (&3.into(), &4.into()));
    let orphans = &document["orphans"];
    assert_eq!(orphans["projects"], serde_json::json!(["growth"]));
    assert_eq!(orphans["principals"], serde_json::json!(["hops:growth/zoe"]));
    assert_eq!(orphans["rules"], serde_json::json!(["data-owner.sales"]));
    assert_eq!(orphans["dangling_rules"], serde_json::json!(["share"]));
    assert_eq!(orphans["datasets"][0]["name"], "pay");
    assert_eq!(orphans["datasets"][0]["moved_to"], "gs://lake-cli/salaries/");
    assert_eq!(orphans["datasets"][1]["moved_to"], serde_json::Value::Null);
}

#[test]
fn where_nothing_falls_away_the_status_is_0_and_a_bad_document_is_5() {
    let (old, bad) = (file(OLD, ".yaml"), file("version: 1", ".yaml"));
    let path = old.path().to_str().unwrap();
    let run = lakegate(&["policy", "diff", path, path]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert!(stdout(&run).contains("nothing falls away"));
    let run = lakegate(&["policy", "diff", path, bad.path().to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(5));
    assert!(stderr(&run).contains(bad.path().to_str().unwrap()));
}
