//! The roll of the keys that sign tokens: two brokers that make and take them, in every order.
//!
//! As `broker/src/delegation/key_log.rs` does: read to the end, put the ring of the instant into force, and when it is time
//! for the next key make one and write it under the next number, or forget it. Tokens are signed and believed by real
//! rings of [`KeyBook`].

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use lakegate_delegation::{
    Draft, KeyBook, KeyRing, Moment, RollTerms, Terms, TokenId, Untouched, issue, verify,
};
use lakegate_domain::{Principal, Timestamp};

const BEGIN: Timestamp = Timestamp::from_seconds(1_790_000_000);
const TICK: Duration = Duration::from_mins(1);
/// In how many steps a broker that reaches the log has looked at it, and a key is distributed.
const LOOKS_WITHIN: u8 = 1;
const LAST_TICK: u8 = 6;

/// How brokers behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keepers {
    /// As the product's do.
    Real,
    /// A key is in force at its maker whether the log took it or not.
    UseWhatTheyMade,
    /// A key signs as soon as it is written.
    SignAtOnce,
}

/// One broker.
#[derive(Debug, Clone)]
struct Broker {
    /// How far it read.
    read: usize,
    reaches: bool,
    age: u8,
    /// A key that it made and has not written.
    made: Option<Vec<u8>>,
    /// A key of its own that the log did not take.
    kept: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct World {
    now: u8,
    cuts: u8,
    log: Vec<Vec<u8>>,
    brokers: [Broker; 2],
}

/// The search's terms: a key every three steps, written two before it signs, for tokens that live three.
fn terms(keepers: Keepers) -> RollTerms {
    let distribution = if keepers == Keepers::SignAtOnce { Duration::from_millis(2) } else { 2 * TICK };
    RollTerms::new(3 * TICK, distribution, 3 * TICK, Duration::from_millis(1)).unwrap()
}

impl World {
    fn instant(&self) -> Timestamp {
        BEGIN.plus(TICK * u32::from(self.now))
    }

    fn book(records: &[Vec<u8>]) -> KeyBook {
        let mut book = KeyBook::default();
        for record in records {
            book.apply(record).unwrap();
        }
        book
    }

    /// The ring that a broker has in force now.
    fn ring(&self, broker: usize, keepers: Keepers) -> KeyRing {
        let Broker { read, kept, .. } = &self.brokers[broker];
        let mut records = self.log[..*read].to_vec();
        if let (Keepers::UseWhatTheyMade, Some(kept)) = (keepers, kept) {
            records.truncate(records.len().saturating_sub(1));
            records.push(kept.clone());
        }
        Self::book(&records).ring("lake", self.instant(), &terms(keepers), &[]).unwrap()
    }

    /// What tells two states apart: ids begin anywhere, and secrets say nothing.
    fn key(&self) -> Vec<u8> {
        let place = |record: &Vec<u8>| record[5..21].to_vec();
        let mut key = vec![self.now, self.cuts, u8::try_from(self.log.len()).unwrap()];
        self.log.iter().for_each(|record| key.extend(place(record)));
        for broker in &self.brokers {
            key.extend([u8::try_from(broker.read).unwrap(), broker.reaches.into(), broker.age]);
            for own in [&broker.made, &broker.kept] {
                key.push(u8::from(own.is_some()));
                if let Some(own) = own {
                    key.extend(place(own));
                }
            }
        }
        key
    }

