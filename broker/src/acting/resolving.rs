//! Keeps the host names of the rules in force resolved, for as long as somebody acts by them.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::hosts::RESOLVE_EVERY;
use super::{Acting, Resolve};

/// How often it is seen whether there are other rules.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How soon names are tried again of which one could not be resolved.
const AGAIN: Duration = Duration::from_secs(5);

/// Resolves names by the machine's own settings.
#[derive(Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

impl Acting {
    /// Resolves the names of the rules, now and again, until nobody acts any more. Needs a tokio runtime.
    pub fn keep_resolved(self: &Arc<Self>, resolver: Arc<dyn Resolve>) {
        tokio::spawn(keep(Arc::downgrade(self), resolver));
    }
}

async fn keep(acting: Weak<Acting>, resolver: Arc<dyn Resolve>) {
    let mut done: Option<(BTreeSet<String>, Instant)> = None;
    loop {
        let Some(acting) = acting.upgrade() else { return };
        let names = acting.rules.current().host_names();
        let is_done = |(of, until): &(BTreeSet<String>, Instant)| *of == names && Instant::now() < *until;
        if !done.as_ref().is_some_and(is_done) {
            let are_whole = acting.names.resolve(names.clone(), &*resolver).await;
            done = Some((names, Instant::now() + if are_whole { RESOLVE_EVERY } else { AGAIN }));
        }
        drop(acting);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
