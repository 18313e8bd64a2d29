//! Work that may never end: a network file system that is gone holds whoever asks it, for as long as it is gone.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;

/// Does one piece of work at a time on threads that may block, and waits for each only so long. Clones share the turn.
#[derive(Debug, Clone)]
pub struct Patient {
    turn: Arc<Semaphore>,
    limit: Duration,
}

/// Why work has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfinished {
    /// It did not end in time, or what was begun before it has not ended yet.
    #[error("it did not end within {} seconds", .0.as_secs())]
    Late(Duration),
    /// It broke off.
    #[error("it was interrupted")]
    Interrupted,
}

impl Patient {
    /// Waits so long.
    pub fn new(limit: Duration) -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), limit }
    }

    /// Does one piece of work. What did not end in time goes on and holds its thread, so nothing else is begun until it
    /// ends; what it finds then is lost.
    ///
    /// # Errors
    /// [`Unfinished`]; at once while earlier work still goes on.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() else {
            return Err(Unfinished::Late(self.limit));
        };
        let work = tokio::task::spawn_blocking(move || {
            let _until_it_ends = turn;
            work()
        });
        match tokio::time::timeout(self.limit, work).await {
            Ok(ended) => ended.map_err(|_panic| Unfinished::Interrupted),
            Err(_late) => Err(Unfinished::Late(self.limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_hangs_is_left_and_nothing_is_begun_beside_it() {
        let limit = Duration::from_millis(20);
        let patient = Patient::new(limit);
        let late = Unfinished::Late(limit);
        let (release, released) = mpsc::channel::<()>();
        let (ended, end) = tokio::sync::oneshot::channel::<()>();
        let hung = patient.run(move || {
            let _released = released.recv();
            drop(ended);
        });
        assert_eq!(hung.await, Err(late));
        assert_eq!(patient.run(|| 7).await, Err(late), "its thread is still held");
        release.send(()).unwrap();
        let _dropped = end.await;
        let again = async {
            loop {
                if let Ok(seven) = patient.run(|| 7).await {
                    return seven;
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(tokio::time::timeout(Duration::from_secs(30), again).await, Ok(7));
    }
}