    /// Everything that can come next.
    fn after(&self, keepers: Keepers) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            all.push(next);
        };
        for (number, broker) in self.brokers.iter().enumerate() {
            if broker.made.is_some() {
                add(&|world| world.brokers[number].made = None);
                if broker.reaches {
                    add(&|world| world.writes(number));
                }
            } else if broker.reaches {
                add(&|world| world.looks(number, keepers));
            }
            match broker.reaches {
                true if self.cuts < 1 => add(&|world| {
                    (world.brokers[number].reaches, world.cuts) = (false, world.cuts + 1);
                }),
                true => {}
                false => add(&|world| world.brokers[number].reaches = true),
            }
        }
        let in_time =
            |broker: &Broker| broker.made.is_none() && (!broker.reaches || broker.age < LOOKS_WITHIN);
        if self.now < LAST_TICK && self.brokers.iter().all(in_time) {
            add(&|world| {
                world.now += 1;
                world.brokers.iter_mut().for_each(|broker| broker.age = (broker.age + 1).min(9));
            });
        }
        all
    }

    fn looks(&mut self, broker: usize, keepers: Keepers) {
        let next = Self::book(&self.log).next(self.instant(), &terms(keepers)).unwrap();
        let broker = &mut self.brokers[broker];
        (broker.read, broker.age) = (self.log.len(), 0);
        broker.made = next.map(|key| key.to_record().to_vec());
    }

    fn writes(&mut self, broker: usize) {
        let Some(made) = self.brokers[broker].made.take() else { return };
        if self.brokers[broker].read == self.log.len() {
            self.log.push(made);
        } else {
            self.brokers[broker].kept = Some(made);
        }
        (self.brokers[broker].read, self.brokers[broker].age) = (self.log.len(), 0);
    }

    /// The rule that this state breaks.
    fn broken(&self, keepers: Keepers) -> Option<&'static str> {
        let whole = Self::book(&self.log).ring("lake", self.instant(), &terms(keepers), &[]).unwrap();
        let now = self.instant();
        let signed = [0, 1].map(|signer| sign(&self.ring(signer, keepers), now));
        let held = |broker: usize| signed[broker].as_ref().filter(|_| !self.is_lost(broker));
        if [0, 1].into_iter().filter_map(held).any(|token| !believes(&whole, token, now)) {
            return Some("nothing is signed by a key that the log did not take");
        }
        for (signer, other) in [(0, 1), (1, 0)] {
            let Some(token) = held(signer) else { continue };
            if !self.is_lost(other) && !believes(&self.ring(other, keepers), token, now) {
                return Some("whatever is signed is believed by every broker that reaches the log");
            }
        }
        None
    }

    /// Whether a broker missed a look that it should have made.
    fn is_lost(&self, broker: usize) -> bool {
        self.brokers[broker].age > LOOKS_WITHIN || self.brokers[broker].read == 0
    }
}

fn sign(ring: &KeyRing, now: Timestamp) -> Option<String> {
    let draft = Draft {
        owner: Principal::parse("alice").unwrap(),
        renewer: None,
        real_user: None,
        id: TokenId::from_bytes([1; 16]),
        sequence: 1,
        store_epoch: 0,
        binding: None,
    };
    issue(draft, &Terms::default(), now, ring).ok().map(|issued| issued.token.expose().to_owned())
}

fn believes(ring: &KeyRing, token: &str, now: Timestamp) -> bool {
    verify(token, ring, &[], &Moment { now, skew: Duration::ZERO, views: &Untouched }).is_ok()
}

/// All states that can be: how many, how long the log gets, and the first rule that breaks.
pub(crate) fn search(keepers: Keepers) -> (usize, usize, Option<&'static str>) {
    let broker = Broker { read: 0, reaches: true, age: 0, made: None, kept: None };
    let first = World { now: 0, cuts: 0, log: Vec::new(), brokers: [broker.clone(), broker] };
    let mut known = HashSet::from([first.key()]);
    let mut waiting = VecDeque::from([first]);
    let mut longest = 0;
    while let Some(world) = waiting.pop_front() {
        longest = longest.max(world.log.len());
        if let Some(rule) = world.broken(keepers) {
            return (known.len(), longest, Some(rule));
        }
        waiting.extend(world.after(keepers).into_iter().filter(|next| known.insert(next.key())));
    }
    (known.len(), longest, None)
}
