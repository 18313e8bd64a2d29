//! Whether there can be a caller whom a rule concerns.

use crate::compiled_rule::CompiledRule;
use crate::subjects::{SubjectId, share_one};
use crate::{Snapshot, Subject};

impl Snapshot {
    /// Whether one of the rule's subjects can be somebody who is none of its `unless` subjects.
    pub(super) fn can_concern_somebody(&self, rule: &CompiledRule) -> bool {
        let subjects = rule.to.iter().filter_map(|id| Some((*id, self.subjects.subject(*id)?)));
        subjects.into_iter().any(|(id, subject)| self.can_be(id, subject, &rule.unless))
    }

    fn can_be(&self, id: SubjectId, subject: &Subject, unless: &[SubjectId]) -> bool {
        let memberships = &self.memberships;
        let excepted = |ids: &[SubjectId]| share_one(ids, unless);
        if excepted(&[id])
            || self.subjects.id(&Subject::Everyone).is_some_and(|everyone| excepted(&[everyone]))
        {
            return false;
        }
        match subject {
            Subject::Everyone => true,
            Subject::Principal(principal) => {
                memberships.principals.get(principal).is_none_or(|ids| !excepted(ids))
            }
            Subject::Group(group) => memberships.groups.get(group).is_none_or(|ids| !excepted(ids)),
            Subject::Project(_) => memberships
                .principals
                .values()
                .chain(memberships.groups.values())
                .any(|ids| ids.binary_search(&id).is_ok() && !excepted(ids)),
        }
    }
}
