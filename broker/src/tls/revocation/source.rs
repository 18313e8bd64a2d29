//! One place of lists: a file or a URL.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use lakegate_domain::Clock;
use lakegate_host::files::FileContent;
use lakegate_host::reload::Outcome;
use lakegate_host::{Patient, chain};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

use super::book::{Offered, RevocationBook};
use super::fetch::Fetcher;
use super::list::ListFault;
use super::voice::Voice;
use crate::tls::LiveTls;

/// The most lists at one place: an authority has one for each issuer and part. Whoever answers for a place could
/// otherwise have any number of them verified.
const MOST_LISTS: usize = 64;

/// Where lists are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File(PathBuf),
    Url(Url),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

/// What places are read with.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) fetcher: Fetcher,
    pub(super) live: Weak<LiveTls>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Reader {
    /// Has open connections verified again, if lists say something else of certificates than before.
    pub(super) fn tell(&self, offered: &Offered) {
        if offered.moves
            && let Some(live) = self.live.upgrade()
        {
            live.recheck();
        }
    }
}

/// One place and what is known of it.
#[derive(Debug)]
pub(super) struct Source {
    place: Place,
    book: Arc<RevocationBook>,
    /// Its number among the sources of its book.
    number: usize,
    patient: Patient,
    /// What all lists hash to that were last taken.
    taken: Mutex<Option<Vec<u8>>>,
    voice: Voice,
}

impl Source {
    /// A place that was not looked at yet; a file is waited for so long.
    pub(super) fn new(
        book: &Arc<RevocationBook>,
        number: usize,
        place: Place,
        patience: Duration,
    ) -> Arc<Self> {
        let voice = Voice::new(book, place.to_string());
        let patient = Patient::new(patience);
        Arc::new(Self { place, book: Arc::clone(book), number, patient, taken: Mutex::default(), voice })
    }

    /// Looks once.
    pub(super) async fn look(self: Arc<Self>, reader: Reader) -> Outcome {
        let bytes = match self.read(&reader).await {
            Ok(bytes) => bytes,
            Err(complaint) => return self.voice.miss(complaint),
        };
        let (offering, clock) = (Arc::clone(&self), Arc::clone(&reader.clock));
        // Whatever a list holds, the worst that it can do is to be refused.
        let offered = tokio::task::spawn_blocking(move || offering.offer(&bytes, &*clock)).await;
        let Ok(offered) = offered else {
            return self.voice.complain("reading it was interrupted".to_owned());
        };
        reader.tell(&offered);
        if offered.faults.is_empty() {
            return self.voice.praise(&offered);
        }
        self.voice.complain(said_once(&offered.faults))
    }

    async fn read(&self, reader: &Reader) -> Result<Vec<u8>, String> {
        match &self.place {
            Place::Url(url) => reader.fetcher.get(url).await.map_err(|fault| chain(&fault)),
            Place::File(path) => {
                let path = path.clone();
                let read = self
                    .patient
                    .run(move || FileContent::public(&path).map(|content| content.bytes().to_vec()));
                match read.await {
                    Ok(read) => read.map_err(|error| chain(&error)),
                    Err(unfinished) => Err(["file is not read: ", &unfinished.to_string()].concat()),
                }
            }
        }
    }

    fn offer(&self, bytes: &[u8], clock: &dyn Clock) -> Offered {
        let hash = digest(&SHA256, bytes).as_ref().to_vec();
        if self.taken().as_ref() == Some(&hash) {
            return Offered::default();
        }
        let offered = match lists_in(bytes) {
            Ok(ders) => self.book.offer(self.number, &ders, clock.now()),
            Err(fault) => self.book.refuse(fault),
        };
        *self.taken() = offered.faults.is_empty().then_some(hash);
        offered
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Option<Vec<u8>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each fault once, however many lists have it.
pub(super) fn said_once(faults: &[ListFault]) -> String {
    let faults: BTreeSet<ListFault> = faults.iter().copied().collect();
    faults.iter().map(ListFault::to_string).collect::<Vec<_>>().join("; ")
}

/// The lists in a PEM text, or the one list that is there in DER.
///
/// # Errors
/// [`ListFault::Malformed`] when there is none or one is broken, [`ListFault::TooMany`] beyond 64.
pub(crate) fn lists_in(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ListFault> {
    if !bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        return if bytes.is_empty() { Err(ListFault::Malformed) } else { Ok(vec![bytes.to_vec()]) };
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(bytes)
        .take(MOST_LISTS + 1)
        .map(|list| list.map(|list| list.as_ref().to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| ListFault::Malformed)?;
    match lists.len() {
        0 => Err(ListFault::Malformed),
        1..=MOST_LISTS => Ok(lists),
        _ => Err(ListFault::TooMany),
    }
}
