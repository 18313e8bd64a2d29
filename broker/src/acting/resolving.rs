//! Keeps the host names of the rules in force resolved, for as long as somebody acts by them.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::Acting;
use super::hosts::RESOLVE_EVERY;
use crate::identity::{HostName, HostResolver};

/// How often it is seen whether there are other rules.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How soon names are tried again of which one could not be resolved.
const AGAIN: Duration = Duration::from_secs(5);

impl Acting {
    /// Resolves the names of the rules, now and again, until nobody acts any more. Needs a tokio runtime.
    pub fn keep_resolved(self: &Arc<Self>, resolver: Arc<dyn HostResolver>) {
        tokio::spawn(keep(Arc::downgrade(self), resolver));
    }
}

async fn keep(acting: Weak<Acting>, resolver: Arc<dyn HostResolver>) {
    let mut done: Option<(BTreeSet<HostName>, Instant)> = None;
    loop {
        let Some(acting) = acting.upgrade() else { return };
        let names = acting.rules.current().host_names();
        let is_done = |(of, until): &(BTreeSet<HostName>, Instant)| *of == names && Instant::now() < *until;
        if !done.as_ref().is_some_and(is_done) {
            let are_whole = acting.names.resolve(names.clone(), &*resolver).await;
            done = Some((names, Instant::now() + if are_whole { RESOLVE_EVERY } else { AGAIN }));
        }
        drop(acting);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
