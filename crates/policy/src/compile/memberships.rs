//! Who belongs where: groups in groups, principals in groups, both in projects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use lakegate_domain::{GroupName, Principal};

use crate::subjects::{Memberships, SubjectId, SubjectTable};
use crate::{LoadError, PolicyDocument, Subject};

type Ids = BTreeSet<SubjectId>;

/// What somebody is directly: numbers, and groups still to be opened.
#[derive(Debug, Default)]
struct Direct<'d> {
    ids: Ids,
    groups: BTreeSet<&'d GroupName>,
}

/// Direct memberships of everybody named in a list of members.
#[derive(Debug, Default)]
struct Links<'d> {
    principals: BTreeMap<&'d Principal, Direct<'d>>,
    groups: BTreeMap<&'d GroupName, Direct<'d>>,
}

/// Opens all memberships.
pub(super) fn compile(document: &PolicyDocument, table: &SubjectTable) -> Result<Memberships, LoadError> {
    let links = links(document, table)?;
    let opened = open_groups(&links)?;
    let everyone: Ids = table.id(&Subject::Everyone).into_iter().collect();
    let mut principals: BTreeMap<&Principal, Ids> = BTreeMap::new();
    for (principal, direct) in &links.principals {
        let mut ids = direct.ids.clone();
        ids.extend(direct.groups.iter().filter_map(|group| opened.get(group)).flatten());
        principals.insert(principal, ids);
    }
    let named = document.rules.iter().flat_map(|rule| rule.to.iter().chain(&rule.unless));
    for subject in named {
        if let (Subject::Principal(principal), Some(id)) = (subject, table.id(subject)) {
            principals.entry(principal).or_default().insert(id);
        }
    }
    Ok(Memberships {
        principals: sealed(principals, &everyone),
        groups: sealed(opened, &everyone),
        everyone: everyone.into_iter().collect(),
    })
}

fn sealed<K: Clone + Eq + Hash>(lists: BTreeMap<&K, Ids>, everyone: &Ids) -> HashMap<K, Box<[SubjectId]>> {
    lists.into_iter().map(|(key, ids)| (key.clone(), ids.union(everyone).copied().collect())).collect()
}

fn links<'d>(document: &'d PolicyDocument, table: &SubjectTable) -> Result<Links<'d>, LoadError> {
    let mut links = Links::default();
    for group in &document.groups {
        let ids = table.id(&Subject::Group(group.name.clone())).into_iter().collect();
        links.groups.insert(&group.name, Direct { ids, groups: BTreeSet::new() });
    }
    for group in &document.groups {
        for member in &group.members {
            let holder = || ["group ", group.name.as_str()].concat();
            links.of(member, holder)?.groups.insert(&group.name);
        }
    }
    for project in &document.projects {
        let id = table.id(&Subject::Project(project.name.clone()));
        for member in &project.members {
            let holder = || ["project ", project.name.as_str()].concat();
            links.of(member, holder)?.ids.extend(id);
        }
    }
    Ok(links)
}

impl<'d> Links<'d> {
    /// The links of a member; groups must be there already.
    fn of(&mut self, member: &'d Subject, holder: impl Fn() -> String) -> Result<&mut Direct<'d>, LoadError> {
        match member {
            Subject::Principal(principal) => Ok(self.principals.entry(principal).or_default()),
            Subject::Group(group) => self.groups.get_mut(group).ok_or_else(|| LoadError::Unknown {
                holder: holder(),
                key: "members",
                name: group.to_string(),
            }),
            Subject::Project(_) | Subject::Everyone => {
                Err(LoadError::Member { holder: holder(), member: member.to_string() })
            }
        }
    }
}

/// Opens groups from the outermost inwards; what is left over lies on or below a cycle.
fn open_groups<'d>(links: &Links<'d>) -> Result<BTreeMap<&'d GroupName, Ids>, LoadError> {
    let mut inside: BTreeMap<&GroupName, Vec<&'d GroupName>> = BTreeMap::new();
    let mut waiting: BTreeMap<&GroupName, usize> = BTreeMap::new();
    for (group, direct) in &links.groups {
        waiting.insert(group, direct.groups.len());
        for outer in &direct.groups {
            inside.entry(outer).or_default().push(group);
        }
    }
    let mut ready: Vec<&'d GroupName> =
        links.groups.iter().filter(|(_, direct)| direct.groups.is_empty()).map(|(group, _)| *group).collect();
    let mut opened: BTreeMap<&'d GroupName, Ids> = BTreeMap::new();
    while let Some(group) = ready.pop() {
        let Some(direct) = links.groups.get(group) else { continue };
        let mut ids = direct.ids.clone();
        ids.extend(direct.groups.iter().filter_map(|outer| opened.get(outer)).flatten());
        opened.insert(group, ids);
        for inner in inside.get(group).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(inner) {
                *left -= 1;
                if *left == 0 {
                    ready.push(inner);
                }
            }
        }
    }
    match links.groups.keys().find(|group| !opened.contains_key(*group)) {
        None => Ok(opened),
        Some(group) => Err(LoadError::GroupCycle { group: on_cycle(group, links, &opened).to_string() }),
    }
}

/// Follows unopened outer groups so far that the last one must lie on the cycle.
fn on_cycle<'d>(
    start: &'d GroupName,
    links: &Links<'d>,
    opened: &BTreeMap<&GroupName, Ids>,
) -> &'d GroupName {
    (0..links.groups.len()).fold(start, |group, _| {
        let outer = links.groups.get(group).map(|direct| &direct.groups);
        outer.into_iter().flatten().find(|outer| !opened.contains_key(*outer)).copied().unwrap_or(group)
    })
}
