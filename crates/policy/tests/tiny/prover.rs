//! One thread's part of a world: makes policies, asks, compares.
//!
//! Policies that differ only by whom their rules are addressed to are handled together: the engine is asked about
//! each, the reference once for each set of rules that comes to concern a caller.

use lakegate_domain::{Caller, GroupName, ObjectPath, Part, Principal, Proof, RuleId, Target, Timestamp};
use lakegate_policy::{PolicyDocument, Rule, Snapshot};

use super::document::{bucket, document};
use super::flavour::{Flavour, Who};
use super::places::{self, Place, Symmetry};
use super::{Counts, Put, World};
use crate::reference::{Answer, Points, Reference, View};

/// One thread's part of the work.
pub(super) struct Prover<'w> {
    world: &'w World,
    /// The documents without rules, by symmetry.
    bare: Vec<PolicyDocument>,
    targets: Vec<Target>,
    points: Points,
    requests: Vec<Vec<Part>>,
    callers: [Caller; 2],
    ids: Vec<RuleId>,
    pub(super) counts: Counts,
}

/// Rules at their places, not yet addressed to anybody.
struct Unaddressed<'p> {
    shape: &'p [Place],
    flavours: Vec<usize>,
    requests: &'p [Place],
    turn: Turn,
}

/// What the reference says to one who is concerned by some rules, at one instant.
struct Expected<'r> {
    concerning: Vec<RuleId>,
    now: Timestamp,
    view: View<'r>,
    answers: Vec<Answer>,
}

impl<'w> Prover<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let target = |place: Place| place.target(bucket(world.dialect));
        let targets: Vec<Target> = Place::asked().into_iter().map(target).collect();
        let points = Place::probed().into_iter().filter_map(|place| match target(place) {
            Target::Object(object) => Some(object),
            Target::Prefix(_) => None,
        });
        let parts = |target: &Target| {
            world.asked.iter().map(|asked| Part::new(target.clone(), *asked).unwrap()).collect()
        };
        let principal = |name| Caller::new(Principal::parse(name).unwrap(), Proof::ClientCertificate);
        Self {
            world,
            bare: Symmetry::all().map(|symmetry| document(world, symmetry)).collect(),
            points: Points::new(points.collect::<Vec<ObjectPath>>()),
            requests: targets.iter().map(parts).collect(),
            targets,
            callers: [principal("p"), principal("q").with_groups([GroupName::parse("g").unwrap()])],
            ids: (0..world.rules).map(|n| RuleId::parse(&format!("r{n}")).unwrap()).collect(),
            counts: Counts::default(),
        }
    }

    /// Proves all policies whose rules stand at these places.
    pub(super) fn prove(&mut self, shape_number: usize, shape: &[Place]) {
        let requests = places::requests(&[self.world.fixed(), shape.to_vec()].concat());
        let turned = places::turned(&self.world.fixed(), shape);
        let all = self.world.flavours.len();
        for number in 0..all.pow(u32::try_from(shape.len()).unwrap()) {
            let flavours: Vec<usize> = (0..shape.len())
                .scan(number, |rest, _| Some(std::mem::replace(rest, *rest / all) % all))
                .collect();
            let rules: Vec<(Place, usize)> = shape.iter().copied().zip(flavours.iter().copied()).collect();
            let first = |places: &Vec<Place>| {
                let mut image: Vec<_> = places.iter().copied().zip(flavours.iter().copied()).collect();
                image.sort_unstable();
                rules <= image
            };
            if rules.is_sorted() && turned.iter().all(first) {
                let turn = Turn::of(shape_number, number);
                self.prove_unaddressed(&Unaddressed { shape, flavours, requests: &requests, turn });
            }
        }
    }

    fn prove_unaddressed(&mut self, rules: &Unaddressed) {
        let documents: Vec<PolicyDocument> =
            self.addresses(rules).iter().enumerate().map(|(n, who)| self.document(rules, who, n)).collect();
        let references: Vec<Reference> =
            documents.iter().map(|document| Reference::new(document, &self.points)).collect();
        let symmetry = rules.turn.symmetry();
        let numbers = rules.requests.iter().map(|place| symmetry.place(*place).number());
        let requests: Vec<&[Part]> =
            numbers.flat_map(|n| &self.requests[n]).map(std::slice::from_ref).collect();
        let callers = match self.world.put {
            Put::Everything => &self.callers[..],
            Put::OneCaller | Put::OneAddress => std::slice::from_ref(&self.callers[rules.turn.caller()]),
        };
        let mut known: Vec<Expected> = Vec::new();
        for (document, reference) in documents.iter().zip(&references) {
            let snapshot = Snapshot::compile(document).unwrap();
            self.counts.policies += 1;
            for (caller, now) in
                callers.iter().flat_map(|caller| self.world.instants.iter().map(move |now| (caller, *now)))
            {
                let expected = expected(&mut known, reference, caller, now, &requests);
                for (request, answer) in requests.iter().zip(&expected.answers) {
                    let decision = snapshot.decide(caller, request, now);
                    assert!(
                        Answer::of(&decision, request) == *answer,
                        "{caller:?} asks {request:?} at {now}\nengine: {decision:#?}\nreference: {answer:#?}\n{:#?}\n{:#?}",
                        document.rules,
                        document.datasets
                    );
                    self.counts.decisions += 1;
                    if let Ok(grant) = &decision {
                        self.counts.grants += 1;
                        self.counts.probes += expected.view.probe(grant);
                    }
                }
            }
        }
    }

    /// To whom the rules are addressed, in all ways or in the one whose turn it is.
    fn addresses(&self, rules: &Unaddressed) -> Vec<Vec<Who>> {
        let flavour = |n: usize| &self.world.flavours[rules.flavours[n]];
        let alike =
            |n: usize| rules.shape[n - 1] == rules.shape[n] && rules.flavours[n - 1] == rules.flavours[n];
        let mut all: Vec<Vec<Who>> = vec![vec![]];
        for n in 0..rules.shape.len() {
            let longer = |who: &Vec<Who>| {
                let last = who.last().copied().filter(|_| n > 0 && alike(n));
                let next = flavour(n).who.iter().filter(move |next| last.is_none_or(|last| last <= **next));
                next.map(|next| [&who[..], &[*next]].concat()).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(longer).collect();
        }
        if self.world.put == Put::OneAddress {
            let chosen = rules.turn.address() % all.len();
            all = vec![all.swap_remove(chosen)];
        }
        all
    }

    fn document(&self, rules: &Unaddressed, who: &[Who], number: usize) -> PolicyDocument {
        let symmetry = rules.turn.symmetry();
        let exchanged = self.world.put != Put::Everything && rules.turn.caller() == 1;
        let rule = |n: usize| {
            let target = &self.targets[symmetry.place(rules.shape[n]).number()];
            let flavour: &Flavour = &self.world.flavours[rules.flavours[n]];
            flavour.rule(&self.ids[n], target, if exchanged { who[n].exchanged() } else { who[n] })
        };
        let mut written: Vec<Rule> = (0..who.len()).map(rule).collect();
        let by = (rules.turn.rotation() + number) % written.len();
        written.rotate_left(by);
        PolicyDocument { rules: written, ..self.bare[symmetry.number()].clone() }
    }
}

