//! A small world: enumerates its policies modulo symmetry, and puts every request to engine and reference.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use lakegate_domain::{Dialect, OperationSet, Timestamp};

use flavour::Flavour;
pub(crate) use places::Place;
use prover::Prover;

mod document;
pub(crate) mod flavour;
mod places;
mod prover;

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

/// What of a world's policies and callers is put to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// Every policy, and both callers.
    Everything,
    /// Every policy, under one exchange of the principals: `p` asks, or `q` asks and is named where `p` was.
    OneCaller,
    /// That, but of the policies that differ only by whom each rule is addressed to, one.
    OneAddress,
}

/// All policies of up to `rules` rules of the given flavours on the given places.
pub(crate) struct World {
    pub(crate) dialect: Dialect,
    pub(crate) datasets: Datasets,
    pub(crate) places: Vec<Place>,
    pub(crate) flavours: Vec<Flavour>,
    pub(crate) rules: usize,
    pub(crate) asked: Vec<OperationSet>,
    pub(crate) instants: Vec<Timestamp>,
    pub(crate) put: Put,
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
        let of_length = |length| places::shapes(&self.fixed(), &self.places, length);
        let shapes: Vec<Vec<Place>> = (1..=self.rules).flat_map(of_length).collect();
        let next = AtomicUsize::new(0);
        let prove_share = || {
            let mut prover = Prover::new(self);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(shape) = shapes.get(number) else { break prover.counts };
                prover.prove(number, shape);
            }
        };
        let counts: Vec<Counts> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(prove_share)).collect();
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
