//! Project roles, spelled out as ordinary rules before anything else is looked at.
//!
//! A data owner may do everything with the datasets of the project, a data scientist may read and list them, and both
//! are members of it. Nothing below knows roles: the rules made here are decided, explained and audited like any other,
//! under the ids `data-owner.DATASET` and `data-scientist.DATASET`.

use std::collections::BTreeMap;

use lakegate_domain::{DatasetName, Operation, Prefix, ProjectName, RuleId};

use crate::{Dataset, Effect, LoadError, PolicyDocument, Priority, Project, Rule, RuleTarget, Subject};

/// What a data owner may do.
const OWNER: &[Operation] =
    &[Operation::Read, Operation::List, Operation::Create, Operation::Write, Operation::Delete];

/// What a data scientist may do.
const SCIENTIST: &[Operation] = &[Operation::Read, Operation::List];

/// The document with members and rules in place of roles.
pub(super) fn spell_out(mut document: PolicyDocument) -> Result<PolicyDocument, LoadError> {
    let mut rules = Vec::new();
    let with_roles = document.projects.iter().filter(|project| has_roles(project));
    let projects: BTreeMap<&ProjectName, &Project> =
        with_roles.map(|project| (&project.name, project)).collect();
    projects.values().try_for_each(|project| check_holders(project))?;
    let places: Places = if projects.is_empty() {
        Places::new()
    } else {
        document.datasets.iter().map(|dataset| (&dataset.prefix, dataset)).collect()
    };
    for dataset in &document.datasets {
        let Some(project) = projects.get(&dataset.project) else { continue };
        check_alone(dataset, &places)?;
        for (role, holders, operations) in [
            ("data-owner.", &project.data_owners, OWNER),
            ("data-scientist.", &project.data_scientists, SCIENTIST),
        ] {
            if !holders.is_empty() {
                rules.push(rule(role, &dataset.name, holders, operations)?);
            }
        }
    }
    document.rules.append(&mut rules);
    for project in &mut document.projects {
        let holders =
            [std::mem::take(&mut project.data_owners), std::mem::take(&mut project.data_scientists)];
        project.members.extend(holders.into_iter().flatten());
    }
    Ok(document)
}

/// Datasets in the order of their prefixes: what lies inside one follows it.
type Places<'d> = BTreeMap<&'d Prefix, &'d Dataset>;

fn has_roles(project: &Project) -> bool {
    !project.data_owners.is_empty() || !project.data_scientists.is_empty()
}

/// Roles are held by principals and groups: a project that held one would give it to people it does not name.
fn check_holders(project: &Project) -> Result<(), LoadError> {
    let mut holders = project.data_owners.iter().chain(&project.data_scientists);
    match holders.find(|holder| matches!(holder, Subject::Project(_) | Subject::Everyone)) {
        None => Ok(()),
        Some(holder) => Err(LoadError::Member {
            holder: ["project ", project.name.as_str()].concat(),
            member: holder.to_string(),
        }),
    }
}

/// A role reaches the project's own datasets only, and no rule on a prefix leaves out what lies inside.
fn check_alone(dataset: &Dataset, places: &Places<'_>) -> Result<(), LoadError> {
    if !dataset.nests_other_projects {
        // Then nothing foreign lies inside, or the document is refused for that.
        return Ok(());
    }
    let inside = places.range::<&Prefix, _>(&dataset.prefix..).map(|(_, other)| other);
    let mut inside = inside.take_while(|other| dataset.prefix.covers_prefix(&other.prefix));
    match inside.find(|other| other.project != dataset.project) {
        None => Ok(()),
        Some(inner) => {
            Err(LoadError::RoleReach { outer: dataset.name.to_string(), inner: inner.name.to_string() })
        }
    }
}

fn rule(
    role: &str,
    dataset: &DatasetName,
    holders: &[Subject],
    operations: &[Operation],
) -> Result<Rule, LoadError> {
    let id = RuleId::parse(&[role, dataset.as_str()].concat());
    Ok(Rule {
        id: id.map_err(|source| LoadError::Name { key: "datasets", source })?,
        effect: Effect::Allow,
        on: RuleTarget::Dataset(dataset.clone()),
        to: holders.to_vec(),
        unless: Vec::new(),
        operations: operations.to_vec(),
        windows: Vec::new(),
        priority: Priority::Normal,
        overrun_seconds: 0,
        allow_everyone: false,
    })
}

#[cfg(test)]
mod tests;
