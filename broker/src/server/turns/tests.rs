//! Turns: few at once, fair between addresses, never lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

/// A turn that must be there.
fn taken(turns: &Turns, address: IpAddr) -> Turn {
    turns.ask(address).unwrap()
}

#[test]
fn gh06_turns_go_round_among_addresses() {
    let turns = Turns::new(1);
    let mut turn = taken(&turns, ip(1));
    let mut flood: VecDeque<_> = (0..1_000).map(|_| turns.ask(ip(1)).unwrap_err()).collect();
    let mut other = turns.ask(ip(2)).unwrap_err();
    drop(turn);
    turn = flood.pop_front().unwrap().try_recv().unwrap();
    assert!(other.try_recv().is_err(), "one at a time");
    drop(turn);
    turn = other.try_recv().unwrap();
    drop(turn);
    assert!(flood.pop_front().unwrap().try_recv().is_ok(), "and the flood goes on behind it");
}

#[test]
fn gh06_who_waits_no_more_is_passed_over() {
    let turns = Turns::new(1);
    let turn = taken(&turns, ip(1));
    // So many that a turn handed on by being dropped, again and again, would end the stack.
    let gone: Vec<_> = (0..200_000).map(|_| turns.ask(ip(1)).unwrap_err()).collect();
    let mut last = turns.ask(ip(3)).unwrap_err();
    drop(gone);
    drop(turn);
    let turn = last.try_recv().unwrap();
    drop(turn);
    assert!(turns.queues().waiting.is_empty(), "nobody is remembered");
    drop(taken(&turns, ip(1)));
}

#[test]
fn gh06_a_turn_that_arrives_too_late_is_handed_on() {
    let turns = Turns::new(1);
    let turn = taken(&turns, ip(1));
    let late = turns.ask(ip(1)).unwrap_err();
    let mut next = turns.ask(ip(2)).unwrap_err();
    drop(turn);
    // The turn lies in the channel of one who leaves.
    drop(late);
    assert!(next.try_recv().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gh06_no_more_compute_at_once_than_there_are_turns() {
    static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let turns = Turns::new(2);
    let mut working = tokio::task::JoinSet::new();
    for index in 0..200_u8 {
        let mut steps = 5;
        let work = std::future::poll_fn(move |context| {
            MOST.fetch_max(AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::hint::black_box((0..10_000).sum::<u64>());
            AT_ONCE.fetch_sub(1, Ordering::SeqCst);
            steps -= 1;
            context.waker().wake_by_ref();
            if steps == 0 { Poll::Ready(()) } else { Poll::Pending }
        });
        working.spawn(turns.take(ip(index % 7), work));
    }
    working.join_all().await;
    assert!(MOST.load(Ordering::SeqCst) <= 2);
    assert_eq!(turns.queues().free, 2, "every turn is back");
}
