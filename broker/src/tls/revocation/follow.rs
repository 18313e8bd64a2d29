//! Follows the places of revocation lists while the broker runs.
//!
//! Every place is read at the start, every minute, when its file changes, and when the process is asked to. Each counts
//! by itself: one that cannot be read, hangs, or holds what is not taken, keeps what was in force and leaves the others
//! alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lakegate_domain::Clock;
use lakegate_host::Reloads;
use lakegate_host::reload::{Look, Outcome};

use super::book::RevocationBook;
use super::fetch::{FetchFault, Fetcher};
use super::keep::Keeper;
use super::settings::ListSettings;
use super::source::{Place, Reader, Source};
use crate::tls::LiveTls;

/// What lists are called among what a broker reloads.
const ITEM: &str = "revocation";

/// How often every place is read.
const EVERY: Duration = Duration::from_mins(1);

/// How long a file is waited for, as long as a URL.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the lists of each book are.
#[derive(Debug)]
pub(crate) struct Places {
    /// Those of each book.
    pub(crate) lists: Vec<(Arc<RevocationBook>, ListSettings)>,
    /// Where the lists in force outlive the process, if they do.
    pub(crate) keep: Option<PathBuf>,
}

/// Everything that is looked at.
#[derive(Debug)]
struct Followed {
    keepers: Vec<Arc<Keeper>>,
    sources: Vec<Arc<Source>>,
    reader: Reader,
}

/// Reads all places, and follows them until `reloads` are gone. Nothing happens without a place.
///
/// # Errors
/// When no list can be fetched at all.
pub(crate) async fn follow(
    places: Places,
    live: &Arc<LiveTls>,
    clock: &Arc<dyn Clock>,
    reloads: &Reloads,
) -> Result<(), FetchFault> {
    follow_within(PATIENCE, places, (live, clock), reloads).await
}

async fn follow_within(
    patience: Duration,
    places: Places,
    (live, clock): (&Arc<LiveTls>, &Arc<dyn Clock>),
    reloads: &Reloads,
) -> Result<(), FetchFault> {
    let Places { lists, keep } = places;
    if lists.is_empty() {
        return Ok(());
    }
    let keeper = |(book, _): &(Arc<RevocationBook>, ListSettings)| {
        keep.as_ref().map(|folder| Keeper::new(book, folder.clone(), patience))
    };
    let keepers = lists.iter().filter_map(keeper).collect();
    let sources = lists.iter().flat_map(|(book, settings)| sources(book, settings, patience)).collect();
    let files = lists.into_iter().flat_map(|(_, settings)| settings.files).collect();
    let reader = Reader { fetcher: Fetcher::new()?, live: Arc::downgrade(live), clock: Arc::clone(clock) };
    let followed = Arc::new(Followed { keepers, sources, reader });
    let look: Look = Box::new(move || Box::pin(Arc::clone(&followed).look()));
    reloads.follow_by(ITEM, files, EVERY, look).await;
    Ok(())
}

fn sources(book: &Arc<RevocationBook>, settings: &ListSettings, patience: Duration) -> Vec<Arc<Source>> {
    let files = settings.files.iter().cloned().map(Place::File);
    let places = files.chain(settings.urls.iter().cloned().map(Place::Url));
    places.zip(0..).map(|(place, number)| Source::new(book, number, place, patience)).collect()
}

impl Followed {
    /// Looks at everything once: at what was kept first, so that nothing older is taken.
    async fn look(self: Arc<Self>) -> Outcome {
        let (keepers, reader) = (&self.keepers, &self.reader);
        let remembered = join_all(keepers.iter().map(|it| Arc::clone(it).remember(reader.clone()))).await;
        let looked = join_all(self.sources.iter().map(|it| Arc::clone(it).look(reader.clone()))).await;
        let kept = join_all(keepers.iter().map(|it| Arc::clone(it).keep())).await;
        sum(&[remembered, looked, kept].concat())
    }
}

/// How all looks together ended.
fn sum(outcomes: &[Outcome]) -> Outcome {
    let any = |wanted| outcomes.contains(&wanted);
    match (any(Outcome::Refused), any(Outcome::Taken)) {
        (true, _) => Outcome::Refused,
        (_, true) => Outcome::Taken,
        _ => Outcome::Unchanged,
    }
}

#[cfg(test)]
mod tests;
