//! Boundaries read, refused and evaluated.

use proptest::prelude::*;
use serde_json::json;

use super::roles::Permission;
use super::*;

const OBJECT_CLAUSE: &str = "resource.name.startsWith('projects/_/buckets/lake/objects/wh/sales/')";
const LIST_CLAUSE: &str =
    "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('wh/sales/')";

fn options(role: &str, expression: &str) -> String {
    json!({ "accessBoundary": { "accessBoundaryRules": [{
        "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
        "availablePermissions": [format!("inRole:roles/storage.{role}")],
        "availabilityCondition": { "expression": expression },
    }] } })
    .to_string()
}

fn load(text: &str) -> Result<Arc<Boundary>, RefusedBoundary> {
    Boundaries::default().load(text)
}

fn refusal(expression: &str) -> RefusedBoundary {
    load(&options("objectViewer", expression)).unwrap_err()
}

fn may_get(boundary: &Boundary, key: &str) -> bool {
    boundary.allows(Permission::ObjectsGet, Resource::Object { bucket: "lake", key })
}

fn may_list(boundary: &Boundary, prefix: &str) -> bool {
    boundary.allows(Permission::ObjectsList, Resource::Listing { bucket: "lake", prefix })
}

#[test]
fn rp03_rp18_a_prefix_boundary_stops_at_siblings_and_parents() {
    let boundary = load(&options("objectViewer", &format!("{OBJECT_CLAUSE} || {LIST_CLAUSE}"))).unwrap();
    assert!(
        may_get(&boundary, "wh/sales/a")
            && may_list(&boundary, "wh/sales/")
            && may_list(&boundary, "wh/sales/x/")
    );
    for outside in ["wh/sales2/a", "wh/sales", "wh/a", "a", "xwh/sales/a"] {
        assert!(!may_get(&boundary, outside), "{outside}");
    }
    for outside in ["", "wh/", "wh/sales", "wh/sales2/"] {
        assert!(!may_list(&boundary, outside), "{outside}");
    }
    let elsewhere = Resource::Object { bucket: "lake2", key: "wh/sales/a" };
    assert!(!boundary.allows(Permission::ObjectsGet, elsewhere));
    assert!(!boundary.allows(Permission::BucketsGet, Resource::Bucket { bucket: "lake" }));
}

#[test]
fn an_object_clause_alone_denies_listings() {
    let boundary = load(&options("objectViewer", OBJECT_CLAUSE)).unwrap();
    assert!(may_get(&boundary, "wh/sales/a") && !may_list(&boundary, "wh/sales/"));
}

#[test]
fn rp04_equality_covers_one_name() {
    let boundary =
        load(&options("objectViewer", "resource.name == 'projects/_/buckets/lake/objects/wh/sales'"))
            .unwrap();
    assert!(
        may_get(&boundary, "wh/sales")
            && !may_get(&boundary, "wh/sales/")
            && !may_get(&boundary, "wh/sales2")
    );
}

#[test]
fn in10_a_deep_condition_is_refused_and_does_not_abort() {
    for (open, close) in
        [("(", ")"), ("!", ""), ("-", ""), ("[", "]"), ("a.", "b"), ("true?true:", "true"), ("{1:", "}")]
    {
        for depth in [9, 60, 1000] {
            let text = format!("{}true{}", open.repeat(depth), close.repeat(depth));
            let _ = refusal(&text);
        }
    }
    assert_eq!(refusal(&"(".repeat(1000)), RefusedBoundary::ConditionTooDeep);
    assert_eq!(refusal(&format!("resource{}", ".name".repeat(300))), RefusedBoundary::ConditionTooDeep);
    assert_eq!(
        refusal(&format!("resource.name{}", "==resource.name".repeat(100))),
        RefusedBoundary::ConditionTooDeep
    );
    assert_eq!(refusal(&format!("'{}'", "(".repeat(1000))), RefusedBoundary::ConditionShape);
}

