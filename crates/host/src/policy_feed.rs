//! Policy that follows a file: the last good snapshot, how old it is, and word of each new one.
//!
//! The feed looks when the file was touched, also by a link that leads to it, and every few seconds in any case. A
//! look reads all bytes, so a change is seen whatever the file system says of times. What is
//! read is parsed, compiled and checked on a blocking thread and then taken into force whole, or refused whole
//! with the reason in the log and in a gauge. There is no way from a snapshot back to none.
//!
//! *Invariant:* the version in force never falls, and one version never has two contents.

mod follow;
mod source;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use lakegate_domain::{Clock, Timestamp};
use lakegate_policy::Snapshot;
use prometheus::Registry;
use tokio::sync::watch;
use tokio::time::Instant;

use self::follow::Follower;
use self::source::{Digest, Source};
use crate::metrics::PolicyMetrics;
use crate::{FeedError, Reloads};

/// Says whether this process can serve a snapshot, and why not: whether its storages are configured and can
/// express what the rules need.
pub type SnapshotCheck = Arc<dyn Fn(&Snapshot) -> Result<(), String> + Send + Sync>;

/// What policy is called among what a process reloads.
const ITEM: &str = "policy";

/// The shortest time between two looks for which nothing is the cause.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Reads a policy file once, as a feed would, and compiles it. Blocks.
///
/// # Errors
/// What is wrong with the file or the document.
pub fn read_policy(file: &Path) -> Result<Arc<Snapshot>, FeedError> {
    if file.is_dir() {
        return Err(FeedError::Directory { file: file.to_owned() });
    }
    Source::new(file.to_owned(), Arc::new(|_| Ok(()))).load_once()
}

/// The snapshot in force.
#[derive(Debug)]
pub struct PolicyFeed {
    current: ArcSwapOption<Snapshot>,
    number: watch::Sender<Option<u64>>,
    /// What the document in force hashes to; none for one that was handed over compiled. Held while installing.
    content: Mutex<Option<Digest>>,
    freshness: Option<Freshness>,
    failed_reloads: AtomicU64,
    failing: AtomicBool,
    loaded_at: AtomicI64,
    /// Snapshots that were in force before, until nobody uses them: dropping a large one takes a while, so a blocking
    /// thread does it.
    retired: Mutex<Vec<Arc<Snapshot>>>,
}

/// When the source was last seen to hold what is in force, in tokio's time.
#[derive(Debug)]
struct Freshness {
    started: Instant,
    /// Milliseconds from `started`.
    confirmed: AtomicU64,
    /// When the source was last read, whatever it held; milliseconds from `started`.
    reached: AtomicU64,
}

impl PolicyFeed {
    /// Follows a file (`.json`, else YAML): looks at once, then after each change, `every` so often and when the
    /// process is asked to, until the feed is dropped. It is the item `policy` of `reloads`.
    ///
    /// A first look that fails is no error: the feed then has no snapshot, which denies everything, and goes on
    /// looking. Make readiness wait for [`PolicyFeed::current`].
    ///
    /// # Errors
    /// [`FeedError::Directory`].
    pub async fn start(
        source: PathBuf,
        check: SnapshotCheck,
        every: Duration,
        clock: Arc<dyn Clock>,
        reloads: &Reloads,
    ) -> Result<Arc<Self>, FeedError> {
        if source.is_dir() {
            return Err(FeedError::Directory { file: source });
        }
        let freshness = Freshness::new();
        let feed = Arc::new(Self::new(Some(freshness)));
        let turns = reloads.turns(ITEM, vec![source.clone()], every.max(SHORTEST_INTERVAL));
        let report = reloads.report(ITEM);
        let mut follower = Follower::new(Source::new(source, check), clock);
        report.note(follower.look(&feed).await);
        tokio::spawn(follower.follow(Arc::downgrade(&feed), turns, report));
        Ok(feed)
    }

    /// A feed without a file, for embedded use: its snapshot changes by [`PolicyFeed::replace`] and has no age.
    pub fn fixed(snapshot: impl Into<Arc<Snapshot>>) -> Arc<Self> {
        let feed = Self::new(None);
        feed.swap(snapshot.into());
        Arc::new(feed)
    }

