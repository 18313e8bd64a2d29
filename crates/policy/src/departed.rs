//! Which scopes leave with a policy: those of datasets, projects and principals that the next one does not have.

use std::collections::HashSet;
use std::iter::successors;

use lakegate_domain::{Prefix, Principal, Target};

use crate::{Scope, Snapshot};

/// What an old policy had and a new one has not, as far as tokens are kept for it. A token that goes from a cache too
/// early costs a minting and nothing else, so this asks where a scope lies and whose it is, not who might still get it.
#[derive(Debug, Clone, Default)]
pub struct Departed {
    prefixes: HashSet<Prefix>,
    principals: HashSet<Principal>,
    projects: HashSet<String>,
}

impl Departed {
    /// Whether nothing left.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty() && self.principals.is_empty() && self.projects.is_empty()
    }

    /// Whether a scope left: a part of it lies in a dataset that is gone, or it is attributed to somebody who is.
    pub fn took(&self, scope: &Scope) -> bool {
        scope.parts().iter().any(|part| self.took_target(part.target()))
            || scope.attributed_to().is_some_and(|principal| self.took_principal(principal))
    }

    /// Forgets what is back in a newer policy.
    pub fn keep_absent_from(&mut self, now: &Snapshot) {
        if self.is_empty() {
            return;
        }
        for dataset in now.datasets.values() {
            self.prefixes.remove(&dataset.prefix);
        }
        self.principals.retain(|principal| !now.names(principal));
        self.projects.retain(|project| !now.projects.iter().any(|name| name.as_str() == project));
    }

    fn took_target(&self, target: &Target) -> bool {
        let innermost = match target {
            Target::Prefix(prefix) => Some(prefix.clone()),
            // A prefix reaches the object that has its name without the slash.
            Target::Object(object) => {
                Some(Prefix::of_slashless(object).unwrap_or_else(|| Prefix::containing(object)))
            }
        };
        successors(innermost, Prefix::parent).any(|prefix| self.prefixes.contains(&prefix))
    }

    fn took_principal(&self, principal: &Principal) -> bool {
        self.principals.contains(principal)
            || principal.project().is_some_and(|project| self.projects.contains(project))
    }
}

impl Snapshot {
    /// What left between an older policy and this one.
    pub fn departed_since(&self, old: &Self) -> Departed {
        let prefixes: HashSet<&Prefix> = self.datasets.values().map(|dataset| &dataset.prefix).collect();
        let gone = old.datasets.values().map(|dataset| &dataset.prefix).filter(|it| !prefixes.contains(it));
        Departed {
            prefixes: gone.cloned().collect(),
            principals: self.principals_gone_since(old).cloned().collect(),
            projects: self.projects_gone_since(old).map(ToString::to_string).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Snapshot;
    use crate::testing::{decide, document, policy};

    const OLD: &str = "
datasets:
- { name: wh, prefix: 'gs://lake/wh/', project: growth }
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
- { name: hr, prefix: 'gs://lake/hr/', project: hr, class: named }
rules:
- { id: all, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['principal:bob'], operations: [read, list] }
- { id: hr, effect: allow, on: { prefix: 'gs://lake/hr/' }, to: ['principal:bob', 'principal:zoe', 'principal:hops:growth/zoe'], operations: [read] }
";

    /// Whether the scope that somebody has under the old policy left with the new one.
    fn left(new: &Snapshot, who: &str, parts: &[&str]) -> bool {
        let old = policy(OLD);
        new.departed_since(&old).took(decide(&old, who, parts).unwrap().scope())
    }

    #[test]
    fn nothing_leaves_a_policy_that_stays() {
        let same = policy(OLD);
        assert!(same.departed_since(&policy(OLD)).is_empty());
        assert!(!left(&same, "bob", &["gs://lake/wh/sales/ read"]));
    }

    #[test]
    fn scopes_in_a_dataset_that_is_gone_leave_and_those_around_it_stay() {
        let new =
            policy(&OLD.replace("- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }\n", ""));
        assert!(left(&new, "bob", &["gs://lake/wh/sales/ read"]));
        assert!(left(&new, "bob", &["gs://lake/wh/sales/deep/er/ read"]));
        assert!(left(&new, "bob", &["gs://lake/wh/sales/object read"]));
        assert!(left(&new, "bob", &["gs://lake/wh/sales read"]), "the prefix reaches its own name");
        assert!(left(&new, "bob", &["gs://lake/hr/ read", "gs://lake/wh/sales/x read"]));
        assert!(!left(&new, "bob", &["gs://lake/wh/ read"]), "the dataset around it is still there");
        assert!(!left(&new, "bob", &["gs://lake/wh/sales2/ read"]));
    }

    #[test]
    fn what_comes_back_has_not_left() {
        let old = policy(OLD);
        let new = policy(
            "rules:
- { id: r, effect: allow, on: { prefix: 'gs://lake/other/' }, to: ['principal:other'], operations: [read] }",
        );
        let mut departed = new.departed_since(&old);
        let sales = decide(&old, "bob", &["gs://lake/wh/sales/ read"]).unwrap();
        let zoes = decide(&old, "zoe", &["gs://lake/hr/ read"]).unwrap();
        departed.keep_absent_from(&new);
        assert!(departed.took(sales.scope()) && departed.took(zoes.scope()));
        departed.keep_absent_from(&policy(&OLD.replace("'principal:zoe', ", "")));
        assert!(!departed.took(sales.scope()) && departed.took(zoes.scope()));
        departed.keep_absent_from(&old);
        assert!(departed.is_empty());
    }

    #[test]
    fn a_dataset_that_moved_left_its_old_place_and_one_that_was_renamed_did_not() {
        assert!(left(&policy(&OLD.replace("wh/sales/", "sales/")), "bob", &["gs://lake/wh/sales/ read"]));
        assert!(!left(
            &policy(&OLD.replace("name: sales", "name: sold")),
            "bob",
            &["gs://lake/wh/sales/ read"]
        ));
    }

    #[test]
    fn attributed_scopes_leave_with_their_principal_or_its_project() {
        let part = &["gs://lake/hr/ read"];
        let without_zoe = policy(&OLD.replace("'principal:zoe', ", ""));
        assert!(left(&without_zoe, "zoe", part));
        assert!(!left(&without_zoe, "bob", part) && !left(&without_zoe, "hops:growth/zoe", part));
        let mut document = document(&OLD.replace("project: growth", "project: hr"));
        document.projects.retain(|project| project.name.as_str() != "growth");
        let without_growth = Snapshot::compile(&document).unwrap();
        assert!(left(&without_growth, "hops:growth/zoe", part));
        assert!(!left(&without_growth, "zoe", part));
    }
}
