//! What boundaries say; what they open is tried out against the emulator in `tests/`.

use lakegate_policy::Namespace;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const OBJECTS: &str = "projects/_/buckets/lake/objects/";

fn part(path: &str, operations: &str) -> Part {
    Part::new(Target::parse(path).unwrap(), OperationSet::parse(operations).unwrap()).unwrap()
}

fn boundary(parts: &[(&str, &str)]) -> Result<Boundary, NotExpressible> {
    let parts: Vec<Part> = parts.iter().map(|(path, operations)| part(path, operations)).collect();
    Boundary::over(&parts, Namespace::Flat)
}

fn rules(boundary: &Boundary) -> Vec<(String, Vec<String>, String)> {
    let document: Value = serde_json::from_str(boundary.as_json()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["accessBoundary"]["accessBoundaryRules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            (
                text(&rule["availableResource"]),
                rule["availablePermissions"].as_array().unwrap().iter().map(text).collect(),
                text(&rule["availabilityCondition"]["expression"]),
            )
        })
        .collect()
}

fn roles(boundary: &Boundary) -> Vec<Vec<String>> {
    let short = |role: String| role.strip_prefix("inRole:roles/storage.").unwrap().to_owned();
    rules(boundary).into_iter().map(|(_, roles, _)| roles.into_iter().map(short).collect()).collect()
}

#[test]
fn reading_and_listing_a_prefix_is_two_rules_without_any_prose() {
    let boundary = boundary(&[("gs://lake/wh/sales/", "read+list")]).unwrap();
    let document: Value = serde_json::from_str(boundary.as_json()).unwrap();
    let bucket = "//storage.googleapis.com/projects/_/buckets/lake";
    assert_eq!(
        document,
        json!({"accessBoundary": {"accessBoundaryRules": [
            {
                "availableResource": bucket,
                "availablePermissions": ["inRole:roles/storage.legacyObjectReader"],
                "availabilityCondition": {"expression":
                    "resource.name.startsWith('projects/_/buckets/lake/objects/wh/sales/') || \
                     resource.name == 'projects/_/buckets/lake/objects/wh/sales'"},
            },
            {
                "availableResource": bucket,
                "availablePermissions": ["inRole:roles/storage.objectViewer"],
                "availabilityCondition": {"expression":
                    "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('wh/sales/')"},
            },
        ]}})
    );
}

#[test]
fn each_operation_brings_the_narrowest_role() {
    let of = |operations| roles(&boundary(&[("gs://lake/wh/", operations)]).unwrap());
    assert_eq!(of("read"), [["legacyObjectReader"]]);
    assert_eq!(of("list"), [["objectViewer"]]);
    assert_eq!(of("create"), [["objectCreator"]]);
    assert_eq!(of("write"), [["legacyBucketWriter"]]);
    assert_eq!(of("delete"), [["legacyBucketWriter"]]);
    assert_eq!(of("create+write"), [["legacyBucketWriter"]]);
    assert_eq!(
        of("read+list+create+write+delete"),
        [vec!["legacyObjectReader", "legacyBucketWriter"], vec!["objectViewer"]]
    );
}

#[test]
fn listing_never_shares_a_rule_with_object_access() {
    for operations in ["read+list", "list+write", "read+list+create+write+delete"] {
        for (_, roles, condition) in rules(&boundary(&[("gs://lake/wh/", operations)]).unwrap()) {
            let lists = roles.iter().any(|role| role.ends_with("objectViewer"));
            assert_eq!(lists, condition.contains("objectListPrefix"), "{operations}");
        }
    }
}

#[test]
fn an_object_is_named_exactly() {
    let rules = rules(&boundary(&[("gs://lake/wh/x", "read")]).unwrap());
    assert_eq!(rules[0].2, ["resource.name == '", OBJECTS, "wh/x'"].concat());
    assert_eq!(boundary(&[("gs://lake/wh/x", "list")]), Err(NotExpressible::ListOfObject));
}

