//! Random documents: rules, storages, classes, memberships and datasets.

use lakegate_domain::{ClassName, DatasetName, Dialect, RuleId, StorageId, Target, Timestamp};
use lakegate_policy::{
    Attribution, Class, Dataset, Effect, Group, Namespace, Priority, Project, Rule, RuleTarget, Staleness,
    StorageRule, Subject, Window,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    GROUPS, PRINCIPALS, PROJECTS, Spot, Tree, buckets, group, now, operations, principal, project, someone,
    spot,
};

/// Edges of windows, in seconds from now; tokens live 300, 900, 1200 or 3600 seconds.
const EDGES: [i64; 13] = [-7200, -60, 0, 1, 299, 300, 600, 900, 1800, 3599, 3600, 4500, 90_000];

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        4 => someone(PRINCIPALS).prop_map(|n| Subject::Principal(principal(n))),
        4 => (0..GROUPS).prop_map(|n| Subject::Group(group(n))),
        2 => (0..PROJECTS).prop_map(|n| Subject::Project(project(n))),
        3 => Just(Subject::Everyone),
    ]
}

fn window() -> impl Strategy<Value = Window> {
    let edge = |n: usize| now().as_seconds() + EDGES[n];
    (0..EDGES.len() - 1, 1..EDGES.len(), 0..6_usize).prop_map(move |(from, length, open)| {
        let until = (from + length).min(EDGES.len() - 1);
        Window {
            from: (open != 0).then(|| Timestamp::from_seconds(edge(from))),
            until: (open != 1).then(|| Timestamp::from_seconds(edge(until))),
        }
    })
}

/// A rule whose target is still a spot; a spot of the first form stands for a dataset when there is one.
pub(super) fn rule() -> impl Strategy<Value = (Spot, Rule)> {
    let effect = prop_oneof![3 => Just(Effect::Allow), 2 => Just(Effect::Deny)];
    let priority = prop_oneof![5 => Just(Priority::Normal), 1 => Just(Priority::Override)];
    let windows = prop_oneof![2 => Just(vec![]), 2 => vec(window(), 1..3)];
    let overrun = select(vec![0, 0, 60, 600, 1800, 10_000]);
    let whom = (vec(subject(), 1..3), prop_oneof![3 => Just(vec![]), 1 => vec(subject(), 1..2)]);
    (spot(), effect, whom, operations(), windows, (priority, overrun)).prop_map(
        |(spot, effect, (to, unless), operations, windows, (priority, overrun_seconds))| {
            let rule = Rule {
                id: RuleId::parse("unnamed").unwrap(),
                effect,
                on: RuleTarget::Dataset(DatasetName::parse("unplaced").unwrap()),
                allow_everyone: [&to[..], &unless[..]].concat().contains(&Subject::Everyone),
                to,
                unless,
                operations: operations.iter().collect(),
                windows,
                priority,
                overrun_seconds: if effect == Effect::Allow { overrun_seconds } else { 0 },
            };
            (spot, rule)
        },
    )
}

pub(super) fn storage(id: &'static str) -> impl Strategy<Value = StorageRule> {
    let custom = vec(operations(), 1..4).prop_map(|mut sets| {
        sets.sort();
        sets.dedup();
        Some(sets.into_iter().map(|set| set.iter().collect()).collect())
    });
    let sets = prop_oneof![2 => Just(None), 1 => custom];
    (sets, prop::bool::weighted(0.1), prop::bool::weighted(0.3), 0..3_u64).prop_map(
        move |(operation_sets, exact_operations, traverse, generation)| StorageRule {
            id: StorageId::parse(id).unwrap(),
            dialect: Dialect::Gcs,
            buckets: vec![],
            namespace: Namespace::Flat,
            generation,
            operation_sets,
            exact_operations,
            traverse,
        },
    )
}

pub(super) fn storages(tree: &Tree, [mut main, mut other]: [StorageRule; 2]) -> Vec<StorageRule> {
    let names = buckets(tree.dialect).map(|bucket| bucket.split_once("://").unwrap().1.to_owned());
    main.dialect = tree.dialect;
    main.buckets = names[..2].to_vec();
    if tree.dialect == Dialect::Azure {
        main.namespace = Namespace::Hierarchical;
    }
    other.dialect = if tree.dialect == Dialect::Gcs { Dialect::Aws } else { Dialect::Gcs };
    other.buckets = vec![names[2].clone()];
    vec![main, other]
}

pub(super) fn classes() -> impl Strategy<Value = Vec<Class>> {
    let class = |name: &str, token_life_seconds, attribution, staleness| Class {
        name: ClassName::parse(name).unwrap(),
        token_life_seconds,
        attribution,
        staleness,
    };
    let mut classes = vec![
        class("short", 300, Attribution::Shared, Staleness::BestEffort),
        class("strict", 900, Attribution::PerPrincipal, Staleness::Strict),
    ];
    let plain = classes.clone();
    classes.push(class("default", 1200, Attribution::Shared, Staleness::BestEffort));
    prop_oneof![3 => Just(plain), 1 => Just(classes)]
}

fn members(mask: usize, from: usize) -> Vec<Subject> {
    let principals = (0..PRINCIPALS).filter(|n| mask >> n & 1 == 1).map(|n| Subject::Principal(principal(n)));
    let groups =
        (from..GROUPS).filter(|n| mask >> (PRINCIPALS + n) & 1 == 1).map(|n| Subject::Group(group(n)));
    principals.chain(groups).collect()
}

pub(super) fn groups() -> impl Strategy<Value = (Vec<Group>, Vec<Project>)> {
    (vec(0..512_usize, GROUPS), vec(0..512_usize, PROJECTS)).prop_map(|(groups, projects)| {
        let groups = groups.iter().enumerate();
        let projects = projects.iter().enumerate();
        (
            groups.map(|(n, mask)| Group { name: group(n), members: members(*mask, n + 1) }).collect(),
            projects.map(|(n, mask)| Project::new(project(n), members(*mask & *mask >> 1, 0))).collect(),
        )
    })
}

pub(super) fn datasets(tree: &Tree, drawn: Vec<(Spot, usize, usize)>) -> Vec<Dataset> {
    let mut datasets: Vec<Dataset> = Vec::new();
    for (spot, owner, class) in drawn {
        let prefix = tree.prefix(spot);
        if datasets.iter().all(|other| other.prefix != prefix) {
            datasets.push(Dataset {
                name: DatasetName::parse(&format!("dataset{}", datasets.len())).unwrap(),
                prefix,
                project: project(owner),
                class: ["", "short", "strict"].get(class).and_then(|name| ClassName::parse(name).ok()),
                nests_other_projects: true,
            });
        }
    }
    datasets
}

pub(super) fn rules(tree: &Tree, datasets: &[Dataset], drawn: Vec<(Spot, Rule)>) -> Vec<Rule> {
    let place = |(n, (spot, mut rule)): (usize, (Spot, Rule))| {
        rule.id = RuleId::parse(&format!("rule{n}")).unwrap();
        rule.on = match tree.target(spot) {
            Target::Object(object) => RuleTarget::Object(object),
            Target::Prefix(_) if spot.form == 0 && !datasets.is_empty() => {
                RuleTarget::Dataset(datasets[spot.path % datasets.len()].name.clone())
            }
            Target::Prefix(prefix) => RuleTarget::Prefix(prefix),
        };
        rule
    };
    drawn.into_iter().enumerate().map(place).collect()
}
