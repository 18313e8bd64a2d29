//! What must hold in every state, and what must be seen in some.

use lakegate_delegation::Record;

use super::world::{LOOKS_WITHIN, MAX_STALE, Token, World};

/// In how many steps a cancellation is in force at every broker that reaches the log: one to look, and one because a
/// cancellation may come right after a look.
const BOUND: u8 = LOOKS_WITHIN + 1;

/// What a search must come by, or its rules are empty.
pub(crate) const SIGHTS: [&str; 6] = [
    "a token is believed where its cancellation has not come",
    "a cut-off broker believes a token that was cancelled",
    "a cut-off broker believes nothing any more",
    "a renewal comes too late",
    "a cancellation was not written and is kept",
    "a renewed token is believed",
];

/// The rule that a state breaks.
pub(crate) fn broken(world: &World, token: &Token) -> Option<&'static str> {
    if world.renewed_after || renewed_after_the_tombstone(world) {
        return Some("cancel wins over renew");
    }
    for (number, broker) in world.brokers.iter().enumerate() {
        if !world.believes(number, token) {
            continue;
        }
        if broker.told {
            return Some("a broker keeps what it was told");
        }
        if broker.age > MAX_STALE {
            return Some("nobody believes without looking for too long");
        }
        let late = world.cancelled_for.is_some_and(|ticks| ticks >= BOUND);
        if late && broker.reached_for >= BOUND {
            return Some("every broker refuses within the bound");
        }
    }
    None
}

fn renewed_after_the_tombstone(world: &World) -> bool {
    let records = world.log.iter().filter_map(|bytes| Record::parse(bytes).ok());
    let mut cancelled = false;
    records.into_iter().any(|(_, record)| {
        cancelled |= matches!(record, Record::Cancelled { .. });
        cancelled && matches!(record, Record::Renewed { .. })
    })
}

/// What can be seen in a state.
pub(crate) fn seen(world: &World, token: &Token) -> Vec<&'static str> {
    let believes = [0, 1].map(|broker| world.believes(broker, token));
    let cancelled = world.cancelled_for.is_some();
    let cut = |broker: usize| !world.brokers[broker].reaches;
    let any = |is: &dyn Fn(usize) -> bool| [0, 1].into_iter().any(is);
    let renewed =
        world.log.iter().any(|bytes| matches!(Record::parse(bytes), Ok((_, Record::Renewed { .. }))));
    let sights = [
        cancelled && any(&|broker| believes[broker]),
        cancelled && any(&|broker| believes[broker] && cut(broker)),
        world.handed_out && any(&|broker| world.brokers[broker].age > MAX_STALE),
        world.renewal_refused && cancelled,
        any(&|broker| world.brokers[broker].buried && cut(broker)),
        renewed && world.now > 4 && any(&|broker| believes[broker]),
    ];
    SIGHTS.into_iter().zip(sights).filter_map(|(sight, is)| is.then_some(sight)).collect()
}
