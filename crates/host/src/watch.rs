//! Word of files that may have changed: one watcher for a process, on the directories along the way to each file.
//!
//! Word is a hint and nothing more. It may be missing (a network file system, a full queue, no watches left), so
//! whoever listens polls as well; and it may come for nothing, so whoever listens compares contents.

mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use self::trail::Trail;

/// How long files must be left alone before they are looked at: writers and link swaps come in bursts.
const QUIET: Duration = Duration::from_millis(50);

/// The longest to wait for quiet.
const PATIENCE: Duration = Duration::from_millis(500);

/// Watches the files of a process.
#[derive(Debug, Default)]
pub(crate) struct FileWatcher {
    armed: Mutex<Armed>,
    /// Read by the watcher's own thread: never held while the watcher is spoken to.
    routes: Arc<Mutex<Routes>>,
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Routes {
    by_number: BTreeMap<usize, Route>,
    /// A watched directory was removed, and its watch with it: one that came in its place, perhaps under the same
    /// inode, must be watched anew.
    stale: bool,
}

/// Who wants to know of what.
#[derive(Debug)]
struct Route {
    trail: Trail,
    touched: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Armed {
    watcher: Option<RecommendedWatcher>,
    /// Device and inode of each watched directory: one that was replaced under its name is watched anew.
    directories: BTreeMap<PathBuf, (u64, u64)>,
    stale: bool,
    complained: bool,
}

/// Some files that are watched until this is dropped.
#[derive(Debug)]
pub(crate) struct FileWatch {
    watcher: Arc<FileWatcher>,
    files: Vec<PathBuf>,
    route: usize,
    touched: Arc<Notify>,
}

impl FileWatch {
    /// Begins to watch files. Blocks for a few system calls.
    pub(crate) fn new(watcher: &Arc<FileWatcher>, files: Vec<PathBuf>) -> Self {
        let watch = Self {
            watcher: Arc::clone(watcher),
            files,
            route: watcher.next.fetch_add(1, Ordering::Relaxed),
            touched: Arc::new(Notify::new()),
        };
        watch.rearm();
        watch
    }

    /// Goes the way to the files anew, since links may lead elsewhere by now. Do so before each look: then what
    /// changes after the look is heard of. Blocks for a few system calls.
    pub(crate) fn rearm(&self) {
        let trail = Trail::of(&self.files);
        self.watcher.arm(self.route, Some(Route { trail, touched: Arc::clone(&self.touched) }));
    }

    /// Waits until one of the files may have changed and then was left alone for a moment.
    pub(crate) async fn settled(&self) {
        self.touched.notified().await;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && timeout(QUIET, self.touched.notified()).await.is_ok() {}
    }
}

impl Drop for FileWatch {
    fn drop(&mut self) {
        self.watcher.arm(self.route, None);
    }
}

impl FileWatcher {
    /// Sets or removes a route and watches what the routes then need.
    fn arm(&self, number: usize, route: Option<Route>) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = {
            let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            match route {
                Some(route) => routes.by_number.insert(number, route),
                None => routes.by_number.remove(&number),
            };
            armed.stale |= std::mem::take(&mut routes.stale);
            routes.by_number.values().flat_map(|route| route.trail.directories.iter().cloned()).collect()
        };
        armed.update(&wanted, &self.routes);
    }
}

impl Armed {
    fn update(&mut self, wanted: &BTreeSet<PathBuf>, routes: &Arc<Mutex<Routes>>) {
        let wanted: BTreeMap<PathBuf, (u64, u64)> =
            wanted.iter().filter_map(|path| Some((path.clone(), inode(path)?))).collect();
        let stale = std::mem::take(&mut self.stale);
        if wanted == self.directories && !stale {
            return;
        }
        if self.watcher.is_none() {
            let routes = Arc::clone(routes);
            match notify::recommended_watcher(move |event| tell(&routes, &event)) {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => return self.complain(&error),
            }
        }
        let Some(watcher) = &mut self.watcher else { return };
        for (path, inode) in &self.directories {
            if stale || wanted.get(path) != Some(inode) {
                // A directory that is gone was given up by the watcher already.
                let _gone = watcher.unwatch(path);
            }
        }
        self.directories.retain(|path, inode| !stale && wanted.get(path) == Some(inode));
        let mut failed = None;
        for (path, inode) in wanted {
            if self.directories.contains_key(&path) {
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => _ = self.directories.insert(path, inode),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            self.complain(&error);
        }
    }

    /// Says once that changes will be seen by polling only.
    fn complain(&mut self, error: &notify::Error) {
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!(%error, "directories cannot be watched, changes of files are seen by polling only");
        }
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Passes an event on to whom it may concern.
fn tell(routes: &Mutex<Routes>, event: &notify::Result<Event>) {
    let mut routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(event) = event
        && event.kind.is_remove()
        && routes
            .by_number
            .values()
            .any(|route| event.paths.iter().any(|path| route.trail.directories.contains(path)))
    {
        routes.stale = true;
    }
    for route in routes.by_number.values() {
        let concerns = match event {
            Ok(event) if event.need_rescan() => true,
            Ok(event) => is_change(event.kind) && event.paths.iter().any(|path| route.trail.names(path)),
            Err(_) => true,
        };
        if concerns {
            route.touched.notify_one();
        }
    }
}

/// Whether an event may change content, mode or place. Looks of our own open files and read them.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

impl Trail {
    fn names(&self, path: &Path) -> bool {
        self.entries.contains(path) || self.directories.contains(path)
    }
}

#[cfg(test)]
mod tests;
