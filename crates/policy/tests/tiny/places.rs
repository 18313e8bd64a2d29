//! The places of the small world, and its symmetries.
//!
//! Names are nodes of a binary tree in heap order: 1 is the bucket, `2n` and `2n + 1` are the children of `n`.

use std::collections::BTreeSet;

use lakegate_domain::{ObjectPath, Prefix, Target};

/// How many of the nodes (1 to 7) are prefixes.
const INNER: usize = 7;

/// A target that a rule or a request can name; a fresh object below a leaf is only probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The prefix of an inner node.
    Prefix(usize),
    /// The object called like a node.
    Object(usize),
    /// An object below a node that no rule names.
    Fresh(usize),
}

impl Place {
    /// Where rules may stand.
    pub(crate) fn ruled() -> Vec<Self> {
        (1..=INNER).map(Self::Prefix).chain((2..=2 * INNER + 1).map(Self::Object)).collect()
    }

    /// The fifteen nodes of the tree: the inner ones as prefixes, the leaves as objects.
    pub(crate) fn nodes() -> Vec<Self> {
        (1..=INNER).map(Self::Prefix).chain((INNER + 1..=2 * INNER + 1).map(Self::Object)).collect()
    }

    /// What may be asked for.
    pub(crate) fn asked() -> Vec<Self> {
        let mut places = Self::ruled();
        places.extend((1..=INNER).map(Self::Fresh));
        places
    }

    /// What is probed: all objects.
    pub(crate) fn probed() -> Vec<Self> {
        let leaves = INNER + 1..=2 * INNER + 1;
        Self::asked()
            .into_iter()
            .filter(|p| !matches!(p, Self::Prefix(_)))
            .chain(leaves.map(Self::Fresh))
            .collect()
    }

    /// The place's number among those that may be asked for.
    pub(crate) fn number(self) -> usize {
        match self {
            Self::Prefix(node) => node - 1,
            Self::Object(node) => INNER + node - 2,
            Self::Fresh(node) => 3 * INNER + node - 1,
        }
    }

    pub(crate) fn target(self, bucket: &str) -> Target {
        match self {
            Self::Prefix(node) => Target::Prefix(prefix(bucket, node)),
            Self::Object(node) => {
                Target::Object(ObjectPath::parse(prefix_text(bucket, node).trim_end_matches('/')).unwrap())
            }
            Self::Fresh(node) => {
                Target::Object(ObjectPath::parse(&(prefix_text(bucket, node) + "fresh")).unwrap())
            }
        }
    }
}

pub(crate) fn prefix(bucket: &str, node: usize) -> Prefix {
    Prefix::parse(&prefix_text(bucket, node)).unwrap()
}

fn prefix_text(bucket: &str, node: usize) -> String {
    match node {
        1 => format!("{bucket}/"),
        _ => prefix_text(bucket, node / 2) + if node.is_multiple_of(2) { "s/" } else { "s_p/" },
    }
}

/// An automorphism of the tree: bit `n - 1` says that the children of the inner node `n` are swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symmetry(usize);

impl Symmetry {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..1 << INNER).map(Self)
    }

    /// One of them by turns.
    pub(crate) fn turn(turn: usize) -> Self {
        Self(turn % (1 << INNER))
    }

    /// Its number among all.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    fn node(self, node: usize) -> usize {
        if node == 1 {
            return 1;
        }
        let swapped = self.0 >> (node / 2 - 1) & 1;
        2 * self.node(node / 2) + ((node % 2) ^ swapped)
    }

    pub(crate) fn place(self, place: Place) -> Place {
        match place {
            Place::Prefix(node) => Place::Prefix(self.node(node)),
            Place::Object(node) => Place::Object(self.node(node)),
            Place::Fresh(node) => Place::Fresh(self.node(node)),
        }
    }
}

/// The ruled places in ascending order that stand for all their images under the symmetries that keep `fixed`.
pub(crate) fn shapes(fixed: &[Place], ruled: &[Place], length: usize) -> Vec<Vec<Place>> {
    let symmetries = keeping(fixed);
    let mut shapes = vec![Vec::new()];
    for _ in 0..length {
        shapes = shapes.iter().flat_map(|shape| longer(shape, ruled)).collect();
    }
    shapes.retain(|shape| symmetries.iter().all(|symmetry| *shape <= image(*symmetry, shape)));
    shapes
}

/// Where the symmetries that keep `fixed` and the shape as a whole, but not each of its places, take its places.
pub(crate) fn turned(fixed: &[Place], shape: &[Place]) -> Vec<Vec<Place>> {
    let symmetries = keeping(fixed).into_iter().filter(|symmetry| image(*symmetry, shape) == shape);
    let places = symmetries.map(|symmetry| shape.iter().map(|place| symmetry.place(*place)).collect());
    let distinct: BTreeSet<Vec<Place>> = places.filter(|places| places != shape).collect();
    distinct.into_iter().collect()
}

/// The requests that stand for all their images under the symmetries that keep `fixed`.
pub(crate) fn requests(fixed: &[Place]) -> Vec<Place> {
    let symmetries = keeping(fixed);
    let first = |place: &Place| symmetries.iter().all(|symmetry| *place <= symmetry.place(*place));
    Place::asked().into_iter().filter(first).collect()
}

fn keeping(fixed: &[Place]) -> Vec<Symmetry> {
    Symmetry::all().filter(|symmetry| fixed.iter().all(|place| symmetry.place(*place) == *place)).collect()
}

fn longer(shape: &[Place], ruled: &[Place]) -> Vec<Vec<Place>> {
    let last = shape.last().copied();
    let next = ruled.iter().copied().filter(|place| last.is_none_or(|last| last <= *place));
    next.map(|place| [shape, &[place]].concat()).collect()
}

fn image(symmetry: Symmetry, shape: &[Place]) -> Vec<Place> {
    let mut image: Vec<Place> = shape.iter().map(|place| symmetry.place(*place)).collect();
    image.sort();
    image
}
