//! Who is in which group, for those who ask about one group: rules about acting for others.
//!
//! Decisions go by numbers of subjects that rules name; here any group counts, whether a rule names it or not.

use std::collections::{BTreeSet, HashMap};

use lakegate_domain::{Caller, GroupName, Principal};

use crate::{PolicyDocument, Snapshot, Subject};

/// The members of every group of a document, as they are written: sorted, and there is no cycle.
#[derive(Debug, Default)]
pub(crate) struct GroupMembers(HashMap<GroupName, Members>);

#[derive(Debug, Default)]
struct Members {
    principals: Box<[Principal]>,
    groups: Box<[GroupName]>,
}

impl GroupMembers {
    /// The members in a document that is in order and without cycles.
    pub(crate) fn of(document: &PolicyDocument) -> Self {
        let members = |subjects: &[Subject]| Members {
            principals: subjects.iter().filter_map(principal).cloned().collect(),
            groups: subjects.iter().filter_map(group).cloned().collect(),
        };
        Self(document.groups.iter().map(|it| (it.name.clone(), members(&it.members))).collect())
    }
}

impl GroupMembers {
    /// Whether nobody is in a group by the document, directly or through other groups.
    pub(crate) fn is_empty(&self, group: &GroupName) -> bool {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![group];
        while let Some(group) = waiting.pop() {
            let Some(members) = self.0.get(group).filter(|_| seen.insert(group)) else { continue };
            if !members.principals.is_empty() {
                return false;
            }
            waiting.extend(&members.groups);
        }
        true
    }
}

fn principal(subject: &Subject) -> Option<&Principal> {
    if let Subject::Principal(principal) = subject { Some(principal) } else { None }
}

fn group(subject: &Subject) -> Option<&GroupName> {
    if let Subject::Group(group) = subject { Some(group) } else { None }
}

impl Snapshot {
    /// Whether a caller is in a group: by the document, directly or through other groups, or because whoever
    /// authenticated it vouches for the group or one inside it.
    pub fn is_member(&self, caller: &Caller, group: &GroupName) -> bool {
        let vouched: BTreeSet<&GroupName> = caller.groups().collect();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![group];
        while let Some(group) = waiting.pop() {
            if vouched.contains(group) {
                return true;
            }
            let Some(members) = self.members.0.get(group).filter(|_| seen.insert(group)) else { continue };
            if members.principals.binary_search(caller.principal()).is_ok() {
                return true;
            }
            waiting.extend(&members.groups);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use lakegate_domain::GroupName;

    use crate::testing::{caller, caller_in, policy};

    #[test]
    fn membership_goes_through_groups_and_those_that_authentication_vouches_for() {
        let policy = policy(
            "- { name: inner, members: ['principal:zoe', 'principal:bob'] }
- { name: middle, members: ['group:inner', 'principal:eve'] }
- { name: outer, members: ['group:middle', 'group:inner'] }
- { name: empty }
rules:
- { id: r, effect: allow, on: { prefix: 'gs://lake/' }, to: ['principal:alice'], operations: [read] }",
        );
        let is_in = |name: &str, vouched: &[&str], group: &str| {
            policy.is_member(&caller_in(name, vouched), &GroupName::parse(group).unwrap())
        };
        for group in ["inner", "middle", "outer"] {
            assert!(is_in("bob", &[], group) && is_in("zoe", &[], group), "{group}");
            assert!(is_in("mallory", &["inner"], group), "vouched for, {group}");
            assert!(!is_in("mallory", &["outer"], "inner"), "not inwards");
        }
        assert!(!is_in("eve", &[], "inner") && is_in("eve", &[], "outer"));
        assert!(
            is_in("anybody", &["of-the-system"], "of-the-system"),
            "a group that the document does not know"
        );
        assert!(!is_in("bob", &[], "empty") && !is_in("bob", &[], "unknown"));
        assert!(!policy.is_member(&caller("Bob"), &GroupName::parse("inner").unwrap()), "case counts");
    }
}
