//! One state of the world, and everything that can happen next.

use std::time::Duration;

use lakegate_delegation::{
    Binding, Book, DelegationKey, Draft, Fate, Identifier, Issued, KeyId, KeyRing, Moment, Quotas, Record,
    RenewalTerms, Row, Terms, TokenId, Tombstone, Verified, Views, authentic, issue,
};
use lakegate_domain::{Principal, Timestamp};

/// One step of the clock.
const TICK: Duration = Duration::from_secs(10);
const BEGIN: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// In how many steps a broker that reaches the log looks at it.
pub(crate) const LOOKS_WITHIN: u8 = 1;
/// How many steps a broker goes on that does not reach it.
pub(crate) const MAX_STALE: u8 = 3;
/// How far a search goes.
const LAST_TICK: u8 = 6;
const MOST_CUTS: u8 = 2;
const MOST_CALLS: u8 = 4;

/// How brokers behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// As the product does.
    Real,
    /// Whoever loses a number takes the next one for what he decided before.
    WritesWithoutDecidingAgain,
    /// A cancellation that cannot be written leaves no tombstone.
    ForgetsWhatItCouldNotWrite,
    /// A cancellation is answered before it is in the log.
    SaysYesBeforeItIsWritten,
    /// What was not confirmed for long is believed all the same.
    BelievesForEver,
}

/// What is asked of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Issue,
    Renew,
    Cancel,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody calls a broker, which reads the log and decides.
    Calls(usize, Call),
    /// The broker writes what it decided.
    Writes(usize),
    /// The broker writes, and the answer of the log is lost.
    WritesUnheard(usize),
    /// The call breaks off and nothing is written.
    BreaksOff(usize),
    /// The broker looks at the log, and writes what it owes it.
    Looks(usize),
    /// The broker loses the log.
    IsCut(usize),
    /// It reaches the log again.
    Heals(usize),
    /// Time passes.
    Ticks,
}

/// One broker.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    book: Book,
    pub(crate) reaches: bool,
    /// Steps since it knew everything.
    pub(crate) age: u8,
    /// Steps for which it has reached the log without a break.
    pub(crate) reached_for: u8,
    /// It was told to cancel the token, and may not have written it.
    pub(crate) buried: bool,
    /// It was told to cancel the token.
    pub(crate) told: bool,
    /// A call under way, with the record that was decided on and its number.
    under_way: Option<(Call, u64, Vec<u8>)>,
}

/// Everything.
#[derive(Debug, Clone)]
pub(crate) struct World {
    protocol: Protocol,
    pub(crate) now: u8,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) brokers: [Broker; 2],
    /// Somebody has the token.
    pub(crate) handed_out: bool,
    /// Steps since a cancellation was answered with success.
    pub(crate) cancelled_for: Option<u8>,
    /// A renewal was answered with success after that.
    pub(crate) renewed_after: bool,
    /// A renewal found out that it came too late.
    pub(crate) renewal_refused: bool,
    cuts: u8,
    calls: u8,
}

/// What a broker believes by: its book and its own tombstone.
#[derive(Debug)]
struct Known<'a>(&'a Broker);

impl Views for Known<'_> {
    fn fate(&self, token: &TokenId) -> Fate {
        let fate = self.0.book.fate(token);
        Fate { cancelled: fate.cancelled || self.0.buried, ..fate }
    }

    fn binding(&self, token: &TokenId) -> Option<Binding> {
        self.0.book.binding(token)
    }
}

/// The token that it is all about, made once with the product's code.
pub(crate) struct Token {
    identifier: Identifier,
    verified: Verified,
    terms: RenewalTerms,
}

impl Token {
    pub(crate) fn new() -> Self {
        // Good for five steps, and with a renewal for six: longer than a cut-off broker goes on.
        let terms = Terms::new(5 * TICK, 6 * TICK).unwrap();
        let ring =
            KeyRing::single("lake", DelegationKey::from_bytes(KeyId::new(1).unwrap(), [7; 32])).unwrap();
        let draft = Draft {
            owner: Principal::parse("alice").unwrap(),
            renewer: Some(Principal::parse("yarn").unwrap()),
            real_user: None,
            id: TokenId::from_bytes([1; 16]),
            sequence: 1,
            store_epoch: 0,
            binding: None,
        };
        let Issued { token, identifier, .. } = issue(draft, &terms, BEGIN, &ring).unwrap();
        let verified = authentic(token.expose(), &ring, &[], &lakegate_delegation::Untouched).unwrap();
        Self { identifier, verified, terms: RenewalTerms { terms, grace: Duration::ZERO } }
    }
}