#[test]
fn listing_a_whole_bucket_names_the_bucket_so_that_it_does_not_open_objects() {
    let rules = rules(&boundary(&[("gs://lake/", "read+list")]).unwrap());
    assert_eq!(rules[0].2, ["resource.name.startsWith('", OBJECTS, "')"].concat());
    assert_eq!(rules[1].2, "resource.name == 'projects/_/buckets/lake'");
}

#[test]
fn a_hierarchical_bucket_gets_folder_clauses() {
    let parts = [part("gs://lake/wh/", "read+list")];
    for (_, _, condition) in rules(&Boundary::over(&parts, Namespace::Hierarchical).unwrap()) {
        assert!(condition.ends_with(" || resource.name.startsWith('projects/_/buckets/lake/folders/wh/')"));
    }
}

#[test]
fn parts_that_want_the_same_share_a_rule_and_buckets_never_do() {
    let two = [("gs://lake/a/", "read"), ("gs://lake/b/", "read")];
    assert_eq!(rules(&boundary(&two).unwrap()).len(), 1);
    let apart = [("gs://lake/a/", "read"), ("gs://lake/b/", "write"), ("gs://pond/a/", "read")];
    let rules = rules(&boundary(&apart).unwrap());
    assert_eq!(rules.len(), 3);
    assert!(rules.iter().all(|(resource, _, condition)| {
        let bucket = resource.strip_prefix("//storage.googleapis.com/").unwrap();
        condition.contains(bucket)
    }));
    assert!(!rules[2].2.contains("/b/"));
}

#[test]
fn in07_there_is_no_boundary_without_a_rule() {
    assert_eq!(boundary(&[]), Err(NotExpressible::Empty));
}

#[test]
fn in06_in08_what_is_too_long_or_too_much_is_refused_and_never_cut() {
    let long = |length: usize| ["gs://lake/", &"n".repeat(length), "/"].concat();
    assert!(boundary(&[(&long(400), "read+list")]).is_ok());
    assert_eq!(boundary(&[(&long(800), "read+list")]), Err(NotExpressible::BoundaryTooLong));
    assert_eq!(boundary(&[(&long(1000), "read")]), Err(NotExpressible::ConditionTooLong));
    let buckets: Vec<String> = (0..11).map(|n| ["gs://pond-", &n.to_string(), "/a"].concat()).collect();
    let many: Vec<(&str, &str)> = buckets.iter().map(|path| (path.as_str(), "read")).collect();
    assert_eq!(boundary(&many), Err(NotExpressible::TooManyRules));
}

#[test]
fn four_parts_of_usual_length_fit() {
    let at = |name: &str| ["gs://a-bucket-of-the-lake/warehouse/project/dataset/", name, "/"].concat();
    let names = ["one", "two", "three", "four"].map(at);
    let parts: Vec<(&str, &str)> = names.iter().map(|path| (path.as_str(), "read+list")).collect();
    let length = boundary(&parts).unwrap().as_json().len();
    assert!(length <= MAX_BOUNDARY, "{length}");
}

proptest! {
    #[test]
    fn in05_in13_whatever_the_name_the_document_keeps_its_shape(name in r#"[a-z'"{}\[\]:,é\u{4e00}|&() ]{1,40}"#) {
        let path = ["gs://lake/", &name, "/"].concat();
        prop_assume!(Target::parse(&path).is_ok());
        let document: Value = serde_json::from_str(
            boundary(&[(&path, "read+list+create+write+delete")]).unwrap().as_json()
        ).unwrap();
        let rules = document["accessBoundary"]["accessBoundaryRules"].as_array().unwrap();
        prop_assert_eq!(rules.len(), 2);
        for rule in rules {
            let keys: Vec<&String> = rule.as_object().unwrap().keys().collect();
            prop_assert_eq!(keys, ["availabilityCondition", "availablePermissions", "availableResource"]);
            let condition = rule["availabilityCondition"].as_object().unwrap();
            prop_assert_eq!(condition.len(), 1);
        }
    }
}
