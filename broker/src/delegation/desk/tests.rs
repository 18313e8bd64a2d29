//! Brokers on one log: what each knows, what it writes, and how long it goes on without the log. Time stands still but
//! for what a test lets pass.

mod clocks;
mod floods;
mod histories;

use std::time::Duration;

use lakegate_delegation::{DelegationKey, KeyId, Quotas, RenewalTerms, Terms};
use lakegate_domain::ManualClock;
use lakegate_token_store::record_log::MemoryLog;
use lakegate_token_store::{Fault, LogName, RecordLog, SealedLog, SealingKey, SealingKeys};

use super::*;
use crate::StalenessBounds;
use crate::delegation::{DelegationKeys, NotBelieved, PresentedTokens};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn name(text: &str) -> Principal {
    Principal::parse(text).unwrap()
}

/// A log, and the keys and the clock that all its brokers share.
struct Lake {
    log: Arc<MemoryLog>,
    keys: DelegationKeys,
    clock: Arc<ManualClock>,
    epoch: u32,
    quotas: Quotas,
}

impl Lake {
    fn new() -> Self {
        let key = DelegationKey::from_bytes(KeyId::new(1).unwrap(), [7; 32]);
        Self {
            log: Arc::new(MemoryLog::new()),
            keys: DelegationKeys::new(KeyRing::single("lake", key).unwrap()),
            clock: Arc::new(ManualClock::at(NOW)),
            epoch: 0,
            quotas: Quotas::default(),
        }
    }

    /// A broker that has not read anything yet.
    fn stranger(&self) -> Arc<DelegationDesk> {
        self.stranger_by(&self.clock)
    }

    /// The same, by a clock of its own.
    fn stranger_by(&self, clock: &Arc<ManualClock>) -> Arc<DelegationDesk> {
        let sealing = SealingKeys::single(SealingKey::from_bytes(1, [9; 32]));
        let store = Arc::clone(&self.log) as Arc<dyn RecordLog>;
        let log = SealedLog::new(store, LogName::DelegationTokens, sealing, "lake").unwrap();
        let delegation = Delegation {
            keys: self.keys.clone(),
            terms: RenewalTerms { terms: Terms::default(), grace: Duration::ZERO },
            skew: Duration::from_secs(30),
            log: Arc::new(log),
            follow_every: Duration::from_secs(1),
            staleness: StalenessBounds::default(),
            quotas: self.quotas,
            epoch: self.epoch,
        };
        Arc::new(DelegationDesk::new(delegation, Arc::clone(clock) as Arc<dyn Clock>))
    }

    async fn broker(&self) -> Arc<DelegationDesk> {
        let desk = self.stranger();
        desk.view().loaded().await;
        desk
    }
}

fn wish(owner: &str) -> Wish {
    Wish { owner: name(owner), renewer: Some(name("yarn")), real_user: None, binding: None }
}

async fn token(desk: &DelegationDesk) -> String {
    desk.issue(&wish("alice")).await.unwrap().token.expose().to_owned()
}

/// Why a broker does not believe a token; `unknown` when it cannot tell.
fn refusal(desk: &Arc<DelegationDesk>, token: &str) -> Option<&'static str> {
    match PresentedTokens::new(Arc::clone(desk), Arc::default()).verify(token, desk.clock.now()) {
        Ok(_) => None,
        Err(NotBelieved::Refused { refusal, .. }) => Some(refusal.as_str()),
        Err(NotBelieved::Unknown(_)) => Some("unknown"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_never_read_the_log_believes_nobody() {
    let lake = Lake::new();
    let issuer = lake.broker().await;
    let token = token(&issuer).await;
    lake.log.set_fault(Fault::Down);
    let desk = lake.stranger();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!desk.view().is_loaded(), "nor is it ready");
    assert_eq!(refusal(&desk, &token), Some("unknown"));
    lake.log.set_fault(Fault::None);
    desk.view().loaded().await;
    assert_eq!(refusal(&desk, &token), None);
}

#[tokio::test(start_paused = true)]
async fn a_broker_goes_on_without_the_log_for_half_an_hour_and_for_strict_classes_ten_seconds() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    let token = token(&desk).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(desk.is_fresh_for_strict().is_ok(), "it looks every second");
    lake.log.set_fault(Fault::Down);
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(desk.is_fresh_for_strict().is_ok());
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(desk.is_fresh_for_strict().is_err());
    assert_eq!(desk.view().troubled_by(), Some("store"));
    tokio::time::sleep(Duration::from_mins(29)).await;
    assert_eq!(refusal(&desk, &token), None);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(refusal(&desk, &token), Some("unknown"), "never refused, never believed");
    lake.log.set_fault(Fault::None);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(refusal(&desk, &token), None);
    assert_eq!(desk.view().troubled_by(), None);
}

