//! The documents of the small world.

use lakegate_domain::{
    ClassName, DatasetName, Dialect, GroupName, Principal, ProjectName, StorageId, Target,
};
use lakegate_policy::{
    Attribution, Class, Dataset, Group, Namespace, PolicyDocument, Project, Staleness, StorageRule, Subject,
};

use super::places::{Place, Symmetry};
use super::{Datasets, World};

pub(super) fn bucket(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Gcs { "gs://lake" } else { "s3://lake" }
}

/// A document under a symmetry, without rules.
pub(super) fn document(world: &World, symmetry: Symmetry) -> PolicyDocument {
    let class = |name: &str, token_life_seconds| Class {
        name: ClassName::parse(name).unwrap(),
        token_life_seconds,
        attribution: Attribution::Shared,
        staleness: Staleness::BestEffort,
    };
    let project = ProjectName::parse("owner").unwrap();
    let dataset = |name: &str, node, class: Option<&str>| Dataset {
        name: DatasetName::parse(name).unwrap(),
        prefix: match symmetry.place(Place::Prefix(node)).target(bucket(world.dialect)) {
            Target::Prefix(prefix) => prefix,
            Target::Object(_) => unreachable!("the image of a prefix is a prefix"),
        },
        project: project.clone(),
        class: class.map(|name| ClassName::parse(name).unwrap()),
        nests_other_projects: false,
    };
    PolicyDocument {
        version: 1,
        storages: vec![StorageRule {
            id: StorageId::parse("store").unwrap(),
            dialect: world.dialect,
            buckets: vec!["lake".to_owned()],
            namespace: Namespace::Flat,
            generation: 0,
            operation_sets: None,
            exact_operations: false,
            traverse: false,
        }],
        classes: vec![class("short", 900)],
        projects: vec![Project::new(project.clone(), vec![])],
        groups: vec![Group {
            name: GroupName::parse("g").unwrap(),
            members: vec![Subject::Principal(Principal::parse("p").unwrap())],
        }],
        datasets: match world.datasets {
            Datasets::None => vec![],
            Datasets::Outer => vec![dataset("outer", 1, None)],
            Datasets::Nested => vec![dataset("outer", 1, None), dataset("inner", 2, Some("short"))],
            Datasets::OuterShort => vec![dataset("outer", 1, Some("short"))],
            Datasets::NestedShort => vec![dataset("outer", 1, Some("short")), dataset("inner", 2, None)],
        },
        rules: vec![],
    }
}