#[test]
fn in10_deep_json_is_refused() {
    let deep = format!("{{\"accessBoundary\":{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(load(&deep).unwrap_err(), RefusedBoundary::Json);
}

#[test]
fn the_longest_condition_that_fits_is_accepted() {
    let clause = "resource.name=='projects/_/buckets/lake/objects/a'";
    let many = vec![clause; 34].join("||");
    assert!(may_get(&load(&options("objectViewer", &many)).unwrap(), "a"));
}

#[test]
fn what_google_refuses_is_refused() {
    let cases = [
        "'a' + 'b'",
        "resource.name.startsWith('a' + 'b')",
        "resource.name.matches('.*')",
        "resource.name.startsWith(r'raw')",
        "resource.name.startsWith(b'raw')",
        "resource.name.startsWith('''triple''')",
        "resource.name.startsWith(\"\"\"triple\"\"\")",
        "resource.name.startsWith('a' 'b')",
        "resource.name.startsWith('a') && resource.name.endsWith('b')",
        "!resource.name.startsWith('a')",
        "resource.name != 'a'",
        "resource.name.contains('a')",
        "resource.name",
        "resource.type == 'a'",
        "resource",
        "true",
        "'true'",
        "1 == 1",
        "'a' == 'a'",
        "'a'.startsWith('a')",
        "api.getAttribute('other', '').startsWith('a')",
        "api.getAttribute('storage.googleapis.com/objectListPrefix').startsWith('a')",
        "name.startsWith('a')",
        "startsWith(resource.name, 'a')",
        "resource.name.startsWith(resource.name)",
        "request.time < timestamp('2030-01-01T00:00:00Z')",
        "resource.name.startsWith('a') || true",
        "resource.name.startsWith('a') // comment",
        "resource.name.startsWith('a",
        "resource.name.startsWith('\\q')",
        "resource.name.startsWith('a'))",
        "resource.name.startsWith('a') ||",
        "",
        " ",
    ];
    for text in cases {
        assert!(load(&options("objectViewer", text)).is_err(), "{text}");
    }
}

#[test]
fn in02_control_characters_in_a_condition_are_refused() {
    for bad in ['\0', '\n', '\r', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}'] {
        let text = format!("resource.name.startsWith('a{bad}b')");
        assert_eq!(refusal(&text), RefusedBoundary::ConditionToken, "{bad:?}");
    }
}

#[test]
fn in07_a_boundary_that_bounds_nothing_is_refused() {
    let rule = |resource: &str, permissions: serde_json::Value| {
        json!({ "accessBoundary": { "accessBoundaryRules": [
            { "availableResource": resource, "availablePermissions": permissions }] } })
        .to_string()
    };
    let bucket = "//storage.googleapis.com/projects/_/buckets/lake";
    let viewer = json!(["inRole:roles/storage.objectViewer"]);
    let cases = [
        (String::new(), RefusedBoundary::Json),
        ("null".into(), RefusedBoundary::Json),
        ("{}".into(), RefusedBoundary::Missing),
        ("{\"accessBoundary\":null}".into(), RefusedBoundary::Missing),
        ("{\"accessBoundary\":{}}".into(), RefusedBoundary::NoRules),
        ("{\"accessBoundary\":{\"accessBoundaryRules\":[]}}".into(), RefusedBoundary::NoRules),
        (rule(bucket, json!([])), RefusedBoundary::NoPermissions),
        (rule(bucket, json!(["*"])), RefusedBoundary::Permission),
        (rule(bucket, json!(["storage.objects.get"])), RefusedBoundary::Permission),
        (rule(bucket, json!(["inRole:roles/storage.all"])), RefusedBoundary::Permission),
        (rule("//storage.googleapis.com/projects/_/buckets/", viewer.clone()), RefusedBoundary::Resource),
        (
            rule("//storage.googleapis.com/projects/_/buckets/lake/objects/a", viewer.clone()),
            RefusedBoundary::Resource,
        ),
        (rule("*", viewer), RefusedBoundary::Resource),
    ];
    for (text, reason) in cases {
        assert_eq!(load(&text).unwrap_err(), reason, "{text}");
    }
}