#[tokio::test(start_paused = true)]
async fn dt18_a_cancellation_is_in_force_everywhere_within_five_seconds() {
    let lake = Lake::new();
    let (here, there) = (lake.broker().await, lake.broker().await);
    let token = token(&here).await;
    assert_eq!(refusal(&there, &token), None, "a fresh token is good at once");
    here.cancel(&token, &name("alice"), &mut None).await.unwrap();
    assert_eq!(refusal(&here, &token), Some("dt_cancelled"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(refusal(&there, &token), Some("dt_cancelled"));
    assert_eq!(refusal(&lake.broker().await, &token), Some("dt_cancelled"), "and to whoever starts later");
}

#[tokio::test(start_paused = true)]
async fn dt16_a_cancellation_whose_answer_is_lost_is_in_the_log() {
    let lake = Lake::new();
    let (here, there) = (lake.broker().await, lake.broker().await);
    let token = token(&here).await;
    lake.log.lose_next_reply();
    here.cancel(&token, &name("yarn"), &mut None).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(refusal(&there, &token), Some("dt_cancelled"));
    assert!(here.view().unwritten().is_empty());
}

#[tokio::test(start_paused = true)]
async fn dt16_a_log_that_hangs_is_unavailable_in_time() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    let token = token(&desk).await;
    lake.log.set_fault(Fault::Slow(Duration::from_hours(1)));
    let began = tokio::time::Instant::now();
    let failed = desk.cancel(&token, &name("alice"), &mut None).await;
    assert!(matches!(failed, Err(Failure::DelegationState(_))), "{failed:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(refusal(&desk, &token), Some("dt_cancelled"), "dead here all the same");
}

/// Renews as the method does: a genuine token, whatever its dates, for its renewer.
async fn renew(
    desk: &DelegationDesk,
    token: &str,
    renewer: &Principal,
    named: &mut Option<Named>,
) -> Result<Timestamp, Failure> {
    let identifier = desk.genuine(token, named).await?;
    desk.renew(identifier, renewer, named).await
}

/// Lets a call begin a little later, so that another one is somewhere in the middle.
async fn after<T>(steps: usize, call: impl Future<Output = T>) -> T {
    for _ in 0..steps {
        tokio::task::yield_now().await;
    }
    call.await
}

#[tokio::test(start_paused = true)]
async fn dt17_of_two_brokers_that_renew_and_cancel_at_once_the_cancellation_wins() {
    let lake = Lake::new();
    let (here, there) = (lake.broker().await, lake.broker().await);
    let (mut first, mut second) = (0, 0);
    for round in 0..40 {
        let token = token(&here).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        lake.clock.advance(Duration::from_hours(12));
        let (alice, yarn) = (name("alice"), name("yarn"));
        let (mut renewed, mut cancelled) = (None, None);
        let before = here.view().book().number();
        let (renewal, over) = tokio::join!(
            after(round % 8, renew(&here, &token, &yarn, &mut renewed)),
            after(round % 5, there.cancel(&token, &alice, &mut cancelled))
        );
        over.unwrap();
        assert!(renew(&here, &token, &yarn, &mut renewed).await.is_err());
        assert_eq!(refusal(&here, &token), Some("dt_cancelled"));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let written = here.view().book().number() - before;
        assert_eq!(written, 1 + u64::from(renewal.is_ok()), "a renewal counts when it is written");
        if renewal.is_ok() { first += 1 } else { second += 1 }
    }
    assert!(first > 0 && second > 0, "both were first at times: {first}, {second}");
}

#[tokio::test(start_paused = true)]
async fn dt24_a_quota_counts_the_tokens_of_all_brokers() {
    let lake = Lake { quotas: Quotas { per_owner: 10, ..Quotas::default() }, ..Lake::new() };
    let (here, there) = (lake.broker().await, lake.broker().await);
    let (mut issued, mut refused, mut lost) = (0, 0, 0);
    for round in 0..15 {
        let wish = wish("alice");
        let before = lake.log.appends();
        let (one, other) =
            tokio::join!(after(round % 3, here.issue(&wish)), after(round % 4, there.issue(&wish)));
        let mut written = 0;
        for outcome in [one, other] {
            match outcome {
                Ok(_) => written += 1,
                Err(Failure::TokenQuota(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        issued += written;
        lost += lake.log.appends() - before - written;
    }
    assert_eq!((issued, refused), (10, 20));
    assert!(lost > 0, "nobody ever lost a number to the other one");
}

#[tokio::test(start_paused = true)]
async fn a_long_log_gets_snapshots_and_brokers_start_from_them() {
    let lake = Lake::new();
    let desk = lake.broker().await;
    let first = token(&desk).await;
    desk.cancel(&first, &name("alice"), &mut None).await.unwrap();
    for _ in 0..600 {
        token(&desk).await;
    }
    let snapshot = async || lake.log.snapshot(LogName::DelegationTokens).await.unwrap();
    while snapshot().await.is_none_or(|snapshot| snapshot.number < 512) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let fresh = lake.broker().await;
    assert_eq!(fresh.view().book().number(), desk.view().book().number());
    assert_eq!(fresh.view().book().to_bytes(), desk.view().book().to_bytes());
    assert_eq!(refusal(&fresh, &first), Some("dt_cancelled"));
}

#[tokio::test(start_paused = true)]
async fn dt22_the_epoch_of_any_broker_is_that_of_all() {
    let mut lake = Lake::new();
    let old = lake.broker().await;
    let token_of_before = token(&old).await;
    lake.epoch = 3;
    let new = lake.broker().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for desk in [&old, &new] {
        assert_eq!(refusal(desk, &token_of_before), Some("dt_epoch"));
        assert_eq!(desk.view().book().epoch(), 3);
    }
    let fresh = token(&old).await;
    assert_eq!(refusal(&new, &fresh), None);
}
