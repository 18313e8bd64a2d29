//! Things that are looked at by a function of their own: fetched from elsewhere, or made of files of which each counts
//! by itself.

use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Outcome, Reloads};

/// Looks once, takes what is good into force, and says in the log what is not.
pub type Look = Box<dyn FnMut() -> BoxFuture<'static, Outcome> + Send>;

impl Reloads {
    /// Looks now, and then after each change of `files`, `every` so often and when the process is asked to. How each
    /// look ended is told by the same metrics as for an [`super::Item`].
    pub async fn follow_by(&self, name: &'static str, files: Vec<PathBuf>, every: Duration, mut look: Look) {
        let mut turns = self.turns(name, files, every);
        let report = self.report(name);
        report.note(look().await);
        let task = tokio::spawn(async move {
            loop {
                let turn = turns.next().await;
                let outcome = look().await;
                report.note(outcome);
                turn.ended(outcome);
            }
        });
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}
