//! One run of a piece of work for everybody who wants its result at the same time.
//!
//! The work runs in a task of its own: a waiter that leaves, the first one included, stops nothing for the
//! others. A run that panics takes nobody along: its waiters start one more. Nothing is kept after a run, so a
//! failure is told to those who waited for it and to nobody else.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// What a waiter gets: the result, or nothing when the run died.
type Run<T> = Shared<BoxFuture<'static, Option<T>>>;

/// How often a waiter boards before it gives up: once, and once more after a run that died.
const BOARDINGS: usize = 2;

/// The runs in progress, by key.
pub(crate) struct Flights<K, T> {
    running: Arc<Mutex<HashMap<K, Run<T>>>>,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { running: Arc::default() }
    }
}

impl<K, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("running", &lock(&self.running).len()).finish()
    }
}

impl<K, T> Flights<K, T>
where
    K: Eq + Hash + Clone + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Waits for the run of `key`, starting it with `start` when there is none. None when it died twice.
    pub(crate) async fn join<F>(&self, key: K, start: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        for _ in 0..BOARDINGS {
            let run = self.board(key.clone(), &start);
            if let Some(result) = run.await {
                return Some(result);
            }
        }
        None
    }

    fn board<F>(&self, key: K, start: impl Fn() -> F) -> Run<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut running = lock(&self.running);
        if let Some(run) = running.get(&key) {
            return run.clone();
        }
        let landing = Landing { running: Arc::clone(&self.running), key: key.clone() };
        let work = start();
        // The task is spawned at the first poll, outside of the lock: a runtime that is shutting down drops it
        // at once, and its landing takes the lock.
        let run = async move {
            let task = async move {
                let _landing = landing;
                work.await
            };
            tokio::spawn(task).await.ok()
        };
        let run = run.boxed().shared();
        running.insert(key, run.clone());
        run
    }
}

/// Takes a run off the list when its task ends, in whatever way.
struct Landing<K: Eq + Hash, T> {
    running: Arc<Mutex<HashMap<K, Run<T>>>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let run = lock(&self.running).remove(&self.key);
        drop(run);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
