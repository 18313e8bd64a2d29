//! When an item looks at its files.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::Outcome;
use crate::Patient;
use crate::watch::FileWatch;

/// How long an item waits for its files to be watched again. One watcher serves all items, and one of them may have files
/// on a file system that hangs: the others must not wait for it for ever. They poll meanwhile.
const WATCHED_WITHIN: Duration = Duration::from_secs(5);

/// The turns of one item: after a change, after a while, and when somebody asks.
#[derive(Debug)]
pub(crate) struct Turns {
    watch: Arc<FileWatch>,
    arming: Patient,
    ticks: Interval,
    asked: mpsc::Receiver<oneshot::Sender<Outcome>>,
}

/// One turn; whoever asked for it hears how it ended.
#[derive(Debug)]
pub(crate) struct Turn(Option<oneshot::Sender<Outcome>>);

impl Turns {
    pub(super) fn new(
        watch: FileWatch,
        every: Duration,
        asked: mpsc::Receiver<oneshot::Sender<Outcome>>,
    ) -> Self {
        let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { watch: Arc::new(watch), arming: Patient::new(WATCHED_WITHIN), ticks, asked }
    }

    /// Waits for the next turn. Whatever changes from then on makes another one.
    pub(crate) async fn next(&mut self) -> Turn {
        let turn = tokio::select! {
            biased;
            Some(answer) = self.asked.recv() => Turn(Some(answer)),
            () = self.watch.settled() => Turn(None),
            _ = self.ticks.tick() => Turn(None),
        };
        let watch = Arc::clone(&self.watch);
        // Whatever goes wrong there only means that the files are polled.
        let _armed = self.arming.run(move || watch.rearm()).await;
        turn
    }
}

impl Turn {
    /// Says how it ended.
    pub(crate) fn ended(self, outcome: Outcome) {
        if let Some(answer) = self.0 {
            // Whoever asked may have given up.
            let _gone = answer.send(outcome);
        }
    }
}
