//! What was taken from a file, and whether it is still known to be what the file says.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use lakegate_host::reload::Confirmed;

/// Something that a file says.
#[derive(Debug)]
pub struct Followed<T> {
    current: Arc<ArcSwap<T>>,
    age: Option<(Arc<Confirmed>, Duration)>,
}

impl<T> Followed<T> {
    /// What `current` holds, whoever changes it, and is good for so long after it was last confirmed.
    pub fn new(current: Arc<ArcSwap<T>>, confirmed: Arc<Confirmed>, good_for: Duration) -> Self {
        Self { current, age: Some((confirmed, good_for)) }
    }

    /// What has no file behind it, and no age.
    pub fn unaged(current: Arc<ArcSwap<T>>) -> Self {
        Self { current, age: None }
    }

    /// What is in force.
    pub(super) fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Whether it is known to be what the file says, or was not too long ago.
    pub(super) fn is_fresh(&self) -> bool {
        self.age.as_ref().is_none_or(|(confirmed, good_for)| confirmed.age() <= *good_for)
    }
}

impl<T: Default> Default for Followed<T> {
    fn default() -> Self {
        Self::unaged(Arc::default())
    }
}