impl World {
    pub(crate) fn new(protocol: Protocol) -> Self {
        let broker = Broker {
            book: Book::default(),
            reaches: true,
            age: 0,
            reached_for: 0,
            buried: false,
            told: false,
            under_way: None,
        };
        Self {
            protocol,
            now: 0,
            log: Vec::new(),
            brokers: [broker.clone(), broker],
            handed_out: false,
            cancelled_for: None,
            renewed_after: false,
            renewal_refused: false,
            cuts: 0,
            calls: 0,
        }
    }

    /// What tells two states apart. A broker's book is the log as far as it was read.
    pub(crate) fn key(&self) -> Vec<u8> {
        let mut key =
            vec![self.now, self.cuts, self.calls, self.handed_out.into(), self.renewed_after.into()];
        key.extend([self.cancelled_for.map_or(255, |ticks| ticks.min(3)), self.renewal_refused.into()]);
        for broker in &self.brokers {
            key.extend([
                u8::try_from(broker.book.number()).unwrap(),
                broker.reaches.into(),
                broker.age,
                broker.reached_for,
                u8::from(broker.buried) | u8::from(broker.told) << 1,
            ]);
            match &broker.under_way {
                None => key.push(0),
                Some((call, number, bytes)) => {
                    key.extend([1 + *call as u8, u8::try_from(*number).unwrap()]);
                    key.extend_from_slice(bytes);
                }
            }
        }
        self.log.iter().for_each(|record| key.extend_from_slice(record));
        key
    }

    pub(crate) fn instant(&self) -> Timestamp {
        BEGIN.plus(TICK * u32::from(self.now))
    }

    /// Whether a broker would take the token now.
    pub(crate) fn believes(&self, broker: usize, token: &Token) -> bool {
        let broker = &self.brokers[broker];
        let fresh = broker.age <= MAX_STALE || self.protocol == Protocol::BelievesForEver;
        let moment = Moment { now: self.instant(), skew: Duration::ZERO, views: &Known(broker) };
        self.handed_out && fresh && token.verified.check(&moment).is_ok()
    }