/// What the reference says to a caller: looked up when another whom the same rules concern has asked before.
fn expected<'e, 'r>(
    known: &'e mut Vec<Expected<'r>>,
    reference: &'r Reference<'r>,
    caller: &'r Caller,
    now: Timestamp,
    requests: &[&[Part]],
) -> &'e Expected<'r> {
    let mut concerning: Vec<RuleId> =
        reference.concerning(caller).into_iter().map(|rule| rule.id.clone()).collect();
    concerning.sort_unstable();
    let at =
        known.iter().position(|one| one.now == now && one.concerning == concerning).unwrap_or_else(|| {
            let view = reference.view(caller, now);
            let answers = requests.iter().map(|request| view.decide(request)).collect();
            known.push(Expected { concerning, now, view, answers });
            known.len() - 1
        });
    &known[at]
}

/// Which of what may stand for each other has its turn: scrambled, so that neighbours differ in everything, and the
/// same in every run.
#[derive(Debug, Clone, Copy)]
struct Turn(usize);

impl Turn {
    fn of(shape: usize, number: usize) -> Self {
        let scrambled = (number as u64 ^ ((shape as u64) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let scrambled = (scrambled ^ (scrambled >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self(usize::try_from(scrambled >> 40).unwrap())
    }

    fn symmetry(self) -> Symmetry {
        Symmetry::turn(self.0)
    }

    fn caller(self) -> usize {
        self.0 >> 7 & 1
    }

    fn rotation(self) -> usize {
        self.0 >> 8 & 7
    }

    fn address(self) -> usize {
        self.0 >> 11
    }
}
