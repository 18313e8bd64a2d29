//! Who may read into the view and write, one at a time.
//!
//! Issues and renewals wait in a line, of which one at a time stands before the door; whoever cancels goes to the door at
//! once. So a cancellation waits for those before it and for one other call, however long the line is.

use tokio::sync::{Mutex, MutexGuard};

/// The door and the line before it.
#[derive(Debug, Default)]
pub(super) struct Turns {
    line: Mutex<()>,
    door: Mutex<()>,
}

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A cancellation, or a look at the log.
    First,
    /// Anything else.
    InLine,
}

/// The right to read into the view and to write.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _door: MutexGuard<'a, ()>,
    _line: Option<MutexGuard<'a, ()>>,
}

impl Turns {
    /// Waits for one's turn.
    pub(super) async fn take(&self, urgency: Urgency) -> Turn<'_> {
        let line = match urgency {
            Urgency::First => None,
            Urgency::InLine => Some(self.line.lock().await),
        };
        Turn { _door: self.door.lock().await, _line: line }
    }
}
