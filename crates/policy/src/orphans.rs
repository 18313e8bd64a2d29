//! What falls away between two policies: what `lakegate policy diff` prints.

use std::collections::BTreeSet;

use lakegate_domain::{DatasetName, Prefix, Principal, ProjectName, RuleId};
use serde::Serialize;

use crate::compile::CompiledDataset;
use crate::{Snapshot, Subject};

/// What an old policy had and a new one has not; every list is sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Orphans {
    /// Projects that are gone; delegation tokens of their users are refused.
    pub projects: Vec<ProjectName>,
    /// Datasets that are gone or have moved; nothing is kept ready for what they were.
    pub datasets: Vec<DatasetOrphan>,
    /// Principals that nothing names any more, or whose project is gone; their delegation tokens are refused.
    pub principals: Vec<Principal>,
    /// Rules that are gone, those that roles stand for included.
    pub rules: Vec<RuleId>,
    /// Rules of the new policy that name a user of a project that it does not have.
    pub dangling_rules: Vec<RuleId>,
}

/// A dataset that is not where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasetOrphan {
    /// Its name.
    pub name: DatasetName,
    /// Where it was.
    pub prefix: Prefix,
    /// Whose it was.
    pub project: ProjectName,
    /// Where it is now; none when it is gone.
    pub moved_to: Option<Prefix>,
}

impl Orphans {
    /// Whether nothing fell away.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Snapshot {
    /// What an older policy has that this one has not.
    pub fn orphans_of(&self, old: &Self) -> Orphans {
        let mut principals: Vec<Principal> = self.principals_gone_since(old).cloned().collect();
        principals.sort_unstable();
        let rules: BTreeSet<&RuleId> = self.rules.iter().map(|rule| &rule.id).collect();
        let gone = old.rules.iter().map(|rule| &rule.id).filter(|id| !rules.contains(*id));
        Orphans {
            projects: self.projects_gone_since(old).cloned().collect(),
            datasets: old.datasets.values().filter_map(|dataset| self.orphan(dataset)).collect(),
            principals,
            rules: gone.cloned().collect(),
            dangling_rules: self.dangling_rules(),
        }
    }

    /// The principals that an older policy names and this one does not.
    pub(crate) fn principals_gone_since<'a>(&self, old: &'a Self) -> impl Iterator<Item = &'a Principal> {
        let named = old.memberships.principals.keys();
        named.filter(|principal| old.names(principal) && !self.names(principal))
    }

    /// The projects that an older policy has and this one has not.
    pub(crate) fn projects_gone_since<'a>(&self, old: &'a Self) -> impl Iterator<Item = &'a ProjectName> {
        old.projects.iter().filter(|name| !self.has_project(name))
    }

    fn orphan(&self, dataset: &CompiledDataset) -> Option<DatasetOrphan> {
        let now = self.datasets.get(&dataset.name).map(|now| &now.prefix);
        (now != Some(&dataset.prefix)).then(|| DatasetOrphan {
            name: dataset.name.clone(),
            prefix: dataset.prefix.clone(),
            project: dataset.project.clone(),
            moved_to: now.cloned(),
        })
    }

    fn dangling_rules(&self) -> Vec<RuleId> {
        let names_nobody = |subject: Option<&Subject>| matches!(subject, Some(Subject::Principal(principal)) if !self.names(principal));
        let dangling = self.rules.iter().filter(|rule| {
            rule.to.iter().chain(&*rule.unless).any(|id| names_nobody(self.subjects.subject(*id)))
        });
        dangling.map(|rule| rule.id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::policy;

    const OLD: &str = "
datasets:
- { name: sales, prefix: 'gs://lake/wh/sales/', project: growth }
- { name: web, prefix: 'gs://lake/wh/web/', project: growth }
rules:
- { id: sales, effect: allow, on: { dataset: sales }, to: ['principal:bob', 'principal:hops:growth/zoe'], operations: [read] }
- { id: web, effect: allow, on: { dataset: web }, to: ['group:analysts'], operations: [read] }
";

    fn texts<T: ToString>(values: &[T]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_falls_away_from_a_policy_to_itself_or_to_more() {
        let old = policy(OLD);
        assert!(old.orphans_of(&old).is_empty());
        let more =
            "- { id: more, effect: allow, on: { dataset: web }, to: ['principal:new'], operations: [read] }";
        assert!(policy(&[OLD, more].concat()).orphans_of(&old).is_empty());
    }

    #[test]
    fn datasets_principals_and_rules_that_fell_away_are_told() {
        let new = policy(
            "
datasets: [{ name: web, prefix: 'gs://lake/web/', project: growth }]
rules: [{ id: web, effect: allow, on: { dataset: web }, to: ['group:analysts'], operations: [read] }]
",
        );
        let orphans = new.orphans_of(&policy(OLD));
        assert_eq!(texts(&orphans.principals), ["bob", "hops:growth/zoe"]);
        assert_eq!(texts(&orphans.rules), ["sales"]);
        let datasets: Vec<_> = orphans
            .datasets
            .iter()
            .map(|it| (it.name.as_str(), it.moved_to.as_ref().map(Prefix::to_string)))
            .collect();
        assert_eq!(datasets, [("sales", None), ("web", Some("gs://lake/web/".to_owned()))]);
        assert!(orphans.projects.is_empty() && orphans.dangling_rules.is_empty());
    }

    #[test]
    fn a_project_takes_its_users_along_and_leaves_rules_dangling() {
        let mut document = crate::testing::document(OLD);
        let old = Snapshot::compile(&document).unwrap();
        document.projects.retain(|project| project.name.as_str() != "growth");
        for dataset in &mut document.datasets {
            dataset.project = ProjectName::parse("hr").unwrap();
        }
        let orphans = Snapshot::compile(&document).unwrap().orphans_of(&old);
        assert_eq!(texts(&orphans.projects), ["growth"]);
        assert_eq!(texts(&orphans.principals), ["hops:growth/zoe", "pat"]);
        assert_eq!(texts(&orphans.dangling_rules), ["sales"]);
        assert!(orphans.datasets.is_empty(), "only the owner changed");
    }
}
