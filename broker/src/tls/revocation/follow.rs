//! Follows the places of revocation lists while the broker runs.
//!
//! Every place is read at the start, every minute, when its file changes, and when the process is asked to. Each counts
//! by itself: one that cannot be read, or holds what is not taken, keeps what was in force and leaves the others alone.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::future::join_all;
use lakegate_domain::Clock;
use lakegate_host::files::FileContent;
use lakegate_host::reload::{Look, Outcome};
use lakegate_host::{Reloads, chain};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

use super::book::{Offered, RevocationBook};
use super::fetch::{FetchFault, Fetcher};
use super::list::ListFault;
use super::settings::ListSettings;
use crate::tls::LiveTls;

/// What lists are called among what a broker reloads.
const ITEM: &str = "revocation";

/// How often every place is read.
const EVERY: Duration = Duration::from_mins(1);

/// A place of lists.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Url(Url),
}

/// One place and what is known of it.
#[derive(Debug)]
struct Source {
    place: Place,
    book: Arc<RevocationBook>,
    /// Its number among the sources of its book.
    number: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// What all lists hash to that were last taken.
    taken: Option<Vec<u8>>,
    /// What was last complained of; a complaint is logged once.
    complaint: Option<String>,
}

/// Where the lists of each book are.
pub(crate) type Places = Vec<(Arc<RevocationBook>, ListSettings)>;

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
    let sources: Vec<Arc<Source>> =
        places.iter().flat_map(|(book, settings)| sources(book, settings)).collect();
    if sources.is_empty() {
        return Ok(());
    }
    let files = places.into_iter().flat_map(|(_, settings)| settings.files).collect();
    let (fetcher, live, clock) = (Fetcher::new()?, Arc::downgrade(live), Arc::clone(clock));
    let look: Look = Box::new(move || {
        let looks = sources.iter().map(|source| {
            let (fetcher, live, clock) = (fetcher.clone(), live.clone(), Arc::clone(&clock));
            Arc::clone(source).look(fetcher, live, clock)
        });
        let looks = join_all(looks.collect::<Vec<_>>());
        Box::pin(async move { sum(&looks.await) })
    });
    reloads.follow_by(ITEM, files, EVERY, look).await;
    Ok(())
}

fn sources(book: &Arc<RevocationBook>, settings: &ListSettings) -> Vec<Arc<Source>> {
    let files = settings.files.iter().cloned().map(Place::File);
    let places = files.chain(settings.urls.iter().cloned().map(Place::Url));
    let source =
        |(number, place)| Arc::new(Source { place, book: Arc::clone(book), number, known: Mutex::default() });
    places.enumerate().map(source).collect()
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

impl Source {
    async fn look(self: Arc<Self>, fetcher: Fetcher, live: Weak<LiveTls>, clock: Arc<dyn Clock>) -> Outcome {
        let bytes = match &self.place {
            Place::Url(url) => fetcher.get(url).await.map_err(|fault| chain(&fault)),
            Place::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || {
                    FileContent::public(&path).map(|content| content.bytes().to_vec())
                });
                match read.await {
                    Ok(read) => read.map_err(|error| chain(&error)),
                    Err(_panic) => Err("reading it was interrupted".to_owned()),
                }
            }
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(complaint) => {
                self.book.miss();
                return self.complain(complaint);
            }
        };
        let offering = Arc::clone(&self);
        // Whatever a list holds, the worst that it can do is to be refused.
        let offered = tokio::task::spawn_blocking(move || offering.offer(&bytes, &*clock)).await;
        let Ok(offered) = offered else { return self.complain("reading it was interrupted".to_owned()) };
        if offered.moves
            && let Some(live) = live.upgrade()
        {
            live.recheck();
        }
        match offered.faults.as_slice() {
            [] => self.praise(&offered),
            faults => {
                let texts: Vec<String> = faults.iter().map(ListFault::to_string).collect();
                self.complain(texts.join("; "))
            }
        }
    }

    fn offer(&self, bytes: &[u8], clock: &dyn Clock) -> Offered {
        let hash = digest(&SHA256, bytes).as_ref().to_vec();
        if self.known().taken.as_ref() == Some(&hash) {
            return Offered::default();
        }
        let Some(ders) = lists_in(bytes) else {
            return Offered { faults: vec![ListFault::Malformed], ..Offered::default() };
        };
        let offered = self.book.offer(self.number, &ders, clock.now());
        self.known().taken = offered.faults.is_empty().then_some(hash);
        offered
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn praise(&self, offered: &Offered) -> Outcome {
        let complained = self.known().complaint.take().is_some();
        if !offered.is_new && !complained {
            return Outcome::Unchanged;
        }
        let (authority, place) = (self.book.authority(), self.place.to_string());
        tracing::info!(%authority, place, "revocation lists are in force");
        if offered.is_new { Outcome::Taken } else { Outcome::Unchanged }
    }

    fn complain(&self, complaint: String) -> Outcome {
        let mut known = self.known();
        if known.complaint.as_ref() != Some(&complaint) {
            let (authority, place) = (self.book.authority(), self.place.to_string());
            tracing::error!(%authority, place, error = %complaint, "revocation list is not taken, what was in force stays");
            known.complaint = Some(complaint);
        }
        Outcome::Refused
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

/// The lists in a PEM text, or the one list that is there in DER. None when there is none.
pub(crate) fn lists_in(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    if !bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        return (!bytes.is_empty()).then(|| vec![bytes.to_vec()]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(bytes)
        .map(|list| list.map(|list| list.as_ref().to_vec()))
        .collect::<Result<Vec<_>, _>>();
    lists.ok().filter(|lists| !lists.is_empty())
}

#[cfg(test)]
mod tests;
