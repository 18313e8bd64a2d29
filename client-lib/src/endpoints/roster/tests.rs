//! Events in every order.

use std::time::Duration;

use super::page::TRIAL;
use super::*;
use crate::endpoints::pause::LONGEST_LEAVE;

fn two() -> Roster {
    Roster::in_order(2)
}

fn ask(roster: &Roster) -> Attempt {
    match roster.pick(&[]) {
        Pick::Ask(attempt) => attempt,
        Pick::Wait(until) => panic!("nobody before {until:?}"),
    }
}

fn gone() -> ClientError {
    ClientError::Timeout
}

#[tokio::test(start_paused = true)]
async fn all_that_failed_together_count_once() {
    let roster = two();
    let attempts: Vec<Attempt> = (0..50).map(|_| ask(&roster)).collect();
    for attempt in &attempts {
        roster.unreachable(attempt, &gone());
    }
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!(ask(&roster).broker, 0, "one failure, one short leave");
}

#[tokio::test(start_paused = true)]
async fn an_old_request_that_fails_says_nothing_about_a_broker_heard_since() {
    let roster = two();
    let (old, young) = (ask(&roster), ask(&roster));
    roster.heard(&young);
    roster.silent(&old);
    assert_eq!(ask(&roster).broker, 0);
    assert_eq!(roster.last_error().map(|error| error.to_string()), None);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_answers_an_old_request_is_not_lost() {
    let roster = two();
    let (old, young) = (ask(&roster), ask(&roster));
    roster.silent(&young);
    assert!(roster.is_lost(&old));
    assert_eq!(ask(&roster).broker, 1);
    roster.heard(&old);
    assert_eq!(ask(&roster).broker, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_begun_before_does_not_shorten_what_a_broker_asked_for() {
    let roster = two();
    let (old, young) = (ask(&roster), ask(&roster));
    let until = Instant::now() + Duration::from_secs(3);
    roster.closed(&young, until, &gone());
    roster.heard(&old);
    assert_eq!(ask(&roster).broker, 1);
    roster.unreachable(&old, &gone());
    assert_eq!(roster.pick(&[1]), Pick::Wait(until));
    tokio::time::advance(Duration::from_secs(3)).await;
    let trial = ask(&roster);
    assert_eq!(trial.broker, 0);
    assert_eq!(ask(&roster).broker, 1, "one request tries, the others stay away");
    roster.heard(&trial);
    assert_eq!(ask(&roster).broker, 0);
}

#[tokio::test(start_paused = true)]
async fn a_trial_of_which_nothing_is_heard_does_not_keep_a_broker_shut_for_ever() {
    let roster = two();
    roster.unreachable(&ask(&roster), &gone());
    tokio::time::advance(LONGEST_LEAVE).await;
    assert_eq!(ask(&roster).broker, 0);
    assert_eq!(ask(&roster).broker, 1);
    tokio::time::advance(TRIAL).await;
    assert_eq!(ask(&roster).broker, 0);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_asks_again_is_not_asked_sooner_than_it_said_at_first() {
    let roster = two();
    let (first, second) = (ask(&roster), ask(&roster));
    let now = Instant::now();
    roster.closed(&first, now + Duration::from_secs(3), &gone());
    roster.closed(&second, now + Duration::from_secs(1), &gone());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(ask(&roster).broker, 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask(&roster).broker, 0);
}

#[test]
fn clients_prefer_different_brokers() {
    let firsts: std::collections::HashSet<usize> =
        (0..200).map(|_| *Roster::of(4).order.first().unwrap()).collect();
    assert_eq!(firsts.len(), 4);
}