    /// Everything that can happen.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, broker) in self.brokers.iter().enumerate() {
            if broker.under_way.is_some() {
                events.push(Event::BreaksOff(number));
                if broker.reaches {
                    events.extend([Event::Writes(number), Event::WritesUnheard(number)]);
                }
            } else if self.calls < MOST_CALLS {
                let calls: &[Call] =
                    if self.handed_out { &[Call::Renew, Call::Cancel] } else { &[Call::Issue] };
                events.extend(calls.iter().map(|call| Event::Calls(number, *call)));
            }
            if broker.reaches && broker.under_way.is_none() {
                events.push(Event::Looks(number));
            }
            match broker.reaches {
                true if self.cuts < MOST_CUTS => events.push(Event::IsCut(number)),
                true => {}
                false => events.push(Event::Heals(number)),
            }
        }
        // A broker that reaches the log looks at it in time, and a call does not take for ever.
        let in_time =
            |broker: &Broker| broker.under_way.is_none() && (!broker.reaches || broker.age < LOOKS_WITHIN);
        if self.now < LAST_TICK && self.brokers.iter().all(in_time) {
            events.push(Event::Ticks);
        }
        events
    }

    pub(crate) fn after(&self, event: Event, token: &Token) -> Self {
        let mut next = self.clone();
        match event {
            Event::Calls(broker, call) => next.called(broker, call, token),
            Event::Writes(broker) => next.writes(broker, token),
            Event::WritesUnheard(broker) => {
                if let Some((_, number, bytes)) = next.brokers[broker].under_way.take() {
                    next.append(number, bytes);
                }
            }
            Event::BreaksOff(broker) => next.brokers[broker].under_way = None,
            Event::Looks(broker) => next.looks(broker, token),
            Event::IsCut(broker) => {
                next.cuts += 1;
                (next.brokers[broker].reaches, next.brokers[broker].reached_for) = (false, 0);
            }
            Event::Heals(broker) => next.brokers[broker].reaches = true,
            Event::Ticks => next.ticks(),
        }
        next
    }

    fn ticks(&mut self) {
        self.now += 1;
        self.cancelled_for = self.cancelled_for.map(|ticks| ticks.saturating_add(1));
        for broker in &mut self.brokers {
            broker.age = (broker.age + 1).min(MAX_STALE + 1);
            broker.reached_for = if broker.reaches { (broker.reached_for + 1).min(3) } else { 0 };
        }
    }

    fn called(&mut self, broker: usize, call: Call, token: &Token) {
        self.calls += 1;
        let one = &mut self.brokers[broker];
        if call == Call::Cancel {
            one.told = true;
            one.buried |= self.protocol != Protocol::ForgetsWhatItCouldNotWrite;
            if self.protocol == Protocol::SaysYesBeforeItIsWritten {
                self.cancelled_for.get_or_insert(0);
            }
        }
        if self.brokers[broker].reaches {
            self.decide(broker, call, token);
        }
    }

    /// Reads to the end, and decides on what is there.
    fn decide(&mut self, broker: usize, call: Call, token: &Token) {
        self.read(broker);
        let now = self.instant();
        let book = &self.brokers[broker].book;
        let identifier = &token.identifier;
        let record = match call {
            Call::Issue => {
                let quotas = Quotas { per_owner: 1, ..Quotas::default() };
                let free = book.may_issue(&identifier.owner, None, &quotas, now).is_ok();
                free.then(|| Record::Issued { id: identifier.id, row: Row::of(identifier, None) })
            }
            Call::Renew => match book.renew(identifier, &token.terms, now) {
                Ok(renewal) if renewal.record.is_none() => return self.succeeded(broker, call),
                Ok(renewal) => renewal.record,
                Err(_) => {
                    self.renewal_refused = true;
                    None
                }
            },
            Call::Cancel => match book.cancel(&Tombstone::from(identifier), now) {
                None => return self.succeeded(broker, call),
                record => record,
            },
        };
        self.brokers[broker].under_way = record.map(|record| {
            let (number, bytes) = self.brokers[broker].book.next(&record);
            (call, number, bytes)
        });
    }

    fn writes(&mut self, broker: usize, token: &Token) {
        let Some((call, number, bytes)) = self.brokers[broker].under_way.take() else { return };
        if self.append(number, bytes.clone()) {
            self.read(broker);
            return self.succeeded(broker, call);
        }
        if self.protocol == Protocol::WritesWithoutDecidingAgain {
            let (_, record) = Record::parse(&bytes).unwrap();
            self.read(broker);
            let (number, bytes) = self.brokers[broker].book.next(&record);
            self.append(number, bytes);
            self.read(broker);
            return self.succeeded(broker, call);
        }
        self.decide(broker, call, token);
    }

    /// One number, one record.
    fn append(&mut self, number: u64, bytes: Vec<u8>) -> bool {
        let next = self.log.len() as u64 + 1;
        if number == next {
            self.log.push(bytes);
        }
        number == next
    }

    fn succeeded(&mut self, broker: usize, call: Call) {
        match call {
            Call::Issue => self.handed_out = true,
            Call::Renew => self.renewed_after |= self.cancelled_for.is_some(),
            Call::Cancel => {
                self.brokers[broker].buried = false;
                self.cancelled_for.get_or_insert(0);
            }
        }
    }

    fn looks(&mut self, broker: usize, token: &Token) {
        self.read(broker);
        if self.brokers[broker].buried {
            self.decide(broker, Call::Cancel, token);
        }
    }

    fn read(&mut self, broker: usize) {
        let broker = &mut self.brokers[broker];
        let known = usize::try_from(broker.book.number()).unwrap();
        for (number, record) in (1..).zip(&self.log).skip(known) {
            broker.book.apply(number, record).unwrap();
        }
        broker.age = 0;
    }
}
