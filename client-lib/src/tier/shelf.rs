//! One bucket's tokens, by the keys they cover.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use lakegate_domain::Target;

use super::Slot;

type Slots = Arc<[Arc<Slot>]>;
/// Keys come from brokers' answers, so a quick hash is good enough.
type ByKey = HashMap<Arc<str>, Slots, RandomState>;

/// The tokens that cover something in one bucket.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    objects: ByKey,
    /// By the prefix without its slash; the bucket's root is the empty key.
    prefixes: ByKey,
    /// The longest key in `prefixes`: no probe is made below it.
    longest: usize,
    /// The shortest key in `prefixes`: no probe is made above it.
    shortest: usize,
}

impl Shelf {
    /// What may cover a target, the narrowest first. Whether it does is for the caller to say.
    pub(super) fn candidates<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a Arc<Slot>> {
        let exact = match target {
            Target::Object(object) if !self.objects.is_empty() => self.objects.get(object.key()),
            Target::Object(_) | Target::Prefix(_) => None,
        };
        let above = self.ancestors(bare(target.key())).filter_map(|key| self.prefixes.get(key));
        exact.into_iter().chain(above).flat_map(|slots| slots.iter())
    }

    /// The key itself and what stands before each of its slashes, longest first, and last the empty key; only
    /// as many as can be in the map.
    fn ancestors<'a>(&self, key: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let (longest, shortest) = (self.longest, self.shortest);
        let first = if self.prefixes.is_empty() { None } else { Some(trimmed(key, longest)) };
        std::iter::successors(first, |key| parent(key)).take_while(move |key| key.len() >= shortest)
    }

    pub(super) fn add(&mut self, target: &Target, slot: &Arc<Slot>) {
        let slots = self.map_of(target).entry(bare(target.key()).into()).or_insert_with(|| Arc::new([]));
        *slots = slots.iter().chain([slot]).map(Arc::clone).collect();
        self.measure();
    }

    pub(super) fn remove(&mut self, target: &Target, slot: &Arc<Slot>) {
        let map = self.map_of(target);
        if let Some(slots) = map.get_mut(bare(target.key())) {
            *slots = slots.iter().filter(|other| !Arc::ptr_eq(other, slot)).map(Arc::clone).collect();
            if slots.is_empty() {
                map.remove(bare(target.key()));
            }
        }
        self.measure();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.prefixes.is_empty()
    }

    fn map_of(&mut self, target: &Target) -> &mut ByKey {
        match target {
            Target::Object(_) => &mut self.objects,
            Target::Prefix(_) => &mut self.prefixes,
        }
    }

    fn measure(&mut self) {
        let lengths = self.prefixes.keys().map(|key| key.len());
        self.longest = lengths.clone().max().unwrap_or(0);
        self.shortest = lengths.min().unwrap_or(0);
    }
}

/// A key without its closing slash.
fn bare(key: &str) -> &str {
    key.strip_suffix('/').unwrap_or(key)
}

/// What stands before the last slash; the empty key above everything; nothing above that.
fn parent(key: &str) -> Option<&str> {
    match key.rfind('/') {
        Some(slash) => key.get(..slash),
        None if key.is_empty() => None,
        None => Some(""),
    }
}

/// The longest of the key and its ancestors that is no longer than `longest`.
fn trimmed(key: &str, longest: usize) -> &str {
    if key.len() <= longest {
        return key;
    }
    // A slash at `longest` itself ends an ancestor of exactly that length.
    let head = key.as_bytes().get(..=longest).unwrap_or_default();
    head.iter().rposition(|byte| *byte == b'/').and_then(|slash| key.get(..slash)).unwrap_or("")
}