#[test]
fn in08_limits_on_rules_and_size_hold() {
    let rule = |condition: Option<String>| {
        let mut rule = json!({ "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
                               "availablePermissions": ["inRole:roles/storage.objectViewer"] });
        if let Some(expression) = condition {
            rule["availabilityCondition"] = json!({ "expression": expression });
        }
        rule
    };
    let boundary = |rules: Vec<serde_json::Value>| {
        json!({ "accessBoundary": { "accessBoundaryRules": rules } }).to_string()
    };
    assert!(load(&boundary(vec![rule(None); 10])).is_ok());
    assert_eq!(load(&boundary(vec![rule(None); 11])).unwrap_err(), RefusedBoundary::TooManyRules);
    let of_length = |length: usize| rule(Some(format!("resource.name.startsWith('{}')", "a".repeat(length))));
    assert!(load(&boundary(vec![of_length(200); 5])).is_ok());
    assert_eq!(load(&boundary(vec![of_length(250); 5])).unwrap_err(), RefusedBoundary::TooLong);
    assert_eq!(load(&boundary(vec![of_length(2100)])).unwrap_err(), RefusedBoundary::TooLong);
    assert_eq!(cel_guard::check_text(&"x".repeat(2049)), Err(RefusedBoundary::ConditionTooLong));
}

#[test]
fn unknown_and_repeated_members_are_refused() {
    for text in [
        "{\"accessBoundary\":{\"accessBoundaryRules\":[]},\"more\":1}",
        "{\"accessBoundary\":{\"accessBoundaryRules\":[]},\"accessBoundary\":{}}",
        "{\"accessBoundary\":{\"accessBoundaryRules\":[],\"rules\":[]}}",
    ] {
        assert_eq!(load(text).unwrap_err(), RefusedBoundary::Json, "{text}");
    }
}

#[test]
fn options_may_be_percent_encoded_once_more() {
    let text = options("objectViewer", OBJECT_CLAUSE);
    let encoded =
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
    assert!(may_get(&load(&encoded).unwrap(), "wh/sales/a"));
    let twice =
        percent_encoding::utf8_percent_encode(&encoded, percent_encoding::NON_ALPHANUMERIC).to_string();
    assert_eq!(load(&twice).unwrap_err(), RefusedBoundary::Json);
}

#[test]
fn equal_boundaries_are_kept_once() {
    let boundaries = Boundaries::default();
    let text = options("objectViewer", OBJECT_CLAUSE);
    let first = boundaries.load(&text).unwrap();
    let second = boundaries.load(&text.replace(":[", ": [")).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"")
}

#[test]
fn in01_quotes_in_a_name_stay_inside_the_literal() {
    for name in ["x') || true || ('", "'", "\"", "a\\", "\\'", "')||resource.name.startsWith('"] {
        let expression = format!(
            "resource.name.startsWith('{}')",
            escaped(&format!("projects/_/buckets/lake/objects/{name}/"))
        );
        let boundary = load(&options("objectViewer", &expression)).unwrap();
        assert!(may_get(&boundary, &format!("{name}/a")), "{name}");
        assert!(!may_get(&boundary, "other/a") && !may_get(&boundary, ""), "{name}");
    }
    let unescaped = "resource.name.startsWith('x') || true || ('/')";
    assert!(load(&options("objectViewer", unescaped)).is_err());
}

proptest! {
    #[test]
    fn any_text_is_refused_or_evaluated_but_never_panics(text in "[ a-z().|='\"\\\\!&?:,+-]{0,200}") {
        if let Ok(boundary) = load(&options("objectViewer", &text)) {
            let _ = may_get(&boundary, "wh/sales/a");
        }
    }

    #[test]
    fn an_escaped_prefix_covers_exactly_itself(prefix in "[a-z'\"\\\\().|]{1,20}", key in "[a-z'\"\\\\().|]{0,24}") {
        let name = format!("projects/_/buckets/lake/objects/{prefix}");
        let boundary = load(&options("objectViewer", &format!("resource.name.startsWith('{}')", escaped(&name)))).unwrap();
        prop_assert_eq!(may_get(&boundary, &key), key.starts_with(&prefix));
    }
}