    fn new(freshness: Option<Freshness>) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            number: watch::Sender::new(None),
            content: Mutex::default(),
            freshness,
            failed_reloads: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            loaded_at: AtomicI64::new(0),
            retired: Mutex::default(),
        }
    }

    /// The snapshot in force; none until the first good one, and then everything is denied.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// How long ago the source was last seen to hold exactly what is in force. It grows while the source cannot
    /// be read and while what it holds is refused; it is zero for ever without a source.
    pub fn age(&self) -> Duration {
        self.freshness.as_ref().map_or(Duration::ZERO, |freshness| freshness.since(&freshness.confirmed))
    }

    /// How long ago the source was last read, good or bad. It grows while the source cannot be read, and only then;
    /// it is zero for ever without a source.
    pub fn cut_off_for(&self) -> Duration {
        self.freshness.as_ref().map_or(Duration::ZERO, |freshness| freshness.since(&freshness.reached))
    }

    /// How many looks at the source have failed: each that could not read it, and one for each refused content.
    pub fn failed_reloads(&self) -> u64 {
        self.failed_reloads.load(Ordering::Relaxed)
    }

    /// Whether the last look failed or the content last seen is refused.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// When the snapshot in force was read, by wall time; none without a source or a snapshot.
    pub fn loaded_at(&self) -> Option<Timestamp> {
        let millis = self.loaded_at.load(Ordering::Relaxed);
        (millis != 0).then(|| Timestamp::from_millis(millis))
    }

    /// The number of the snapshot in force, and each that comes after it. When a number is seen here, the
    /// snapshot is in [`PolicyFeed::current`] already.
    pub fn subscribe(&self) -> watch::Receiver<Option<u64>> {
        self.number.subscribe()
    }

    /// Takes a snapshot into force that was made elsewhere.
    ///
    /// # Errors
    /// [`FeedError::LowerVersion`] or [`FeedError::VersionReused`]: its number must be higher than the one in force.
    pub fn replace(&self, snapshot: impl Into<Arc<Snapshot>>) -> Result<(), FeedError> {
        self.install(snapshot.into(), None)
    }

    /// Adds the feed's gauges to a registry; they say nothing more once the feed is dropped.
    ///
    /// # Errors
    /// When the registry holds another feed's already.
    pub fn register(self: &Arc<Self>, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(PolicyMetrics::new(Arc::downgrade(self))?))
    }

    /// Takes a snapshot into force unless its number is not higher. The same content under the same number is
    /// what is in force, and fine.
    fn install(&self, snapshot: Arc<Snapshot>, content: Option<Digest>) -> Result<(), FeedError> {
        let mut in_force_content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(in_force) = self.current.load().as_deref() {
            let (offered, in_force) = (snapshot.number(), in_force.number());
            if offered < in_force {
                return Err(FeedError::LowerVersion { offered, in_force });
            }
            if offered == in_force {
                let is_same = content.is_some() && content == *in_force_content;
                return if is_same { Ok(()) } else { Err(FeedError::VersionReused { version: offered }) };
            }
        }
        *in_force_content = content;
        self.swap(snapshot);
        Ok(())
    }

    /// The source was seen, at `at`, to hold what is in force.
    fn confirm(&self, at: Instant) {
        if let Some(freshness) = &self.freshness {
            freshness.note(&freshness.confirmed, at);
        }
    }

    /// The source was read at `at`, whatever it held.
    fn reach(&self, at: Instant) {
        if let Some(freshness) = &self.freshness {
            freshness.note(&freshness.reached, at);
        }
    }

    /// Takes out the snapshots that nobody uses any more.
    fn take_retired(&self) -> Vec<Arc<Snapshot>> {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let (unused, used) = retired.drain(..).partition(|snapshot| Arc::strong_count(snapshot) == 1);
        *retired = used;
        unused
    }

    fn swap(&self, snapshot: Arc<Snapshot>) {
        let number = snapshot.number();
        let before = self.current.swap(Some(snapshot));
        if let (Some(before), Some(_)) = (before, &self.freshness) {
            self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(before);
        }
        self.number.send_replace(Some(number));
    }
}

impl Freshness {
    fn new() -> Self {
        Self { started: Instant::now(), confirmed: AtomicU64::new(0), reached: AtomicU64::new(0) }
    }

    /// How long ago one of the instants was.
    fn since(&self, instant: &AtomicU64) -> Duration {
        let instant = Duration::from_millis(instant.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(instant)
    }

    fn note(&self, instant: &AtomicU64, at: Instant) {
        let millis = at.saturating_duration_since(self.started).as_millis();
        instant.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
