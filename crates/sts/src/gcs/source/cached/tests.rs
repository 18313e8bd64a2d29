//! One shared token, renewed young, on paused time.

use std::collections::VecDeque;

use lakegate_domain::{ManualClock, Secret, Timestamp};
use tokio::time::{Instant, advance};

use super::*;

/// The wall clock's instant at which the tests begin; it stands still unless they move it.
const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// Makes tokens of one hour, fails as scripted, and remembers what was wanted.
#[derive(Debug, Default)]
struct Scripted {
    wanted: Mutex<Vec<WantedLife>>,
    failures: Mutex<VecDeque<MintError>>,
}

impl Scripted {
    fn calls(&self) -> usize {
        self.wanted.lock().unwrap().len()
    }

    fn fail_next(&self, error: MintError) {
        self.failures.lock().unwrap().push_back(error);
    }
}

#[async_trait]
impl Source for Scripted {
    async fn token(&self, life: WantedLife) -> Result<Arc<SourceToken>, MintError> {
        self.wanted.lock().unwrap().push(life);
        tokio::task::yield_now().await;
        if let Some(error) = self.failures.lock().unwrap().pop_front() {
            return Err(error);
        }
        let (now, name) = (Instant::now(), ["source-", &self.calls().to_string()].concat());
        let (ends_at, ends_by) = (now + self.longest_life(), START.plus(self.longest_life()));
        Ok(Arc::new(SourceToken::new(Secret::new(name), now, ends_at, ends_by)))
    }

    fn ends_early(&self) -> bool {
        true
    }

    fn longest_life(&self) -> Duration {
        Duration::from_hours(1)
    }
}

fn cached() -> (Arc<Scripted>, CachedSource) {
    cached_by(Arc::new(ManualClock::at(START)))
}

fn cached_by(clock: Arc<ManualClock>) -> (Arc<Scripted>, CachedSource) {
    let inner = Arc::new(Scripted::default());
    (Arc::clone(&inner), CachedSource::new(inner, Duration::from_mins(2), clock))
}

async fn longest(source: &CachedSource) -> Result<String, MintError> {
    source.token(WantedLife::Longest).await.map(|token| token.secret().expose().to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_shared_token_is_renewed_when_it_is_two_minutes_old() {
    let (inner, source) = cached();
    for _ in 0..5 {
        assert_eq!(longest(&source).await.unwrap(), "source-1");
        advance(Duration::from_secs(20)).await;
    }
    advance(Duration::from_secs(20)).await;
    assert_eq!(longest(&source).await.unwrap(), "source-2");
    assert_eq!(inner.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn st13_many_callers_make_one_renewal() {
    let (inner, source) = cached();
    let source = Arc::new(source);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { longest(&source).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), "source-1");
    }
    assert_eq!(inner.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_with_a_wanted_life_is_made_each_time_and_not_shared() {
    let (inner, source) = cached();
    let short = WantedLife::AtMost(Duration::from_mins(5));
    for call in 1..=3 {
        let token = source.token(short).await.unwrap();
        assert_eq!(token.secret().expose(), ["source-", &call.to_string()].concat());
    }
    assert_eq!(longest(&source).await.unwrap(), "source-4");
    assert_eq!(*inner.wanted.lock().unwrap(), [short, short, short, WantedLife::Longest]);
}

#[tokio::test(start_paused = true)]
async fn st10_an_outage_is_bridged_for_half_of_the_tokens_life() {
    let (inner, source) = cached();
    longest(&source).await.unwrap();
    let outage = MintError::SourceUnavailable { retry_after: Duration::from_secs(1) };
    for minutes in [10, 19] {
        advance(Duration::from_mins(minutes)).await;
        inner.fail_next(outage.clone());
        assert_eq!(longest(&source).await.unwrap(), "source-1");
    }
    advance(Duration::from_mins(2)).await;
    inner.fail_next(outage.clone());
    assert_eq!(longest(&source).await, Err(outage));
}

#[tokio::test(start_paused = true)]
async fn st10_a_refused_credential_is_not_bridged() {
    let (inner, source) = cached();
    longest(&source).await.unwrap();
    advance(Duration::from_mins(3)).await;
    inner.fail_next(MintError::SourceRefused);
    assert_eq!(longest(&source).await, Err(MintError::SourceRefused));
    inner.fail_next(MintError::source_unavailable());
    assert!(longest(&source).await.is_err(), "the old token is gone");
}

#[tokio::test(start_paused = true)]
async fn st10_a_token_that_was_refused_is_not_handed_out_again() {
    let (_, source) = cached();
    let first = source.token(WantedLife::Longest).await.unwrap();
    source.forget(&first);
    let second = source.token(WantedLife::Longest).await.unwrap();
    assert_eq!(second.secret().expose(), "source-2");
    source.forget(&first);
    assert_eq!(longest(&source).await.unwrap(), "source-2", "the refusal of an older one changes nothing");
}

#[tokio::test(start_paused = true)]
async fn cl07_a_token_that_ended_while_the_machine_slept_is_not_used_again() {
    let clock = Arc::new(ManualClock::at(START));
    let (inner, source) = cached_by(Arc::clone(&clock));
    assert_eq!(longest(&source).await.unwrap(), "source-1");
    clock.advance(Duration::from_hours(1));
    inner.fail_next(MintError::source_unavailable());
    assert!(longest(&source).await.is_err(), "an outage is not bridged with it either");
    assert_eq!(longest(&source).await.unwrap(), "source-3");
}
