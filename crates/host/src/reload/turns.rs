//! When an item looks at its files.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::Outcome;
use crate::watch::FileWatch;

/// The turns of one item: after a change, after a while, and when somebody asks.
#[derive(Debug)]
pub(crate) struct Turns {
    watch: Arc<FileWatch>,
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
        Self { watch: Arc::new(watch), ticks, asked }
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
        // A panic there would only mean that the files are polled.
        let _armed = tokio::task::spawn_blocking(move || watch.rearm()).await;
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
