//! Whether a policy fits the storages that a process can mint for.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use lakegate_domain::StorageId;
use lakegate_policy::Snapshot;

use crate::Minter;

/// How many findings of one kind are spelled out; of the rest only the number is told.
const SPELLED_OUT: usize = 20;

/// What of a policy does not fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits {
    /// Nobody could ever get a token: a plain scope that the storage cannot express, a class whose tokens would live
    /// shorter than the source can make them. Such a policy is not taken into force.
    pub faults: Vec<String>,
    /// Some callers could not get a token: a rule's own place cannot be expressed.
    pub warnings: Vec<String>,
}

/// Holds a policy against minters. Storages without a minter are left out. Makes no call; takes a while for a large
/// policy.
pub fn misfits<S: BuildHasher>(
    snapshot: &Snapshot,
    minters: &HashMap<StorageId, Arc<dyn Minter>, S>,
) -> Misfits {
    let mut faults = short_classes(snapshot, minters);
    let plain = snapshot.plain_scopes().into_iter().filter_map(|plain| {
        let error = minters.get(plain.scope().storage())?.expressible(plain.scope()).err()?;
        Some(format!("dataset {}: scope not expressible, {error}", plain.dataset()))
    });
    faults.extend(some_of(plain));
    let narrowed = snapshot.rule_scopes().filter_map(|of_rule| {
        let error = minters.get(of_rule.scope().storage())?.expressible(of_rule.scope()).err()?;
        Some(format!("rule {}: a scope at its target is not expressible, {error}", of_rule.rule()))
    });
    Misfits { faults, warnings: some_of(narrowed) }
}

/// Classes whose tokens would have to end before the source's do, at a source that cannot end them early.
fn short_classes<S: BuildHasher>(
    snapshot: &Snapshot,
    minters: &HashMap<StorageId, Arc<dyn Minter>, S>,
) -> Vec<String> {
    let classes = snapshot.classes_in_use().into_iter().filter_map(|((storage, class), life)| {
        let minter = minters.get(&storage)?;
        let (why, shortest) = if minter.lives().ends_early {
            ("which no token is made for", minter.lives().shortest)
        } else {
            (
                "the life of tokens whose source cannot end one early, as impersonation can",
                minter.lives().longest,
            )
        };
        (life < shortest).then(|| {
            let (life, shortest) = (life.as_secs(), shortest.as_secs());
            format!(
                "class {class}: token_life_seconds {life} is less than {shortest} at storage {storage}, {why}"
            )
        })
    });
    some_of(classes)
}

fn some_of(findings: impl Iterator<Item = String>) -> Vec<String> {
    let mut findings = findings.peekable();
    let mut some: Vec<String> = findings.by_ref().take(SPELLED_OUT).collect();
    let rest = findings.count();
    if rest > 0 {
        some.push(format!("and {rest} more of this kind"));
    }
    some
}

#[cfg(test)]
mod tests {
    use lakegate_domain::{ManualClock, Timestamp};
    use lakegate_policy::PolicyDocument;

    use super::*;
    use crate::FakeMinter;

    fn minters(fake: impl FnOnce(FakeMinter) -> FakeMinter) -> HashMap<StorageId, Arc<dyn Minter>> {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_790_000_000)));
        let minter: Arc<dyn Minter> = Arc::new(fake(FakeMinter::new(clock)));
        HashMap::from([(StorageId::parse("lake").unwrap(), minter)])
    }

    fn snapshot(dataset: &str, rules: &[(&str, &str)]) -> Snapshot {
        let mut text = format!(
            "version: 1\nstorages: [{{ id: lake, dialect: gcs, buckets: [lake] }}]\nprojects: [{{ name: p }}]\n\
             classes: [{{ name: short, token_life_seconds: 900 }}]\ndatasets:\n  - {{ name: d, prefix: \
             \"{dataset}\", project: p, class: short }}\nrules:\n"
        );
        for (id, prefix) in rules {
            let rule = "  - { id: ID, effect: allow, on: { prefix: \"PREFIX\" }, to: ['principal:u'], \
                        operations: [read, list] }\n";
            text.push_str(&rule.replace("ID", id).replace("PREFIX", prefix));
        }
        Snapshot::compile(&PolicyDocument::from_yaml(&text).unwrap()).unwrap()
    }

    #[test]
    fn a_class_shorter_than_every_token_of_a_source_is_a_fault_unless_tokens_can_end_early() {
        let snapshot = snapshot("gs://lake/d/", &[("r", "gs://lake/d/")]);
        assert_eq!(misfits(&snapshot, &minters(|fake| fake)), Misfits::default());
        let found = misfits(&snapshot, &minters(FakeMinter::without_early_end));
        assert_eq!(found.faults.len(), 1, "{found:?}");
        assert!(
            found.faults[0].starts_with("class short: token_life_seconds 900 is less than 3600"),
            "{found:?}"
        );
    }

    #[test]
    fn an_inexpressible_dataset_is_a_fault_and_an_inexpressible_rule_a_warning() {
        let long = ["gs://lake/d/", &"n".repeat(900), "/"].concat();
        let narrowed = misfits(&snapshot("gs://lake/d/", &[("r", &long)]), &minters(|fake| fake));
        assert_eq!((narrowed.faults.len(), narrowed.warnings.len()), (0, 1), "{narrowed:?}");
        assert!(narrowed.warnings[0].starts_with("rule r: "), "{narrowed:?}");
        let plain = misfits(&snapshot(&long, &[("r", &long)]), &minters(|fake| fake));
        assert_eq!((plain.faults.len(), plain.warnings.len()), (1, 1), "{plain:?}");
        assert!(plain.faults[0].starts_with("dataset d: scope not expressible"), "{plain:?}");
    }

    #[test]
    fn a_thousand_findings_are_told_in_a_few_lines() {
        let long = |index: usize| (format!("r{index}"), format!("gs://lake/d/{}{index}/", "n".repeat(900)));
        let rules: Vec<(String, String)> = (0..50).map(long).collect();
        let rules: Vec<(&str, &str)> =
            rules.iter().map(|(id, prefix)| (id.as_str(), prefix.as_str())).collect();
        let found = misfits(&snapshot("gs://lake/d/", &rules), &minters(|fake| fake));
        assert_eq!(found.warnings.len(), SPELLED_OUT + 1);
        assert_eq!(found.warnings.last().unwrap(), "and 30 more of this kind");
    }
}
