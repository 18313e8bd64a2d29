//! Looks at one item's files, turn by turn.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Confirmed, Outcome, Report, Take, Turns, chain};
use crate::files::{FileSet, SetDigest};

/// How long files that hold something new must hold it before it is taken: a swap may fall between the reading of two
/// files, and whoever writes a file in place empties it first.
const STILL: Duration = Duration::from_millis(25);

/// Reads that files get to hold still.
const READS: usize = 30;

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
#[derive(Debug)]
enum Look {
    Unchanged,
    /// Something new, which may be half of something.
    Moving(SetDigest),
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

    /// Reads until two reads in a row are the same; tells what was taken, when there was something new.
    async fn settled(&self) -> Result<Option<SetDigest>, String> {
        let mut before = None;
        for _ in 0..READS {
            let (files, take, in_force) = (self.files.clone(), Arc::clone(&self.take), self.in_force);
            let looked = tokio::task::spawn_blocking(move || look(&files, &take, in_force, before)).await;
            match looked.unwrap_or_else(|_panic| Err("taking it into force was interrupted".to_owned())) {
                Ok(Look::Moving(digest)) => before = Some(digest),
                Ok(Look::Taken(digest)) => return Ok(Some(digest)),
                Ok(Look::Unchanged) => return Ok(None),
                Err(complaint) => return Err(complaint),
            }
            tokio::time::sleep(STILL).await;
        }
        Err("the files do not hold still".to_owned())
    }

    async fn look(&mut self) -> Outcome {
        match self.settled().await {
            Ok(None) => {
                if self.complaint.take().is_some() {
                    tracing::info!(item = self.name, "files hold again what is in force");
                }
                Outcome::Unchanged
            }
            Ok(Some(digest)) => {
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

/// Reads the files and takes them if they hold something new, and held the same before. What is refused is tried again
/// at each look even if it did not change: a certificate that is not valid yet will be.
fn look(
    files: &FileSet,
    take: &Take,
    in_force: SetDigest,
    before: Option<SetDigest>,
) -> Result<Look, String> {
    let contents = files.read().map_err(|error| chain(&error))?;
    let digest = contents.digest();
    if digest == in_force {
        return Ok(Look::Unchanged);
    }
    if before != Some(digest) {
        return Ok(Look::Moving(digest));
    }
    take(&contents).map_err(|error| chain(&*error))?;
    Ok(Look::Taken(digest))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_new_is_taken_when_it_is_read_twice_and_not_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules");
        let write = |text: &str| fs::write(&path, text).unwrap();
        write("blocked");
        let files = FileSet::new().public(&path);
        let in_force = files.read().unwrap().digest();
        let anything: Take = Arc::new(|_| Ok(()));
        let look = |before| look(&files, &anything, in_force, before).unwrap();
        assert!(matches!(look(None), Look::Unchanged));
        write("");
        let Look::Moving(empty) = look(None) else { unreachable!("taken at once") };
        write("blocked, and one more");
        let Look::Moving(whole) = look(Some(empty)) else { unreachable!("the half was taken for whole") };
        assert!(matches!(look(Some(whole)), Look::Taken(digest) if digest == whole));
        write("blocked");
        assert!(matches!(look(Some(empty)), Look::Unchanged), "what is in force needs no second look");
    }
}
