//! Looks at the source again and again, and tells the feed what it found.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use lakegate_domain::Clock;
use tokio::time::Instant;
use tracing::{error, info};

use super::PolicyFeed;
use super::source::{Digest, Loaded, Look, Source};
use crate::FeedError;
use crate::reload::{Outcome, Report, Turns, chain};

/// Follows one source for one feed.
pub(super) struct Follower {
    source: Arc<Source>,
    clock: Arc<dyn Clock>,
    /// The bytes last judged, and the judgement.
    judged: Option<(Digest, Judgement)>,
    /// What was last complained of; a complaint is logged once.
    complaint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    InForce,
    Refused,
}

impl Follower {
    /// A follower that has not looked yet.
    pub(super) fn new(source: Source, clock: Arc<dyn Clock>) -> Self {
        Self { source: Arc::new(source), clock, judged: None, complaint: None }
    }

    /// Looks at every turn, until the feed is gone.
    pub(super) async fn follow(mut self, feed: Weak<PolicyFeed>, mut turns: Turns, report: Report) {
        loop {
            let turn = turns.next().await;
            let Some(feed) = feed.upgrade() else { return };
            let outcome = self.look(&feed).await;
            report.note(outcome);
            turn.ended(outcome);
        }
    }

    /// Looks once. The source counts as seen at the instant before it was read.
    pub(super) async fn look(&mut self, feed: &PolicyFeed) -> Outcome {
        let at = Instant::now();
        let source = Arc::clone(&self.source);
        let before = self.judged.map(|(bytes, _)| bytes);
        let retired = feed.take_retired();
        let looked = tokio::task::spawn_blocking(move || {
            drop(retired);
            source.look(before)
        })
        .await;
        let mut outcome = Outcome::Unchanged;
        match looked.unwrap_or(Err(FeedError::Interrupted)) {
            Err(error) => {
                self.complain(feed, &error);
                return Outcome::Refused;
            }
            Ok(Look::Unchanged) => feed.reach(at),
            Ok(Look::Changed { bytes, loaded }) => {
                feed.reach(at);
                let judgement = self.judge(feed, loaded);
                self.judged = Some((bytes, judgement));
                outcome = Outcome::Taken;
            }
        }
        if matches!(self.judged, Some((_, Judgement::Refused))) {
            return Outcome::Refused;
        }
        self.complaint = None;
        feed.failing.store(false, Ordering::Relaxed);
        feed.confirm(at);
        outcome
    }

    fn judge(&mut self, feed: &PolicyFeed, loaded: Result<Loaded, FeedError>) -> Judgement {
        match loaded.and_then(|loaded| self.install(feed, loaded)) {
            Ok(()) => Judgement::InForce,
            Err(error) => {
                self.complain(feed, &error);
                Judgement::Refused
            }
        }
    }

    fn install(&self, feed: &PolicyFeed, loaded: Loaded) -> Result<(), FeedError> {
        let snapshot = loaded.snapshot.number();
        feed.install(loaded.snapshot, loaded.content)?;
        feed.loaded_at.store(self.clock.now().as_millis(), Ordering::Relaxed);
        info!(snapshot, "policy is in force");
        Ok(())
    }

    /// Counts a failure; logs it unless it is the one of the look before.
    fn complain(&mut self, feed: &PolicyFeed, error: &FeedError) {
        feed.failed_reloads.fetch_add(1, Ordering::Relaxed);
        feed.failing.store(true, Ordering::Relaxed);
        let complaint = chain(error);
        if self.complaint.as_ref() != Some(&complaint) {
            let in_force = feed.current().map(|snapshot| snapshot.number());
            let file = self.source.file().display();
            error!(%file, in_force, error = %complaint, "policy is not taken into force");
            self.complaint = Some(complaint);
        }
    }
}
