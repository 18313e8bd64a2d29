//! Random worlds: strategies that make documents and requests.
//!
//! Everything is drawn as small numbers and looked up in lists, so that a failing world shrinks to a small one.

use lakegate_domain::{
    Caller, Dialect, GroupName, ObjectPath, Operation, OperationSet, Part, Prefix, Principal, ProjectName,
    Proof, RuleId, Target, Timestamp,
};
use lakegate_policy::{Effect, PolicyDocument, Priority, Rule, RuleTarget, Subject};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

mod document;
pub(crate) mod key;

use document::{classes, datasets, groups, rule, rules, storage, storages};

/// A document and what is asked of it.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) document: PolicyDocument,
    pub(crate) requests: Vec<(Caller, Vec<Part>)>,
}

/// The instant of all decisions.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(1_000_000_000)
}

const PRINCIPALS: usize = 6;
const GROUPS: usize = 3;
const PROJECTS: usize = 2;
const SEGMENTS: [&str; 3] = ["s", "s_p", "t"];

fn principal(n: usize) -> Principal {
    Principal::parse(&format!("user{n}")).unwrap()
}

fn group(n: usize) -> GroupName {
    GroupName::parse(&format!("group{n}")).unwrap()
}

fn project(n: usize) -> ProjectName {
    ProjectName::parse(&format!("project{n}")).unwrap()
}

/// The buckets: the first two in one storage, the third in another, the last in none.
fn buckets(dialect: Dialect) -> [&'static str; 4] {
    match dialect {
        Dialect::Gcs => ["gs://lake", "gs://lake-two", "s3://pond", "gs://nowhere"],
        Dialect::Azure => [
            "abfss://lake@acct.dfs.core.windows.net",
            "abfss://lake-two@acct.dfs.core.windows.net",
            "gs://pond",
            "abfss://lake@other.dfs.core.windows.net",
        ],
        _ => ["s3://lake", "s3://lake-two", "gs://pond", "s3://nowhere"],
    }
}

/// Where something stands: a bucket, a path out of the world's tree, and what is made of the path.
#[derive(Debug, Clone, Copy)]
struct Spot {
    bucket: usize,
    path: usize,
    form: usize,
}

fn spot() -> impl Strategy<Value = Spot> {
    let bucket = prop_oneof![10 => Just(0_usize), 1 => Just(1), 3 => Just(2)];
    (bucket, 0..64_usize, 0..10_usize).prop_map(|(bucket, path, form)| Spot { bucket, path, form })
}

/// The paths of a world: each grows out of an earlier one, so that they meet.
#[derive(Debug, Clone)]
struct Tree {
    dialect: Dialect,
    keys: Vec<String>,
}

fn tree() -> impl Strategy<Value = Tree> {
    let dialects =
        select(vec![Dialect::Gcs, Dialect::Aws, Dialect::Minio, Dialect::GenericS3, Dialect::Azure]);
    let growth = vec((0..64_usize, select(&SEGMENTS[..])), 2..9);
    (dialects, growth).prop_map(|(dialect, growth)| {
        let mut keys = vec![String::new()];
        for (from, segment) in growth {
            let parent = &keys[from % keys.len()];
            let deep = parent.matches('/').count() == 5;
            keys.push(if deep { format!("{segment}/") } else { format!("{parent}{segment}/") });
        }
        Tree { dialect, keys }
    })
}

impl Tree {
    fn prefix(&self, spot: Spot) -> Prefix {
        let bucket = buckets(self.dialect)[spot.bucket];
        Prefix::parse(&format!("{bucket}/{}", self.keys[spot.path % self.keys.len()])).unwrap()
    }

    /// The prefix, its slashless object, or a name below or beside it.
    fn target(&self, spot: Spot) -> Target {
        let prefix = self.prefix(spot);
        let below = |name| ObjectPath::parse(&format!("{prefix}{name}")).unwrap();
        match (spot.form, prefix.slashless()) {
            (5 | 6, Some(slashless)) => Target::Object(slashless),
            (7, _) => Target::Object(below("x")),
            (8, _) => Target::Object(below("s")),
            (9, Some(slashless)) => Target::Object(ObjectPath::parse(&format!("{slashless}_p")).unwrap()),
            _ => Target::Prefix(prefix),
        }
    }
}

fn operations() -> impl Strategy<Value = OperationSet> {
    let of_bits = |bits: u8| Operation::ALL.into_iter().filter(|op| bits >> (*op as u8) & 1 == 1).collect();
    prop_oneof![
        4 => Just(OperationSet::ALL),
        4 => Just(OperationSet::of(&[Operation::Read])),
        2 => Just(OperationSet::of(&[Operation::Read, Operation::List])),
        1 => Just(OperationSet::of(&[Operation::Write, Operation::Delete])),
        1 => Just(OperationSet::of(&[Operation::Write])),
        4 => (1_u8..32).prop_map(of_bits),
    ]
}

