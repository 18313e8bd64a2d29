//! Breadth first, every state once.

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::rules;
use super::world::{Event, Protocol, Token, World};

/// What a search brought.
pub(crate) struct Found {
    /// How many states there are.
    pub(crate) states: usize,
    /// The first rule that breaks, and how it comes to that.
    pub(crate) broken: Option<(&'static str, Vec<Event>)>,
    /// What was seen on the way.
    pub(crate) seen: BTreeSet<&'static str>,
}

/// Looks at every state that can be.
pub(crate) fn search(protocol: Protocol) -> Found {
    let token = Token::new();
    let first = World::new(protocol);
    let (mut known, mut seen) = (HashSet::from([first.key()]), BTreeSet::new());
    let mut ways: Vec<Option<(usize, Event)>> = vec![None];
    let mut waiting = VecDeque::from([(0, first)]);
    while let Some((number, world)) = waiting.pop_front() {
        seen.extend(rules::seen(&world, &token));
        if let Some(rule) = rules::broken(&world, &token) {
            return Found { states: known.len(), broken: Some((rule, way(&ways, number))), seen };
        }
        for event in world.events() {
            let next = world.after(event, &token);
            if known.insert(next.key()) {
                ways.push(Some((number, event)));
                waiting.push_back((ways.len() - 1, next));
            }
        }
    }
    Found { states: known.len(), broken: None, seen }
}

fn way(ways: &[Option<(usize, Event)>], mut number: usize) -> Vec<Event> {
    let mut way = Vec::new();
    while let Some((before, event)) = ways[number] {
        way.push(event);
        number = before;
    }
    way.reverse();
    way
}
