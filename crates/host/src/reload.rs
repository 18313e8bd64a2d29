//! What a process takes from files while it runs, and how each of them fares.
//!
//! Every item is a set of files with a function that takes them into force. It looks when the files were touched,
//! every few seconds in case word of that was lost, and when somebody asks (SIGHUP). A look reads all files,
//! compares them by hash, and takes them whole or not at all: what was in force stays, a gauge is raised, and the
//! log says once what was wrong. All of it happens off the threads that serve.
//!
//! The configuration file itself is no item: what it says holds until a restart.

mod confirmed;
mod item;
mod looking;
mod metrics;
mod turns;

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use lakegate_domain::Clock;
use prometheus::Registry;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use self::confirmed::Confirmed;
use self::item::Following;
pub use self::looking::Look;
use self::metrics::Metrics;
pub(crate) use self::metrics::Report;
pub(crate) use self::turns::Turns;
use crate::files::{Contents, FileSet, SetDigest};
use crate::shutdown::Hangups;
use crate::watch::{FileWatch, FileWatcher};

/// How often files are looked at though nothing was heard of them.
const POLL: Duration = Duration::from_secs(10);

/// How long a look that somebody asked for may take: a network file system can hang.
const LOOK_WITHIN: Duration = Duration::from_secs(30);

/// Takes what was read into force, or says why not and changes nothing. Called on a thread that may block.
pub type Take = Arc<dyn Fn(&Contents) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync>;

/// One thing that is made of files.
pub struct Item {
    /// Its name in metrics and logs: a constant.
    pub name: &'static str,
    /// The files.
    pub files: FileSet,
    /// What the files held when the thing was made of them first.
    pub in_force: SetDigest,
    /// Makes it anew.
    pub take: Take,
}

/// How a look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The files held something new, which is in force now.
    Taken,
    /// The files hold what is in force.
    Unchanged,
    /// The files cannot be read or what they hold is refused; what was in force stays.
    Refused,
    /// The look did not end in time.
    Late,
}

/// The items of a process. Clones share them; the last one dropped ends their following.
#[derive(Debug, Clone)]
pub struct Reloads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    watcher: Arc<FileWatcher>,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    poll: Duration,
    doors: Mutex<Vec<Door>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Where an item is asked to look.
#[derive(Debug, Clone)]
struct Door {
    name: &'static str,
    asking: mpsc::Sender<oneshot::Sender<Outcome>>,
}

impl Reloads {
    /// No item yet.
    ///
    /// # Errors
    /// When the registry holds another one's metrics already.
    pub fn new(registry: &Registry, clock: Arc<dyn Clock>) -> Result<Self, prometheus::Error> {
        Self::polling(POLL, registry, clock)
    }

    fn polling(
        poll: Duration,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self(Arc::new(Inner {
            watcher: Arc::default(),
            metrics: Metrics::register(registry)?,
            clock,
            poll,
            doors: Mutex::default(),
            tasks: Mutex::default(),
        })))
    }

    /// Follows the files of an item that is in force already. Needs a tokio runtime.
    pub fn follow(&self, item: Item) {
        let _nobody_asks = self.follow_every(self.0.poll, item);
    }

    /// The same for an item of which its owner wants to know how old it is, looked at so often though nothing was
    /// heard of it.
    pub fn follow_every(&self, every: Duration, item: Item) -> Arc<Confirmed> {
        let Item { name, files, in_force, take } = item;
        let paths = files.paths().map(PathBuf::from).collect();
        let turns = self.turns(name, paths, every);
        let report = self.report(name);
        report.note(Outcome::Taken);
        let confirmed = Arc::new(Confirmed::now());
        let following = Following::new(name, files, in_force, take);
        let task = tokio::spawn(following.run(turns, report, Arc::clone(&confirmed)));
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        confirmed
    }

    /// Lets every item look now; by name, how it ended.
    pub async fn reload_all(&self) -> Vec<(&'static str, Outcome)> {
        let doors = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let look = async |door: Door| {
            let (answer, answered) = oneshot::channel();
            let asked = async {
                door.asking.send(answer).await.ok()?;
                answered.await.ok()
            };
            let outcome = tokio::time::timeout(LOOK_WITHIN, asked).await.unwrap_or(Some(Outcome::Late));
            // An item without an answer has ended with its owner.
            outcome.map(|outcome| (door.name, outcome))
        };
        join_all(doors.into_iter().map(look)).await.into_iter().flatten().collect()
    }

    /// Lets every item look at each SIGHUP, and logs how it went.
    pub fn on(&self, mut hangups: Hangups) {
        let reloads = Arc::downgrade(&self.0);
        let task = tokio::spawn(async move {
            while hangups.next().await {
                let Some(inner) = reloads.upgrade() else { return };
                summarise(&Self(inner).reload_all().await);
            }
        });
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// When an item looks.
    pub(crate) fn turns(&self, name: &'static str, files: Vec<PathBuf>, every: Duration) -> Turns {
        let (asking, asked) = mpsc::channel(1);
        self.0.doors.lock().unwrap_or_else(PoisonError::into_inner).push(Door { name, asking });
        Turns::new(FileWatch::new(&self.0.watcher, files), every, asked)
    }

    /// Where an item says how it went.
    pub(crate) fn report(&self, name: &'static str) -> Report {
        self.0.metrics.report(name, Arc::clone(&self.0.clock))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

fn summarise(outcomes: &[(&'static str, Outcome)]) {
    let named = |wanted: Outcome| {
        let names: Vec<&str> =
            outcomes.iter().filter(|(_, outcome)| *outcome == wanted).map(|(name, _)| *name).collect();
        names.join(",")
    };
    let (taken, unchanged) = (named(Outcome::Taken), named(Outcome::Unchanged));
    let (refused, late) = (named(Outcome::Refused), named(Outcome::Late));
    if refused.is_empty() && late.is_empty() {
        tracing::info!(taken, unchanged, "reloaded on SIGHUP");
    } else {
        tracing::error!(
            taken,
            unchanged,
            refused,
            late,
            "reloaded on SIGHUP, but for what is refused or late"
        );
    }
}

/// An error with its causes, outermost first.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = [&text, ": ", &error.to_string()].concat();
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
