//! A small world: enumerates its policies modulo symmetry, and puts every request to engine and reference.

use std::thread;

use lakegate_domain::{
    Caller, ClassName, DatasetName, Dialect, GroupName, ObjectPath, OperationSet, Part, Principal,
    ProjectName, Proof, RuleId, StorageId, Target, Timestamp,
};
use lakegate_policy::{
    Attribution, Class, Dataset, Group, Namespace, PolicyDocument, Project, Rule, Snapshot, Staleness,
    StorageRule, Subject,
};

use crate::reference::{Answer, Reference};
use flavour::Flavour;
use places::{Place, Symmetry};

pub(crate) mod flavour;
mod places;

/// How many threads share a world.
const THREADS: usize = 2;

/// Which datasets stand in the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Datasets {
    /// None.
    None,
    /// One on the whole bucket, of the class `default`.
    Outer,
    /// That, and one of the class `short` on a child.
    Nested,
    /// One on the whole bucket, of the class `short`: tokens end before the window's edge.
    OuterShort,
    /// That, and one of the class `default` on a child.
    NestedShort,
}

/// All policies of up to `rules` rules of the given flavours.
pub(crate) struct World {
    pub(crate) dialect: Dialect,
    pub(crate) datasets: Datasets,
    pub(crate) flavours: Vec<Flavour>,
    pub(crate) rules: usize,
    pub(crate) asked: Vec<OperationSet>,
    pub(crate) instants: Vec<Timestamp>,
}

/// How much was compared.
#[derive(Debug, Default)]
struct Counts {
    policies: u64,
    decisions: u64,
    grants: u64,
    probes: u64,
}

impl World {
    /// Proves the world, and prints how large it is.
    pub(crate) fn prove(&self, name: &str) {
        let shapes: Vec<Vec<Place>> =
            (1..=self.rules).flat_map(|length| places::shapes(&self.fixed(), length)).collect();
        let prove_share = |share: usize| {
            let mut prover = Prover::new(self);
            shapes.iter().skip(share).step_by(THREADS).for_each(|shape| prover.prove(shape));
            prover.counts
        };
        let counts: Vec<Counts> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|share| scope.spawn(move || prove_share(share))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let sum = |of: fn(&Counts) -> u64| counts.iter().map(of).sum::<u64>();
        println!(
            "{name}, {:?}: {} shapes, {} policies, {} decisions, {} grants, {} probes",
            self.datasets,
            shapes.len(),
            sum(|c| c.policies),
            sum(|c| c.decisions),
            sum(|c| c.grants),
            sum(|c| c.probes),
        );
    }

    /// Where the datasets stand: places that a symmetry must keep.
    fn fixed(&self) -> Vec<Place> {
        match self.datasets {
            Datasets::None => vec![],
            Datasets::Outer | Datasets::OuterShort => vec![Place::Prefix(1)],
            Datasets::Nested | Datasets::NestedShort => vec![Place::Prefix(1), Place::Prefix(2)],
        }
    }
}

/// One thread's part of the work.
struct Prover<'w> {
    world: &'w World,
    targets: Vec<Target>,
    points: Vec<ObjectPath>,
    requests: Vec<Vec<Part>>,
    callers: [Caller; 2],
    ids: Vec<RuleId>,
    counts: Counts,
}

impl<'w> Prover<'w> {
    fn new(world: &'w World) -> Self {
        let targets: Vec<Target> =
            Place::asked().into_iter().map(|place| place.target(bucket(world.dialect))).collect();
        let points =
            Place::probed().into_iter().filter_map(|place| match place.target(bucket(world.dialect)) {
                Target::Object(object) => Some(object),
                Target::Prefix(_) => None,
            });
        let parts = |target: &Target| {
            world.asked.iter().map(|asked| Part::new(target.clone(), *asked).unwrap()).collect()
        };
        let principal = |name| Caller::new(Principal::parse(name).unwrap(), Proof::ClientCertificate);
        Self {
            world,
            points: points.collect(),
            requests: targets.iter().map(parts).collect(),
            targets,
            callers: [principal("p"), principal("q").with_groups([GroupName::parse("g").unwrap()])],
            ids: (0..world.rules).map(|n| RuleId::parse(&format!("r{n}")).unwrap()).collect(),
            counts: Counts::default(),
        }
    }

    /// Proves all policies whose rules stand at these places.
    fn prove(&mut self, shape: &[Place]) {
        let requests = places::requests(&[self.world.fixed(), shape.to_vec()].concat());
        let flavours = self.world.flavours.len();
        let total = flavours.pow(u32::try_from(shape.len()).unwrap());
        for number in 0..total {
            let chosen: Vec<usize> = (0..shape.len())
                .scan(number, |rest, _| Some(std::mem::replace(rest, *rest / flavours) % flavours))
                .collect();
            let repeated = (1..shape.len()).any(|n| shape[n - 1] == shape[n] && chosen[n - 1] > chosen[n]);
            if !repeated {
                self.prove_policy(shape, &chosen, &requests);
            }
        }
    }

    fn prove_policy(&mut self, shape: &[Place], chosen: &[usize], requests: &[Place]) {
        // 37 is prime to 128: every symmetry has its turn, and neighbours differ.
        let turn = usize::try_from(self.counts.policies).unwrap();
        let symmetry = Symmetry(turn * 37 % 128);
        let mut rules: Vec<Rule> = shape
            .iter()
            .zip(chosen)
            .zip(&self.ids)
            .map(|((place, flavour), id)| {
                let target = &self.targets[symmetry.place(*place).number()];
                self.world.flavours[*flavour].rule(id, target)
            })
            .collect();
        if !rules.is_empty() {
            let by = turn % rules.len();
            rules.rotate_left(by);
        }
        let document = document(self.world, symmetry, rules);
        let snapshot = Snapshot::compile(&document).unwrap();
        let reference = Reference::new(&document, &self.points);
        self.counts.policies += 1;
        for caller in &self.callers {
            for now in self.world.instants.iter().copied() {
                let view = reference.view(caller, now);
                for part in requests.iter().flat_map(|place| &self.requests[symmetry.place(*place).number()])
                {
                    let request = std::slice::from_ref(part);
                    let decision = snapshot.decide(caller, request, now);
                    let expected = view.decide(request);
                    assert!(
                        Answer::of(&decision, request) == expected,
                        "{caller:?} asks {part} at {now}\nengine: {decision:#?}\nreference: {expected:#?}\n{:#?}\n{:#?}",
                        document.rules,
                        document.datasets
                    );
                    self.counts.decisions += 1;
                    if let Ok(grant) = &decision {
                        self.counts.grants += 1;
                        self.counts.probes += view.probe(grant);
                    }
                }
            }
        }
    }
}

fn bucket(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Gcs { "gs://lake" } else { "s3://lake" }
}

fn document(world: &World, symmetry: Symmetry, rules: Vec<Rule>) -> PolicyDocument {
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
        projects: vec![Project { name: project.clone(), members: vec![] }],
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
        rules,
    }
}
