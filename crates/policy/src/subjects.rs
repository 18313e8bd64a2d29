//! Subjects as numbers, and which of them a caller is.
//!
//! Only subjects that rules name get a number; groups in between only matter for what they lead to. A caller is
//! resolved once per decision, to a sorted list.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use lakegate_domain::{Caller, GroupName, Principal};

use crate::Subject;

/// The number of a subject that some rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubjectId(u32);

/// The subjects that rules name, numbered in their order.
#[derive(Debug)]
pub(crate) struct SubjectTable {
    ids: BTreeMap<Subject, SubjectId>,
    subjects: Vec<Subject>,
}

impl SubjectTable {
    /// Numbers subjects; repetitions are taken once.
    pub(crate) fn of<'a>(subjects: impl Iterator<Item = &'a Subject>) -> Self {
        let distinct: BTreeSet<&Subject> = subjects.collect();
        let numbered = distinct.iter().zip(0..);
        Self {
            ids: numbered.map(|(subject, number)| ((*subject).clone(), SubjectId(number))).collect(),
            subjects: distinct.iter().map(|subject| (*subject).clone()).collect(),
        }
    }

    /// The number of a subject, when a rule names it.
    pub(crate) fn id(&self, subject: &Subject) -> Option<SubjectId> {
        self.ids.get(subject).copied()
    }

    /// The subject of a number.
    pub(crate) fn subject(&self, id: SubjectId) -> Option<&Subject> {
        self.subjects.get(usize::try_from(id.0).ok()?)
    }

    /// The numbers of a rule's subjects, sorted, without repetition.
    pub(crate) fn ids(&self, subjects: &[Subject]) -> Box<[SubjectId]> {
        let mut ids: Vec<SubjectId> = subjects.iter().filter_map(|subject| self.id(subject)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into()
    }
}

/// Which subjects each principal and group of the document is. Every list is sorted and holds `everyone`.
#[derive(Debug)]
pub(crate) struct Memberships {
    pub(crate) principals: HashMap<Principal, Box<[SubjectId]>>,
    pub(crate) groups: HashMap<GroupName, Box<[SubjectId]>>,
    pub(crate) everyone: Box<[SubjectId]>,
}

impl Memberships {
    /// Resolves a caller. Groups that authentication vouches for open the document's groups and projects too.
    pub(crate) fn of(&self, caller: &Caller) -> CallerIds<'_> {
        let own = self.principals.get(caller.principal()).unwrap_or(&self.everyone);
        let mut ids = Cow::Borrowed(&**own);
        for group in caller.groups() {
            if let Some(more) = self.groups.get(group) {
                ids.to_mut().extend_from_slice(more);
            }
        }
        if let Cow::Owned(ids) = &mut ids {
            ids.sort_unstable();
            ids.dedup();
        }
        CallerIds(ids)
    }
}

/// The subjects that a caller is: sorted, without repetition.
#[derive(Debug)]
pub(crate) struct CallerIds<'s>(Cow<'s, [SubjectId]>);

impl CallerIds<'_> {
    /// The numbers.
    pub(crate) fn as_slice(&self) -> &[SubjectId] {
        &self.0
    }
}

/// Whether two sorted lists share a number; costs the shorter one times the logarithm of the longer.
pub(crate) fn share_one(a: &[SubjectId], b: &[SubjectId]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.iter().any(|id| long.binary_search(id).is_ok())
}
