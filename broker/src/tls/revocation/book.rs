//! The lists of one authority: which are in force, and what they say of a certificate.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use lakegate_domain::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use x509_parser::certificate::X509Certificate;

use super::keep::{Chores, ListId};
use super::list::{ListFault, RevocationList, Succession};
use crate::tls::authority::{AuthorityName, Issuer, Issuers};
use crate::tls::distrust::Distrust;

/// The word in metrics for places that could not be read.
const UNREAD: &str = "unread";

/// The source that remembers the lists that were in force before (`keep.rs`). What it holds is older than others by its
/// nature, and that is no fault; nor that a list of an issuer who went is still there.
pub(super) const KEPT: usize = usize::MAX;

/// The lists of one authority. They outlive a change of its certificates.
#[derive(Debug)]
pub struct RevocationBook {
    authority: AuthorityName,
    /// How long a list is good for beyond its `nextUpdate`.
    grace: Duration,
    algorithms: WebPkiSupportedAlgorithms,
    /// The certificates that lists are verified by.
    issuers: ArcSwap<Issuers>,
    lists: ArcSwap<Vec<Arc<RevocationList>>>,
    judging: Mutex<Judging>,
}

/// What came of offers. Held while lists are replaced.
#[derive(Debug, Default)]
struct Judging {
    /// By source, lists that other certificates of the authority may make good.
    waiting: BTreeMap<usize, Vec<Vec<u8>>>,
    /// How often lists were not taken or not read, by cause.
    refused: BTreeMap<&'static str, u64>,
    /// What is to be kept beyond the end of the process; none when nothing is.
    unkept: Option<Chores>,
}

/// A list that was read, or why not, and its bytes.
type Read = (Result<RevocationList, ListFault>, Vec<u8>);

/// What came of an offer.
#[derive(Debug, Default)]
pub struct Offered {
    /// Whether a list is in force that was not before.
    pub is_new: bool,
    /// Whether certificates may be taken back that were not before, or the other way round: then have open connections
    /// verified again by [`crate::LiveTls::recheck`].
    pub moves: bool,
    /// What was not taken.
    pub faults: Vec<ListFault>,
}

/// What is asked about one certificate of a path.
pub(in crate::tls) struct Certificate<'a> {
    pub(in crate::tls) parsed: &'a X509Certificate<'a>,
    pub(in crate::tls) serial: &'a [u8],
    pub(in crate::tls) is_issuer: bool,
    /// The name of its issuer, without the outer tag of its DER.
    pub(in crate::tls) issuer: &'a [u8],
    /// The key that signed it.
    pub(in crate::tls) issuer_key: &'a [u8],
}

/// How the lists of an authority fare.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BookHealth {
    /// Lists in force.
    pub(crate) lists: usize,
    /// Issuers that have never had a list.
    pub(crate) missing: usize,
    /// Issuers whose certificates are refused: no list, or none within its time and the grace.
    pub(crate) refusing: usize,
    /// When the oldest list was made.
    pub(crate) oldest: Option<Timestamp>,
    /// The earliest instant at which a newer list should have been there.
    pub(crate) next_update: Option<Timestamp>,
}

impl RevocationBook {
    /// No list yet: every certificate of the authority is refused.
    pub fn new(authority: AuthorityName, grace: Duration) -> Self {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Self {
            authority,
            grace,
            algorithms: provider.signature_verification_algorithms,
            issuers: ArcSwap::default(),
            lists: ArcSwap::default(),
            judging: Mutex::default(),
        }
    }

    /// Whose lists they are.
    pub(crate) fn authority(&self) -> &AuthorityName {
        &self.authority
    }

    /// The authority has these certificates from now on: lists that were refused for others may come. Those of issuers
    /// that went stay, and mean nothing; so an issuer that comes back meets no older list than it left.
    pub(in crate::tls) fn know(&self, issuers: &Arc<Issuers>, now: Timestamp) {
        self.issuers.store(Arc::clone(issuers));
        let waiting = std::mem::take(&mut self.judging().waiting);
        for (source, ders) in waiting {
            // What is refused again waits again.
            let _offered = self.offer(source, &ders, now);
        }
    }

    /// Offers all lists that a source holds, in DER; sources count from 0. Each is taken or not by itself; those in
    /// force stay. Takes time with the length of the lists.
    pub fn offer(&self, source: usize, ders: &[Vec<u8>], now: Timestamp) -> Offered {
        loop {
            // Read outside of the lock, which whoever asks for metrics takes too.
            let issuers = self.issuers.load_full();
            let read = |der: Vec<u8>| (RevocationList::read(&der, &issuers, self.algorithms, now), der);
            let read: Vec<_> = ders.iter().cloned().map(read).collect();
            let mut judging = self.judging();
            if Arc::ptr_eq(&issuers, &self.issuers.load()) {
                return self.admit_all(&mut judging, source, read);
            }
        }
    }