/// A principal's number; the first two are named more often, so that rules and callers meet.
fn someone(beyond: usize) -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..2_usize, 2 => 0..beyond]
}

/// A caller: one of the principals or a stranger, perhaps with groups vouched for.
fn caller() -> impl Strategy<Value = Caller> {
    (someone(PRINCIPALS + 1), prop_oneof![3 => Just(0_usize), 1 => 0..8_usize]).prop_map(|(n, vouched)| {
        let groups = (0..GROUPS).filter(move |group| vouched >> group & 1 == 1).map(group);
        Caller::new(principal(n), Proof::ClientCertificate).with_groups(groups)
    })
}

/// Parts, mostly in the bucket of the first.
fn request() -> impl Strategy<Value = (Caller, Vec<(Spot, OperationSet)>)> {
    let bucket = prop_oneof![20 => Just(None), 3 => (0..4_usize).prop_map(Some)];
    let count = prop_oneof![40 => Just(1_usize), 30 => 2..=4_usize, 1 => Just(0), 1 => Just(5)];
    let parts = count.prop_flat_map(move |count| vec((spot(), bucket.clone(), operations()), count));
    (caller(), parts).prop_map(|(caller, parts)| {
        let first = parts.first().map_or(0, |(spot, ..)| spot.bucket);
        let placed = parts
            .into_iter()
            .map(|(spot, bucket, operations)| (Spot { bucket: bucket.unwrap_or(first), ..spot }, operations));
        (caller, placed.collect())
    })
}

/// A world with up to a dozen requests.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let places = (tree(), [storage("main"), storage("other")], classes(), groups());
    let contents = (vec((spot(), 0..PROJECTS, 0..4_usize), 0..6), vec(rule(), 1..=12));
    (places, contents, vec(request(), 1..=12)).prop_map(
        |(places, (drawn_datasets, drawn_rules), requests)| {
            let (tree, both, classes, (groups, projects)) = places;
            let datasets = datasets(&tree, drawn_datasets);
            let rules = rules(&tree, &datasets, drawn_rules);
            let storages = storages(&tree, both);
            let document =
                PolicyDocument { version: 7, storages, classes, projects, groups, datasets, rules };
            let part = |(spot, operations)| Part::new(tree.target(spot), operations).unwrap();
            let parts = |parts: Vec<_>| parts.into_iter().map(part).collect();
            World {
                document,
                requests: requests.into_iter().map(|(caller, drawn)| (caller, parts(drawn))).collect(),
            }
        },
    )
}

/// The same world in another order.
pub(crate) fn shuffled(world: World) -> impl Strategy<Value = World> {
    let PolicyDocument { storages, classes, projects, groups, datasets, rules, .. } = world.document.clone();
    let lists = (
        Just(storages).prop_shuffle(),
        Just(classes).prop_shuffle(),
        Just(projects).prop_shuffle(),
        Just(groups).prop_shuffle(),
        Just(datasets).prop_shuffle(),
        Just(rules).prop_shuffle(),
    );
    lists.prop_map(move |(storages, classes, projects, groups, datasets, rules)| {
        let mut requests = world.requests.clone();
        for (_, parts) in &mut requests {
            parts.reverse();
        }
        let version = world.document.version;
        let document = PolicyDocument { version, storages, classes, projects, groups, datasets, rules };
        World { document, requests }
    })
}

/// The document with these rules alone, each addressed to the caller by name.
pub(crate) fn addressed_to(caller: &Caller, document: &PolicyDocument, rules: &[&Rule]) -> PolicyDocument {
    let to = vec![Subject::Principal(caller.principal().clone())];
    let readdressed =
        |rule: &&Rule| Rule { to: to.clone(), unless: vec![], allow_everyone: false, ..(*rule).clone() };
    PolicyDocument { rules: rules.iter().map(readdressed).collect(), ..document.clone() }
}

/// Override rules that deny all operations on all buckets to everyone, one rule for each bucket of the document.
pub(crate) fn deny_everything(document: &PolicyDocument) -> Vec<Rule> {
    let buckets = document.storages.iter().flat_map(|storage| storage.parsed_buckets().unwrap());
    let rule = |(n, bucket)| Rule {
        id: RuleId::parse(&format!("closed{n}")).unwrap(),
        effect: Effect::Deny,
        on: RuleTarget::Prefix(Prefix::root(bucket)),
        to: vec![Subject::Everyone],
        unless: vec![],
        operations: Operation::ALL.to_vec(),
        windows: vec![],
        priority: Priority::Override,
        overrun_seconds: 0,
        allow_everyone: true,
    };
    buckets.enumerate().map(rule).collect()
}
