//! The bound over every window, on paused time.

use proptest::prelude::*;
use tokio::time::advance;

use super::*;

fn share(calls_per_minute: u32, percent: u32, over: u32) -> Share {
    Budget::share(calls_per_minute, percent, NonZeroU32::new(over).unwrap()).unwrap()
}

fn on_paused_time<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test);
}

/// The most spendings in any window of 60 s, its end included.
fn most_in_a_window(spent: &[Instant]) -> usize {
    spent
        .iter()
        .enumerate()
        .map(|(first, from)| spent[first..].iter().take_while(|at| **at <= *from + WINDOW).count())
        .max()
        .unwrap_or(0)
}

#[test]
fn a_share_is_97_percent_of_its_part_of_the_budget() {
    assert_eq!(share(6000, 20, 1).calls_per_window(), 1164);
    assert_eq!(share(6000, 20, 8).calls_per_window(), 145);
    assert_eq!(share(6000, 200, 1).calls_per_window(), 5820, "more than all is all");
    assert_eq!(Budget::share(10, 20, NonZeroU32::new(2).unwrap()), Err(ConfigError::ShareTooSmall));
}

proptest! {
    #[test]
    fn invariant_7_no_window_of_60_s_holds_more_than_the_share(
        calls in 1_u32..400,
        settle in 0_u64..61,
        gaps in prop::collection::vec((0_u64..4000, 1_usize..60), 1..120),
        throttled_at in prop::collection::vec(0_usize..120, 0..4),
    ) {
        let share = share(calls * 100 / 97 + 2, 100, 1);
        on_paused_time(async move {
            let budget = Budget::new(share, Duration::from_secs(settle));
            let start = Instant::now();
            let mut spent = Vec::new();
            for (turn, (gap, tries)) in gaps.into_iter().enumerate() {
                advance(Duration::from_millis(gap)).await;
                if throttled_at.contains(&turn) {
                    budget.throttled(Duration::from_secs(2));
                }
                spent.extend((0..tries).filter(|_| budget.spend().is_ok()).map(|_| Instant::now()));
            }
            assert!(most_in_a_window(&spent) <= share.calls_per_window() as usize);
            assert!(spent.first().is_none_or(|first| *first >= start + Duration::from_secs(settle)));
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_greedy_spender_gets_nearly_all_of_the_share_and_not_a_call_more() {
    for calls in [1, 2, 3, 7, 145, 1164] {
        let share = share(calls * 100 / 97 + 1, 100, 1);
        let budget = Budget::new(share, Duration::ZERO);
        let mut spent = Vec::new();
        for _ in 0..3000 {
            while budget.spend().is_ok() {
                spent.push(Instant::now());
            }
            advance(Duration::from_millis(50)).await;
        }
        let most = most_in_a_window(&spent);
        assert!(most <= share.calls_per_window() as usize);
        assert!(most + 1 >= share.calls_per_window() as usize, "{most} of {}", share.calls_per_window());
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_process_waits_one_window_before_it_spends() {
    let budget = Budget::new(share(6000, 20, 8), WINDOW);
    assert_eq!(budget.spend(), Err(MintError::BudgetSpent { retry_after: WINDOW }));
    advance(Duration::from_secs(59)).await;
    assert_eq!(budget.spend(), Err(MintError::BudgetSpent { retry_after: Duration::from_secs(1) }));
    advance(Duration::from_secs(1)).await;
    assert_eq!(budget.spend(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_time_named_by_a_spent_budget_is_the_time_it_takes() {
    let budget = Budget::new(share(100, 100, 1), Duration::ZERO);
    while budget.spend().is_ok() {}
    let Err(MintError::BudgetSpent { retry_after }) = budget.spend() else { panic!("it is spent") };
    advance(retry_after.checked_sub(Duration::from_millis(2)).unwrap()).await;
    assert!(budget.spend().is_err());
    advance(Duration::from_millis(2)).await;
    assert_eq!(budget.spend(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn st01_a_429_pauses_then_halves_the_pace_which_rises_again() {
    let in_20_seconds = async |budget: &Budget| {
        let mut spent = 0;
        for _ in 0..200 {
            spent += std::iter::repeat_with(|| budget.spend()).take_while(Result::is_ok).count();
            advance(Duration::from_millis(100)).await;
        }
        spent
    };
    let budget = Budget::new(share(6000, 100, 1), Duration::ZERO);
    in_20_seconds(&budget).await;
    let usual = in_20_seconds(&budget).await;

    budget.throttled(Duration::from_secs(7));
    budget.throttled(Duration::from_secs(3));
    assert_eq!(budget.spend(), Err(MintError::Throttled { retry_after: Duration::from_secs(7) }));
    advance(Duration::from_secs(7)).await;
    while budget.spend().is_ok() {}
    let slowed = in_20_seconds(&budget).await;
    assert!(slowed > usual * 4 / 10 && slowed < usual * 7 / 10, "{slowed} of {usual}");

    for _ in 0..8 {
        in_20_seconds(&budget).await;
    }
    let recovered = in_20_seconds(&budget).await;
    assert!(recovered + 2 >= usual, "{recovered} of {usual}");
}

#[tokio::test(start_paused = true)]
async fn st01_an_endless_wish_to_wait_is_capped_at_a_minute() {
    let budget = Budget::new(share(6000, 100, 1), Duration::ZERO);
    budget.throttled(Duration::MAX);
    assert_eq!(budget.spend(), Err(MintError::Throttled { retry_after: Duration::from_mins(1) }));
}