    fn admit_all(&self, judging: &mut Judging, source: usize, mut read: Vec<Read>) -> Offered {
        if source == KEPT {
            // Oldest first, so that what another one follows is cleared away.
            read.sort_by(|(one, _), (other, _)| match (one, other) {
                (Ok(one), Ok(other)) => one.age(other),
                _ => Ordering::Equal,
            });
        }
        let mut lists = Vec::clone(&self.lists.load());
        let (mut offered, mut waiting) = (Offered::default(), Vec::new());
        for (list, der) in read {
            match list.and_then(|list| admit(&mut lists, list)) {
                Ok(Admitted { succession: Succession::Same, .. }) => {}
                Ok(Admitted { succession, id, before }) => {
                    offered.is_new = true;
                    offered.moves |= succession == Succession::Changed;
                    if let Some(unkept) = &mut judging.unkept {
                        unkept.note(id, before, (source != KEPT).then_some(&*der));
                    }
                }
                Err(fault) => {
                    if fault.may_pass() {
                        waiting.push(der);
                    }
                    if source != KEPT || !(fault.may_pass() || fault == ListFault::Older) {
                        offered.faults.push(fault);
                        *judging.refused.entry(fault.as_str()).or_default() += 1;
                    }
                }
            }
        }
        judging.waiting.insert(source, waiting);
        if offered.is_new {
            self.lists.store(Arc::new(lists));
        }
        offered
    }

    /// A source held what is no list at all.
    pub(super) fn refuse(&self, fault: ListFault) -> Offered {
        *self.judging().refused.entry(fault.as_str()).or_default() += 1;
        Offered { faults: vec![fault], ..Offered::default() }
    }

    /// What comes into force from now on is noted, to be kept beyond the end of the process.
    pub(super) fn keep(&self) {
        self.judging().unkept.get_or_insert_default();
    }

    /// What is to be done so that the lists in force are kept.
    pub(super) fn chores(&self) -> Chores {
        self.judging().unkept.clone().unwrap_or_default()
    }

    /// That was done.
    pub(super) fn finish(&self, done: &Chores) {
        if let Some(unkept) = &mut self.judging().unkept {
            unkept.finish(done);
        }
    }

    fn judging(&self) -> MutexGuard<'_, Judging> {
        self.judging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when it is known that a certificate was not taken back.
    ///
    /// # Errors
    /// That it was, or that nobody knows.
    pub(in crate::tls) fn judge(
        &self,
        asked: &Certificate<'_>,
        now: Timestamp,
    ) -> Result<Timestamp, Distrust> {
        let lists = self.lists.load();
        let of_issuer = lists.iter().filter(|list| list.is_of(asked.issuer, asked.issuer_key));
        let mut judgement = Err(Distrust::RevocationUnknown);
        for list in of_issuer.filter(|list| list.covers(asked.parsed, asked.is_issuer)) {
            if list.revokes(asked.serial) {
                return Err(Distrust::Revoked);
            }
            let until = list.next_update.plus(self.grace);
            judgement = match judgement {
                Ok(before) => Ok(until.max(before)),
                Err(_) if now < until => Ok(until),
                Err(_) => Err(Distrust::RevocationStale),
            };
        }
        judgement
    }

    /// How the lists fare.
    pub(crate) fn health(&self, now: Timestamp) -> BookHealth {
        let (issuers, lists) = (self.issuers.load(), self.lists.load());
        let mut health = BookHealth::default();
        let is_asked = |issuer: &&Issuer| issuer.is_valid_at(now);
        for issuer in issuers.all().filter(is_asked) {
            let is_own = |list: &&Arc<RevocationList>| list.is_of(issuer.name(), &issuer.key);
            let own: Vec<_> = lists.iter().filter(is_own).collect();
            health.lists += own.len();
            health.missing += usize::from(own.is_empty());
            health.refusing += usize::from(own.iter().all(|list| now >= list.next_update.plus(self.grace)));
            let (oldest, next_update) = (
                own.iter().map(|list| list.this_update).min(),
                own.iter().map(|list| list.next_update).min(),
            );
            health.oldest = health.oldest.into_iter().chain(oldest).min();
            health.next_update = health.next_update.into_iter().chain(next_update).min();
        }
        health
    }

    /// A place of lists could not be read.
    pub(super) fn miss(&self) {
        *self.judging().refused.entry(UNREAD).or_default() += 1;
    }

    /// How often lists were not taken or not read, by cause.
    pub(crate) fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.judging().refused.clone()
    }
}

/// How a list came into force, and in which one's place.
struct Admitted {
    succession: Succession,
    id: ListId,
    before: Option<ListId>,
}

/// Puts a list into the place of the one that it follows, or beside the others.
fn admit(lists: &mut Vec<Arc<RevocationList>>, list: RevocationList) -> Result<Admitted, ListFault> {
    let id = list.id;
    let Some(before) = lists.iter_mut().find(|before| list.is_in_place_of(before)) else {
        lists.push(Arc::new(list));
        return Ok(Admitted { succession: Succession::Changed, id, before: None });
    };
    let admitted = Admitted { succession: list.follows(before)?, id, before: Some(before.id) };
    if admitted.succession != Succession::Same {
        *before = Arc::new(list);
    }
    Ok(admitted)
}
