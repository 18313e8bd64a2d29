//! Looks at one item's files, turn by turn.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Confirmed, Outcome, Report, Take, Turns, chain};
use crate::files::{FileSet, SetDigest};

/// Looks that a refused set gets before it is complained of, if it changes from one to the next: a swap may fall
/// between the reading of two files.
const TRIES: usize = 3;

/// One item and what is known of its files.
pub(super) struct Following {
    name: &'static str,
    files: FileSet,
    in_force: SetDigest,
    take: Take,
    /// What was last complained of; a complaint is logged once.
    complaint: Option<String>,
}

/// What a look found.
enum Look {
    Unchanged,
    Taken(SetDigest),
}

impl Following {
    pub(super) fn new(name: &'static str, files: FileSet, in_force: SetDigest, take: Take) -> Self {
        Self { name, files, in_force, take, complaint: None }
    }

    /// Looks at once, since the files may have changed between their reading and their watching, and then at every
    /// turn.
    pub(super) async fn run(mut self, mut turns: Turns, report: Report, confirmed: Arc<Confirmed>) {
        self.confirm(&report, &confirmed).await;
        loop {
            let turn = turns.next().await;
            let outcome = self.confirm(&report, &confirmed).await;
            turn.ended(outcome);
        }
    }

    /// Looks, and tells how it went and since when that is known: what was read changed after the look began, or did
    /// not.
    async fn confirm(&mut self, report: &Report, confirmed: &Confirmed) -> Outcome {
        let begun = Instant::now();
        let outcome = self.look().await;
        report.note(outcome);
        if matches!(outcome, Outcome::Taken | Outcome::Unchanged) {
            confirmed.since(begun);
        }
        outcome
    }

    async fn look(&mut self) -> Outcome {
        let (files, take, in_force) = (self.files.clone(), Arc::clone(&self.take), self.in_force);
        let looked = tokio::task::spawn_blocking(move || look(&files, &take, in_force)).await;
        match looked.unwrap_or_else(|_panic| Err("taking it into force was interrupted".to_owned())) {
            Ok(Look::Unchanged) => {
                if self.complaint.take().is_some() {
                    tracing::info!(item = self.name, "files hold again what is in force");
                }
                Outcome::Unchanged
            }
            Ok(Look::Taken(digest)) => {
                self.in_force = digest;
                self.complaint = None;
                tracing::info!(item = self.name, "reloaded");
                Outcome::Taken
            }
            Err(complaint) => {
                self.complain(complaint);
                Outcome::Refused
            }
        }
    }

    fn complain(&mut self, complaint: String) {
        if self.complaint.as_ref() != Some(&complaint) {
            let files: Vec<_> = self.files.paths().map(|path| path.display().to_string()).collect();
            let files = files.join(",");
            tracing::error!(item = self.name, files, error = %complaint, "reload refused, what was in force stays");
            self.complaint = Some(complaint);
        }
    }
}

/// Reads the files and takes them if they hold something new. What is refused is tried again at each look even if it
/// did not change: a certificate that is not valid yet will be.
fn look(files: &FileSet, take: &Take, in_force: SetDigest) -> Result<Look, String> {
    let mut tries = 0;
    let mut refused = None;
    loop {
        tries += 1;
        let contents = files.read().map_err(|error| chain(&error))?;
        let digest = contents.digest();
        if digest == in_force {
            return Ok(Look::Unchanged);
        }
        match refused.take() {
            Some((before, complaint)) if before == digest || tries > TRIES => return Err(complaint),
            _ => {}
        }
        match take(&contents) {
            Ok(()) => return Ok(Look::Taken(digest)),
            Err(error) => refused = Some((digest, chain(&*error))),
        }
    }
}
