//! The key tells scopes apart, and nothing else.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use lakegate_domain::{ClassName, Dialect, OperationSet, Part, Principal, StorageId, Target, Timestamp};
use proptest::prelude::*;

use super::scope_key;
use crate::scope::{Scope, ScopeKey};
use crate::{Attribution, Namespace, Staleness, Terms};

/// What a key is made of, in plain values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Fields {
    storage: String,
    generation: u64,
    dialect: Dialect,
    parts: Vec<(String, String)>,
    classes: Vec<String>,
    end: Option<i64>,
    principal: Option<String>,
}

fn key(fields: &Fields) -> ScopeKey {
    let part = |(path, operations): &(String, String)| {
        Part::new(Target::parse(path).unwrap(), OperationSet::parse(operations).unwrap()).unwrap()
    };
    scope_key(&Scope {
        storage: StorageId::parse(&fields.storage).unwrap(),
        dialect: fields.dialect,
        namespace: Namespace::Flat,
        generation: fields.generation,
        parts: fields.parts.iter().map(part).collect(),
        terms: Terms {
            classes: fields.classes.iter().map(|class| ClassName::parse(class).unwrap()).collect(),
            token_life: Duration::from_secs(1),
            attribution: Attribution::Shared,
            staleness: Staleness::Strict,
        },
        end: fields.end.map(Timestamp::from_millis),
        attributed_to: fields.principal.as_deref().map(|name| Principal::parse(name).unwrap()),
        key: ScopeKey([0; 32]),
    })
}

fn base() -> Fields {
    Fields {
        storage: "lake".to_owned(),
        generation: 1,
        dialect: Dialect::Gcs,
        parts: vec![("gs://lake/a-b/c".to_owned(), "write".to_owned())],
        classes: vec!["default".to_owned()],
        end: None,
        principal: None,
    }
}

#[test]
fn the_key_is_the_digest_of_the_documented_layout() {
    let mut bytes = Vec::new();
    let mut field = |value: &[u8]| {
        bytes.extend_from_slice(&u64::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(value);
    };
    field(b"lakegate.scope.v1");
    field(b"lake");
    field(&[0, 0, 0, 0, 0, 0, 0, 1]);
    field(&[0, 0, 0, 0, 0, 0, 0, 1]);
    field(b"o");
    field(b"gs://lake/a-b/c");
    field(&[8]);
    field(&[4 + 8 + 16]);
    field(&[0, 0, 0, 0, 0, 0, 0, 1]);
    field(b"default");
    field(&[0, 0, 0, 0, 0, 0, 3, 232]);
    field(b"1ann");
    let expected = digest(&SHA256, &bytes);
    let fields = Fields { end: Some(1000), principal: Some("ann".to_owned()), ..base() };
    assert_eq!(key(&fields).as_bytes(), expected.as_ref());
}

#[test]
fn ps10_any_change_of_a_field_changes_the_key() {
    let part = |path: &str, operations: &str| (path.to_owned(), operations.to_owned());
    let variants = [
        base(),
        Fields { storage: "lake2".to_owned(), ..base() },
        Fields { generation: 2, ..base() },
        Fields { dialect: Dialect::Aws, ..base() },
        Fields { parts: vec![part("gs://lake/a-b/c/", "write")], ..base() },
        Fields { parts: vec![part("gs://lake/a/b-c", "write")], ..base() },
        Fields { parts: vec![part("s3://lake/a-b/c", "write")], ..base() },
        Fields { parts: vec![part("gs://lake2/a-b/c", "write")], ..base() },
        Fields { parts: vec![part("gs://lake/a-b/c", "delete")], ..base() },
        Fields { parts: vec![part("gs://lake/a-b/c", "create+write+delete")], ..base() },
        Fields { parts: vec![part("gs://lake/a-b/c", "write"), part("gs://lake/d", "read")], ..base() },
        Fields { classes: vec!["strict".to_owned()], ..base() },
        Fields { classes: vec!["default".to_owned(), "strict".to_owned()], ..base() },
        Fields { end: Some(0), ..base() },
        Fields { end: Some(1), ..base() },
        Fields { principal: Some("ann".to_owned()), ..base() },
        Fields { principal: Some("bob".to_owned()), ..base() },
    ];
    let keys: HashMap<ScopeKey, &Fields> = variants.iter().map(|fields| (key(fields), fields)).collect();
    assert_eq!(keys.len(), variants.len());
}

#[test]
fn the_tag_is_the_first_half_of_the_key() {
    let key = key(&base());
    assert_eq!(key.tag().0, key.as_bytes()[..16]);
    assert_eq!(key.to_string().len(), 64);
}

/// Few short values, so that fields which ran into one another would meet.
fn fields() -> impl Strategy<Value = Fields> {
    let name = || prop::sample::select(vec!["a", "b", "a-b", "ab", "a-"]).prop_map(str::to_owned);
    let path = prop::sample::select(vec!["gs://lake/a", "gs://lake/a/", "gs://lake/a/b", "gs://lake/ab"]);
    let operations = prop::sample::select(vec!["read", "read+list", "write", "delete"]);
    let part = (path, operations).prop_map(|(path, ops)| (path.to_owned(), ops.to_owned()));
    (
        name(),
        0..3_u64,
        prop::collection::vec(part, 1..4),
        prop::collection::vec(name(), 0..3),
        prop::option::of(0..3_i64),
        prop::option::of(name()),
    )
        .prop_map(|(storage, generation, parts, classes, end, principal)| Fields {
            storage,
            generation,
            dialect: Dialect::Gcs,
            parts,
            classes,
            end,
            principal,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn ps10_keys_are_equal_exactly_when_the_fields_are(one in fields(), other in fields()) {
        prop_assert_eq!(key(&one) == key(&other), one == other);
    }
}
