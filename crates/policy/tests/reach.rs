//! Rules reach what the list of the domain says, and nothing that only begins alike.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use lakegate_domain::{Caller, Operation, OperationSet, Part, Principal, Proof, Target, Timestamp};
use lakegate_policy::{PolicyDocument, Snapshot};

/// A policy whose only rule stands on one prefix or object.
fn snapshot(holder: &str) -> Snapshot {
    let kind = if holder.ends_with('/') { "prefix" } else { "object" };
    let text = format!(
        "version: 1\n\
         storages: [{{ id: lake, dialect: gcs, buckets: [lake, lake2] }}]\n\
         rules: [{{ id: r, effect: allow, on: {{ {kind}: \"{holder}\" }}, to: [\"principal:alice\"], \
         operations: [read] }}]\n"
    );
    Snapshot::compile(&PolicyDocument::from_yaml(&text).unwrap()).unwrap()
}

#[test]
fn cl09_rules_keep_to_the_list_that_clients_are_held_to() {
    let list = include_str!("../../domain/vectors/reach.txt");
    let alice = Caller::new(Principal::parse("alice").unwrap(), Proof::ClientCertificate);
    let now = Timestamp::from_seconds(1_790_000_000);
    let mut allowed = 0;
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [holder, asked, verdict] = words[..] else { panic!("{line}") };
        let asked = Target::parse(asked).unwrap();
        let part = Part::new(asked.clone(), OperationSet::of(&[Operation::Read])).unwrap();
        let decision = snapshot(holder).decide(&alice, &[part], now);
        assert_eq!(decision.is_ok(), verdict == "yes", "{line}");
        if let Ok(grant) = decision {
            allowed += 1;
            let scope = grant.scope().parts();
            assert!(scope.iter().all(|part| Target::parse(holder).unwrap().covers(part.target())), "{line}");
            assert!(scope.iter().any(|part| part.target().covers(&asked)), "{line}");
        }
    }
    assert!(allowed > 5);
}
