//! Several brokers on one log: rolls, races, cuts and clocks.

use std::collections::BTreeMap;
use std::sync::Mutex;

use lakegate_delegation::{
    DelegationRefusal, Draft, KeyRing, Moment, Terms, TokenId, Untouched, issue, verify,
};
use lakegate_domain::{ManualClock, Principal, Secret, Timestamp};
use lakegate_token_store::record_log::{MemoryLog, Records};
use lakegate_token_store::{Fault, LogName, LogSnapshot, RecordLog, SealingKey, SealingKeys, StoreError};

use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const ROLL: Duration = Duration::from_hours(24);
const LIFE: Duration = Duration::from_hours(7 * 24);
const SKEW: Duration = Duration::from_secs(30);

/// A broker as far as keys go: its own clock and its own link to the store.
struct Broker {
    keys: DelegationKeys,
    log: KeyLog,
    clock: Arc<ManualClock>,
    link: Arc<Link>,
}

/// One broker's way to the store, which can be cut; it counts.
#[derive(Debug)]
struct Link {
    store: Arc<MemoryLog>,
    is_cut: Mutex<bool>,
    reads: Mutex<u64>,
}

impl Link {
    fn passes(&self) -> Result<(), StoreError> {
        let cut = || StoreError::Unavailable("cut".into());
        if *self.is_cut.lock().unwrap() { Err(cut()) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl RecordLog for Link {
    async fn append(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError> {
        self.passes()?;
        // Others come between the look and the write.
        tokio::task::yield_now().await;
        self.store.append(log, number, record).await
    }

    async fn read(&self, log: LogName, after: u64) -> Result<Records, StoreError> {
        *self.reads.lock().unwrap() += 1;
        self.passes()?;
        tokio::task::yield_now().await;
        self.store.read(log, after).await
    }

    async fn snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, StoreError> {
        self.passes()?;
        self.store.snapshot(log).await
    }

    async fn put_snapshot(&self, log: LogName, snapshot: LogSnapshot) -> Result<(), StoreError> {
        self.passes()?;
        self.store.put_snapshot(log, snapshot).await
    }
}

fn broker(store: &Arc<MemoryLog>, now: Timestamp) -> Broker {
    let link = Arc::new(Link { store: Arc::clone(store), is_cut: Mutex::default(), reads: Mutex::default() });
    let sealing = SealingKeys::single(SealingKey::from_bytes(1, [1; 32]));
    let log = Arc::clone(&link) as Arc<dyn RecordLog>;
    let log = Arc::new(SealedLog::new(log, LogName::DelegationKeys, sealing, "lake").unwrap());
    let clock = Arc::new(ManualClock::at(now));
    let terms = RollTerms::new(ROLL, Duration::from_hours(1), LIFE, SKEW).unwrap();
    let cluster = "lake".to_owned();
    let wall = Arc::clone(&clock) as Arc<dyn Clock>;
    let (keys, log) =
        KeyLog::start(KeyLogParts { log, cluster, terms, also: Vec::new(), clock: wall }).unwrap();
    Broker { keys, log, clock, link }
}

impl Broker {
    fn ring(&self) -> Arc<KeyRing> {
        self.keys.current()
    }

    fn cut(&self, is_cut: bool) {
        *self.link.is_cut.lock().unwrap() = is_cut;
    }

    /// A token of seven days.
    fn issue(&self) -> Secret {
        let draft = Draft {
            owner: Principal::parse("alice").unwrap(),
            renewer: None,
            real_user: None,
            id: TokenId::generate().unwrap(),
            sequence: 1,
            store_epoch: 0,
            binding: None,
        };
        issue(draft, &Terms::new(LIFE, LIFE).unwrap(), self.clock.now(), &self.ring()).unwrap().token
    }

    fn verify(&self, token: &Secret) -> Result<(), DelegationRefusal> {
        let moment = Moment { now: self.clock.now(), skew: SKEW, views: &Untouched };
        verify(token.expose(), &self.ring(), &[], &moment).map(drop)
    }
}

/// Lets so much time pass, on every clock.
async fn pass(brokers: &[Broker], span: Duration) {
    for broker in brokers {
        broker.clock.advance(span);
    }
    // Two looks at the log at least, whatever the wall says.
    time::sleep(2 * LOOK_EVERY + Duration::from_millis(1)).await;
}

fn current(broker: &Broker) -> u32 {
    broker.ring().current().unwrap().as_u32()
}

#[tokio::test(start_paused = true)]
async fn a_roll_under_load_with_three_brokers_and_clocks_apart_loses_no_verification() {
    let store = Arc::new(MemoryLog::new());
    let ahead = NOON.plus(SKEW / 3);
    let behind = Timestamp::from_millis(NOON.as_millis() - 10_000);
    let brokers = [NOON, ahead, behind].map(|now| broker(&store, now));
    pass(&brokers, Duration::ZERO).await;
    let mut living: BTreeMap<usize, Secret> = BTreeMap::new();
    let mut signers = std::collections::BTreeSet::new();
    let per_day = 24 * 6;
    for step in 0..9 * per_day {
        let token = brokers[step % 3].issue();
        for broker in &brokers {
            assert_eq!(broker.verify(&token), Ok(()), "a fresh token, step {step}");
        }
        signers.insert(current(&brokers[step % 3]));
        living.insert(step, token);
        // Ten minutes; one token of each hour is kept to its last hour.
        living.retain(|born, _| (born % 6 == 0 || step - born < 3) && step - born < 7 * per_day - 6);
        for (born, token) in living.iter().step_by(7) {
            for broker in &brokers {
                assert_eq!(broker.verify(token), Ok(()), "born {born}, step {step}");
            }
        }
        pass(&brokers, Duration::from_mins(10)).await;
    }
    assert!((9..=10).contains(&signers.len()), "{signers:?}");
    let made: u64 = brokers.iter().map(|broker| broker.log.state().keys_created()).sum();
    let head = store.read(LogName::DelegationKeys, 0).await.unwrap().head;
    assert_eq!(made, head, "one key for each place in the log");
}

#[tokio::test(start_paused = true)]
async fn dt23_of_many_brokers_that_make_a_key_at_once_one_gets_it_in_and_nobody_signs_with_another() {
    let store = Arc::new(MemoryLog::new());
    let brokers: Vec<Broker> = (0..16).map(|_| broker(&store, NOON)).collect();
    for day in 0..5 {
        pass(&brokers, Duration::ZERO).await;
        let first = current(&brokers[0]);
        let tokens: Vec<Secret> = brokers.iter().map(Broker::issue).collect();
        for broker in &brokers {
            assert_eq!(current(broker), first, "day {day}");
            for token in &tokens {
                assert_eq!(broker.verify(token), Ok(()), "day {day}");
            }
        }
        pass(&brokers, ROLL.checked_sub(Duration::from_hours(1)).unwrap()).await;
        pass(&brokers, Duration::from_hours(1)).await;
    }
    let lost: u64 = brokers.iter().map(|broker| broker.log.state().races_lost()).sum();
    assert!(lost > 0, "they did meet");
    assert_eq!(store.read(LogName::DelegationKeys, 0).await.unwrap().head, 6);
}

#[tokio::test(start_paused = true)]
async fn a_broker_cut_off_while_a_key_is_rolled_goes_on_and_is_understood() {
    let store = Arc::new(MemoryLog::new());
    let brokers = [NOON; 2].map(|now| broker(&store, now));
    pass(&brokers, Duration::ZERO).await;
    pass(&brokers, ROLL.checked_sub(Duration::from_mins(45)).unwrap()).await;
    let [near, far] = &brokers;
    // The next key is distributed; then the link is cut for longer than a broker may serve without its store.
    far.cut(true);
    pass(&brokers, Duration::from_mins(46)).await;
    assert_eq!(current(near), current(far), "it knows the next key and when it signs");
    for (a, b) in [(near, far), (far, near)] {
        assert_eq!(b.verify(&a.issue()), Ok(()));
    }
    assert!(far.log.state().age() > Duration::ZERO);
    assert!(far.log.state().failures().any(|(cause, count)| cause == "store" && count > 0));
    // Two rolls later it still has keys, and what it signs is still believed.
    pass(&brokers, ROLL).await;
    pass(&brokers, ROLL).await;
    assert_ne!(current(near), current(far));
    assert_eq!(near.verify(&far.issue()), Ok(()));
    far.cut(false);
    pass(&brokers, Duration::ZERO).await;
    assert_eq!(current(near), current(far));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_starts_without_its_store_has_no_key_until_the_store_is_there() {
    let store = Arc::new(MemoryLog::new());
    store.set_fault(Fault::Down);
    let brokers = [broker(&store, NOON)];
    pass(&brokers, Duration::from_hours(1)).await;
    assert!(brokers[0].ring().is_waiting());
    store.set_fault(Fault::None);
    pass(&brokers, Duration::ZERO).await;
    assert_eq!(brokers[0].verify(&brokers[0].issue()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_lost_or_changed_keeps_the_ring_with_an_alarm() {
    let store = Arc::new(MemoryLog::new());
    let brokers = [NOON; 2].map(|now| broker(&store, now));
    pass(&brokers, Duration::ZERO).await;
    let [maker, _] = &brokers;
    let token = maker.issue();
    let whole = store.backup();
    store.tamper(LogName::DelegationKeys, |records| records.get_mut(&1).unwrap()[60] ^= 1);
    store.tamper_snapshot(LogName::DelegationKeys, |snapshot| snapshot.as_mut().unwrap().bytes[60] ^= 1);
    pass(&brokers, Duration::from_mins(10)).await;
    for broker in &brokers {
        assert_eq!(broker.verify(&token), Ok(()));
        let alarms: u64 = broker.log.state().failures().map(|(_, count)| count).sum();
        assert!(alarms > 0);
    }
    let late = broker(&store, maker.clock.now());
    pass(&brokers, Duration::ZERO).await;
    assert!(late.ring().is_waiting(), "whoever knows nothing believes nothing");
    store.restore(whole);
    pass(&brokers, Duration::ZERO).await;
    assert_eq!(late.verify(&token), Ok(()));
    store.lose_everything();
    pass(&brokers, Duration::ZERO).await;
    assert_eq!(store.read(LogName::DelegationKeys, 0).await.unwrap().head, 1, "put back, not begun anew");
    assert_eq!(maker.verify(&token), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn keys_may_be_of_yesterday_when_their_log_cannot_be_read() {
    let store = Arc::new(MemoryLog::new());
    let brokers = [broker(&store, NOON)];
    pass(&brokers, Duration::ZERO).await;
    let [broker] = &brokers;
    assert!(!broker.keys.are_old());
    broker.cut(true);
    time::sleep(Duration::from_secs(15)).await;
    assert!(broker.keys.are_old());
    broker.cut(false);
    time::sleep(2 * LOOK_EVERY).await;
    assert!(!broker.keys.are_old());
}

#[tokio::test(start_paused = true)]
async fn dt04_a_key_that_was_written_a_moment_ago_is_looked_for_and_floods_do_not_reach_the_store() {
    let store = Arc::new(MemoryLog::new());
    let brokers = [NOON; 2].map(|now| broker(&store, now));
    pass(&brokers, Duration::ZERO).await;
    let [broker, _] = &brokers;
    let (before, began) = (*broker.link.reads.lock().unwrap(), Instant::now());
    for n in 0..100_000 {
        broker.keys.unknown().met(KeyId::new(n).unwrap());
        time::sleep(Duration::from_millis(u64::from(n % 10 == 0))).await;
    }
    let (reads, seconds) = (*broker.link.reads.lock().unwrap() - before, began.elapsed().as_secs());
    assert!(seconds >= 10 && (seconds / 2..=2 * seconds).contains(&reads), "{reads} in {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_all_brokers_finds_the_keys_again() {
    let store = Arc::new(MemoryLog::new());
    let token = {
        let brokers = [NOON; 2].map(|now| broker(&store, now));
        pass(&brokers, Duration::ZERO).await;
        pass(&brokers, ROLL).await;
        brokers[1].issue()
    };
    let brokers = [NOON.plus(ROLL + Duration::from_hours(1)); 2].map(|now| broker(&store, now));
    pass(&brokers, Duration::ZERO).await;
    for broker in &brokers {
        assert_eq!(broker.verify(&token), Ok(()));
        assert_eq!(broker.log.state().keys_created(), 0);
    }
}
