//! Groups from the operating system, asked for ahead of time and remembered for a while.
//!
//! A look-up (`getgrouplist`) blocks for as long as a directory service likes, so it runs on a thread of its own, few at
//! a time, one for each principal, and nobody waits long. Answers are used for `refresh`; one that is used later is
//! renewed behind the answer, and only one that is older than twice that is waited for. If no new one comes, the last
//! known one serves until it is too old, and then nobody knows. Of a user that was known until now, "no such user" is no
//! answer either: directories say that when they are away. It is one when the last known answer is too old.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lakegate_domain::{GroupName, Principal};
use moka::sync::Cache;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::GroupsUnknown;
use super::queue::{Place, Queue};

/// The most principals whose groups are remembered.
const REMEMBERED: u64 = 50_000;

/// Look-ups that run at the same time; one that hangs keeps its seat.
const SEATS: usize = 8;

/// After a look-up failed, so long nobody asks again.
const REST: Duration = Duration::from_secs(2);

/// Asks the operating system. Blocks.
pub trait SystemGroups: Send + Sync + fmt::Debug {
    /// The names of all groups of a user; none when there is no such user.
    ///
    /// # Errors
    /// When that could not be found out, or not all of it.
    fn groups_of(&self, user: &str) -> io::Result<Option<Vec<String>>>;
}

/// How old answers may be, and how long one may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemBounds {
    /// From when on an answer is renewed when it is used. After twice that it is waited for.
    pub refresh: Duration,
    /// Beyond which an answer is not used, whatever happens.
    pub max_stale: Duration,
    /// How long a request waits for an answer.
    pub patience: Duration,
}

/// The operating system's groups, remembered.
#[derive(Debug)]
pub struct CachedGroups {
    source: Arc<dyn SystemGroups>,
    bounds: SystemBounds,
    seats: Arc<Semaphore>,
    queue: Arc<Queue>,
    entries: Cache<Principal, watch::Sender<State>>,
    lookups: Arc<Lookups>,
}

/// How look-ups ended.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    answered: AtomicU64,
    failed: AtomicU64,
    late: AtomicU64,
    crowded: AtomicU64,
}

impl Lookups {
    /// How many ended in which way, how many waits were given up, and how many were not begun because too many wait.
    pub(crate) fn by_outcome(&self) -> [(&'static str, u64); 4] {
        [
            ("answered", &self.answered),
            ("failed", &self.failed),
            ("late", &self.late),
            ("crowded", &self.crowded),
        ]
        .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }
}

/// What is known of one principal.
#[derive(Debug, Clone, Default)]
struct State {
    known: Option<Known>,
    /// Since when a look-up is under way.
    asking: Option<Instant>,
    /// When the last one failed.
    failed: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Known {
    groups: Arc<[GroupName]>,
    /// Whether there was such a user.
    is_user: bool,
    /// When the look-up began.
    at: Instant,
}

impl State {
    fn younger_than(&self, age: Duration) -> Option<Arc<[GroupName]>> {
        self.known.as_ref().filter(|known| known.at.elapsed() < age).map(|known| Arc::clone(&known.groups))
    }

    /// Whether somebody should ask now.
    fn wants_asking(&self) -> bool {
        self.asking.is_none() && self.failed.is_none_or(|at| at.elapsed() >= REST)
    }

    /// Takes the answer to a look-up that began at an instant.
    fn take(
        &mut self,
        found: io::Result<Option<Vec<String>>>,
        (at, max_stale): (Instant, Duration),
    ) -> io::Result<()> {
        let found = found?;
        let was_user = self.known.as_ref().is_some_and(|it| it.is_user && it.at.elapsed() < max_stale);
        if found.is_none() && was_user {
            return Err(io::Error::other("a user that was known until now is said not to exist"));
        }
        let is_user = found.is_some();
        self.known = Some(Known { groups: groups(&found.unwrap_or_default()), is_user, at });
        self.failed = None;
        Ok(())
    }
}

impl CachedGroups {
    /// Nothing is remembered yet.
    pub fn new(source: Arc<dyn SystemGroups>, bounds: SystemBounds) -> Self {
        let entries = Cache::builder().max_capacity(REMEMBERED).time_to_idle(2 * bounds.max_stale).build();
        Self {
            source,
            bounds,
            seats: Arc::new(Semaphore::new(SEATS)),
            queue: Arc::default(),
            entries,
            lookups: Arc::default(),
        }
    }

