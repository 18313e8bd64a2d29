//! What the storage refused a moment ago, so that a job that goes on trying costs nobody anything.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lakegate_domain::{Operation, OperationSet, Part};
use tokio::time::Instant;

/// For how long a refusal is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);
/// How many are remembered at once.
const MOST: usize = 1_000;

/// Refused requests by what they would have done: paths with operations.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<Vec<Part>, Instant>>);

impl Refusals {
    /// Whether exactly this was refused lately.
    pub(super) fn hold(&self, parts: &[Part]) -> bool {
        self.with(|refused| refused.get(parts).is_some_and(|until| Instant::now() < *until))
    }

    /// Remembers a refusal. When there are too many, the oldest go.
    pub(super) fn remember(&self, parts: &[Part]) {
        let now = Instant::now();
        self.with(|refused| {
            if refused.len() >= MOST {
                refused.retain(|_, until| now < *until);
            }
            if refused.len() >= MOST {
                let mut ends: Vec<Instant> = refused.values().copied().collect();
                let (_, middle, _) = ends.select_nth_unstable(MOST / 2);
                refused.retain(|_, until| *until > *middle);
            }
            refused.insert(parts.to_vec(), now + REMEMBERED_FOR);
        });
    }

    /// Forgets what was refused about objects that a request changed: a storage may refuse to read what is not there,
    /// and now it is.
    pub(super) fn forget_what_changed(&self, parts: &[Part]) {
        let changing = OperationSet::of(&[Operation::Create, Operation::Write, Operation::Delete]);
        let changed = |part: &Part| part.operations().intersects(changing);
        if parts.iter().any(changed) {
            self.with(|refused| {
                refused.retain(|about, _| {
                    let same = |part: &Part| {
                        parts.iter().any(|mine| changed(mine) && mine.target() == part.target())
                    };
                    !about.iter().any(same)
                });
            });
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut HashMap<Vec<Part>, Instant>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::part;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_remembered_for_its_path_and_operation_and_for_half_a_minute() {
        let refusals = Refusals::default();
        refusals.remember(&[part("gs://lake/a", "read")]);
        assert!(refusals.hold(&[part("gs://lake/a", "read")]));
        for other in
            [part("gs://lake/a", "write"), part("gs://lake/ab", "read"), part("gs://lake/a/", "read")]
        {
            assert!(!refusals.hold(&[other]));
        }
        tokio::time::advance(Duration::from_millis(29_999)).await;
        assert!(refusals.hold(&[part("gs://lake/a", "read")]));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!refusals.hold(&[part("gs://lake/a", "read")]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_and_the_newest_stays() {
        let refusals = Refusals::default();
        for index in 0..5_000 {
            refusals.remember(&[part(&format!("gs://lake/{index}"), "read")]);
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(refusals.with(|refused| refused.len()) <= MOST);
        }
        assert!(refusals.hold(&[part("gs://lake/4999", "read")]));
    }

    #[tokio::test(start_paused = true)]
    async fn many_refusals_of_the_same_instant_are_bounded_too() {
        let refusals = Refusals::default();
        (0..5_000).for_each(|index| refusals.remember(&[part(&format!("gs://lake/{index}"), "read")]));
        assert!(refusals.with(|refused| refused.len()) <= MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_changed_may_be_tried_again_at_once() {
        let refusals = Refusals::default();
        let (read, other) = ([part("gs://lake/a", "read")], [part("gs://lake/b", "read")]);
        refusals.remember(&read);
        refusals.remember(&other);
        refusals.forget_what_changed(&[part("gs://lake/a", "read")]);
        assert!(refusals.hold(&read), "a reader changes nothing");
        refusals.forget_what_changed(&[part("gs://lake/c", "read"), part("gs://lake/a", "write")]);
        assert!(!refusals.hold(&read) && refusals.hold(&other));
    }
}
