//! The largest policy, read, compiled and asked once (PS15). Nothing is timed here; `examples/large_policy.rs` does.

use lakegate_benches::large::Large;
use lakegate_domain::{StorageId, Timestamp};
use lakegate_policy::{PolicyDocument, Snapshot};

#[test]
fn ps15_a_million_rules_and_a_principal_with_100_000_grants_compile_and_decide() {
    let large = Large::LARGEST;
    let document = PolicyDocument::from_json(&large.json().unwrap()).unwrap();
    assert_eq!((document.datasets.len(), document.rules.len()), (large.datasets, large.rules));
    let snapshot = Snapshot::compile_owned(document).unwrap();
    assert_eq!(snapshot.datasets().count(), large.datasets);
    assert_eq!(snapshot.rule_scopes().count(), 925_000, "every rule but the denies");
    let (robot, now) = (large.robot().unwrap(), Timestamp::from_seconds(1_790_000_000));
    let decide = |dataset| snapshot.decide(&robot, &[large.part(dataset).unwrap()], now);
    for granted in [0, 1, 77_777, large.grants - 1] {
        let scope = decide(granted).unwrap().scope().clone();
        assert_eq!(
            scope.parts(),
            [large.part(granted).unwrap()],
            "the whole dataset, and no more than reading"
        );
    }
    for other in [large.grants, large.datasets - 1] {
        assert!(decide(other).is_err(), "{other}");
    }
    assert!(snapshot.plain_scope_in(&StorageId::parse("lake").unwrap()).is_some());
    assert_eq!(snapshot.datasets_visible_to(&robot, now).len(), large.grants);
}