    /// The groups of a principal, for whom `asker` asks.
    pub(super) async fn of(
        &self,
        principal: &Principal,
        asker: &Principal,
    ) -> Result<Arc<[GroupName]>, GroupsUnknown> {
        let entry = match self.entries.get(principal) {
            Some(entry) => entry,
            None => self.entries.get_with(principal.clone(), || watch::Sender::new(State::default())),
        };
        let SystemBounds { refresh, max_stale, .. } = self.bounds;
        let (fresh, usable) = {
            let state = entry.borrow();
            (state.younger_than(refresh.min(max_stale)), state.younger_than((2 * refresh).min(max_stale)))
        };
        if let Some(groups) = fresh {
            return Ok(groups);
        }
        self.ask(&entry, principal, asker);
        if let Some(groups) = usable {
            return Ok(groups);
        }
        self.wait(&entry).await;
        let last = entry.borrow().younger_than(max_stale);
        last.ok_or(GroupsUnknown)
    }

    pub(super) fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// Waits until a look-up that is under way ends, but not longer than anybody waits for one.
    async fn wait(&self, entry: &watch::Sender<State>) {
        let Some(since) = entry.borrow().asking else { return };
        let mut changes = entry.subscribe();
        let ended = changes.wait_for(|state| state.asking.is_none());
        if tokio::time::timeout_at(since + self.bounds.patience, ended).await.is_err() {
            self.lookups.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Begins a look-up unless one is under way, or failed just now, or too many wait.
    fn ask(&self, entry: &watch::Sender<State>, principal: &Principal, asker: &Principal) {
        if !entry.borrow().wants_asking() {
            return;
        }
        let Some(place) = self.queue.place(asker) else {
            self.lookups.crowded.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let begun = Instant::now();
        let is_ours = entry.send_if_modified(|state| {
            let is_ours = state.wants_asking();
            if is_ours {
                state.asking = Some(begun);
            }
            is_ours
        });
        if !is_ours {
            return;
        }
        let looking = self.look_up(principal.clone(), begun, place);
        let (entry, lookups, max_stale) = (entry.clone(), Arc::clone(&self.lookups), self.bounds.max_stale);
        tokio::spawn(async move {
            let (found, at) = looking.await;
            entry.send_modify(|state| {
                state.asking = None;
                if let Err(error) = state.take(found, (at, max_stale)) {
                    lookups.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%error, "the operating system could not tell a user's groups");
                    state.failed = Some(Instant::now());
                } else {
                    lookups.answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        });
    }

    /// Asks when a seat is free, and gives up when whoever asked first has: what was found, and when it was asked for.
    fn look_up(
        &self,
        principal: Principal,
        begun: Instant,
        place: Place,
    ) -> impl Future<Output = (io::Result<Option<Vec<String>>>, Instant)> + Send + use<> {
        let (source, seats) = (Arc::clone(&self.source), Arc::clone(&self.seats));
        let patience = self.bounds.patience;
        async move {
            let seat = tokio::time::timeout_at(begun + patience, seats.acquire_owned()).await;
            drop(place);
            let at = Instant::now();
            let Ok(seat) = seat else { return (Err(io::ErrorKind::TimedOut.into()), at) };
            let looked = tokio::task::spawn_blocking(move || {
                let _seat = seat;
                source.groups_of(principal.as_str())
            });
            (looked.await.unwrap_or_else(|panic| Err(io::Error::other(panic))), at)
        }
    }
}

/// Names that are groups to us; others (`domain users`) no rule can name.
fn groups(names: &[String]) -> Arc<[GroupName]> {
    names.iter().filter_map(|name| GroupName::parse(name).ok()).collect()
}

#[cfg(test)]
mod tests;
