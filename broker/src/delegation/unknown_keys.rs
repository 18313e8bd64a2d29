//! Key ids that nobody knows, met on the wire.
//!
//! A token may name a key that was written a moment ago, so an unknown id is a reason to look at the log of keys. It is
//! also what a stranger sends ten thousand of. So one look a second answers for all of them, and an id that was looked
//! for in vain is no reason for another look for a minute. Nobody waits for a look.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lakegate_delegation::KeyId;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The shortest time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an id is remembered that was looked for.
const IN_VAIN: Duration = Duration::from_mins(1);
/// How many are remembered; a stranger who sends more costs a look a second, as one who sends one.
const REMEMBERED: usize = 1_024;

/// Asks for looks at the log.
#[derive(Debug, Default)]
pub(crate) struct UnknownKeys {
    wanted: Notify,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    last: Option<Instant>,
    ids: HashMap<KeyId, Instant>,
}

impl UnknownKeys {
    /// An id was met that is not in the ring, or not yet.
    pub(crate) fn met(&self, id: KeyId) {
        let now = Instant::now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.last.is_some_and(|last| now < last + LOOK_EVERY) {
            return;
        }
        if asked.ids.get(&id).is_some_and(|at| now < *at + IN_VAIN) {
            return;
        }
        if asked.ids.len() >= REMEMBERED {
            asked.ids.clear();
        }
        asked.ids.insert(id, now);
        asked.last = Some(now);
        self.wanted.notify_one();
    }

    /// Waits until somebody wants a look.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u32) -> KeyId {
        KeyId::new(id).unwrap()
    }

    /// How many looks somebody takes who takes all that are wanted.
    async fn looks(unknown: &UnknownKeys) -> u64 {
        let mut looks = 0;
        while tokio::time::timeout(Duration::from_millis(1), unknown.wanted()).await.is_ok() {
            looks += 1;
        }
        looks
    }

    #[tokio::test(start_paused = true)]
    async fn dt04_ten_thousand_unknown_ids_a_second_are_one_look_a_second() {
        let (unknown, began) = (UnknownKeys::default(), Instant::now());
        let mut taken = 0;
        for n in 0..100_000 {
            unknown.met(id(n));
            if n % 10 == 0 {
                taken += looks(&unknown).await;
            }
        }
        let seconds = began.elapsed().as_secs();
        assert!(seconds >= 10 && (seconds - 1..=seconds + 1).contains(&taken), "{taken} in {seconds} s");
        assert!(unknown.asked.lock().unwrap().ids.len() <= REMEMBERED);
    }

    #[tokio::test(start_paused = true)]
    async fn dt04_an_id_that_was_looked_for_in_vain_is_left_alone_for_a_minute() {
        let unknown = UnknownKeys::default();
        let mut taken = 0;
        for _ in 0..590 {
            unknown.met(id(7));
            taken += looks(&unknown).await;
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(taken, 1);
        tokio::time::advance(IN_VAIN).await;
        unknown.met(id(7));
        assert_eq!(looks(&unknown).await, 1);
    }
}
