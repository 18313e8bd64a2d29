//! Whether a service calls from the host that its certificate names.
//!
//! The forward look-up of the name must hold the address of the socket's other end; nothing that a client sends counts.
//! A look-up is made when the connection opens and again in the background while it is used, so requests wait for one
//! only when there is no answer that is young enough. All connections of a host share its answers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::{Instant, timeout};

use super::HostName;
use super::resolver::{Family, HostResolver, Unresolved};
use crate::Failure;

/// How long an answer is good for, counted from before it was asked for.
const KEPT: Duration = Duration::from_mins(1);

/// The age at which an answer in use is asked for again, in the background.
const RENEWED: Duration = Duration::from_secs(30);

/// The age up to which an answer that speaks against a peer is believed without another look.
const REFUSED: Duration = Duration::from_secs(1);

/// The longest that a look-up may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Hosts whose answers are kept while no connection of theirs is open.
const PAGES: usize = 10_000;

/// Where hosts were when they were last looked up.
#[derive(Debug)]
pub(crate) struct HostBook {
    resolver: Arc<dyn HostResolver>,
    pages: Mutex<HashMap<(HostName, Family), Arc<Page>>>,
}

/// One host in one family.
#[derive(Debug)]
struct Page {
    host: HostName,
    family: Family,
    answer: ArcSwapOption<Answer>,
    /// Held by whoever asks; how the last question ended, and when.
    asking: tokio::sync::Mutex<Option<(Instant, Outcome)>>,
}

/// Where a host is.
#[derive(Debug)]
struct Answer {
    addresses: Vec<IpAddr>,
    /// When it was asked for.
    asked: Instant,
}

type Outcome = Result<Arc<Answer>, Arc<Unresolved>>;

/// The host of one peer, and where the peer is.
#[derive(Debug)]
pub(crate) struct Residence {
    book: Arc<HostBook>,
    page: Arc<Page>,
    address: IpAddr,
}

impl HostBook {
    pub(crate) fn new(resolver: Arc<dyn HostResolver>) -> Self {
        Self { resolver, pages: Mutex::default() }
    }

    /// The page of a host. When the book is full of hosts that are connected, the page is its connection's alone.
    fn page(&self, host: &HostName, family: Family) -> Arc<Page> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.clone(), family);
        if let Some(page) = pages.get(&key) {
            return Arc::clone(page);
        }
        if pages.len() >= PAGES {
            pages.retain(|_, page| Arc::strong_count(page) > 1);
        }
        let page = Arc::new(Page {
            host: host.clone(),
            family,
            answer: ArcSwapOption::empty(),
            asking: tokio::sync::Mutex::default(),
        });
        if pages.len() < PAGES {
            pages.insert(key, Arc::clone(&page));
        }
        page
    }

    /// Asks, unless somebody asks already; then what that one learns is the answer.
    async fn ask(&self, page: &Page) -> Outcome {
        let came = Instant::now();
        let mut last = page.asking.lock().await;
        if let Some((ended, outcome)) = &*last
            && *ended > came
        {
            return outcome.clone();
        }
        let asked = Instant::now();
        let addresses = match timeout(PATIENCE, self.resolver.addresses(&page.host, page.family)).await {
            Ok(addresses) => addresses,
            Err(late) => Err(Unresolved::new(late)),
        };
        let outcome = match addresses {
            Ok(addresses) => {
                let addresses = addresses.iter().map(IpAddr::to_canonical).collect();
                let answer = Arc::new(Answer { addresses, asked });
                page.answer.store(Some(Arc::clone(&answer)));
                Ok(answer)
            }
            Err(error) => Err(Arc::new(error)),
        };
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

impl Residence {
    /// The host of a peer at this address, which is looked up already.
    pub(crate) fn begin(book: &Arc<HostBook>, host: &HostName, address: IpAddr) -> Arc<Self> {
        let address = address.to_canonical();
        let page = book.page(host, Family::of(address));
        let residence = Arc::new(Self { book: Arc::clone(book), page, address });
        if residence.answer_within(RENEWED).is_none() {
            residence.ask_in_background();
        }
        residence
    }

    /// Whether the peer is where its host is.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`] when it is not, [`Failure::HostUnknown`] when nobody can say.
    pub(crate) async fn check(self: &Arc<Self>) -> Result<(), Failure> {
        if let Some(answer) = self.answer_within(KEPT) {
            if answer.addresses.contains(&self.address) {
                if answer.asked.elapsed() >= RENEWED {
                    self.ask_in_background();
                }
                return Ok(());
            }
            if answer.asked.elapsed() < REFUSED {
                return Err(Failure::Elsewhere);
            }
        }
        let answer = self.book.ask(&self.page).await.map_err(Failure::HostUnknown)?;
        if answer.addresses.contains(&self.address) { Ok(()) } else { Err(Failure::Elsewhere) }
    }

    fn answer_within(&self, age: Duration) -> Option<Arc<Answer>> {
        self.page.answer.load_full().filter(|answer| answer.asked.elapsed() < age)
    }

    fn ask_in_background(self: &Arc<Self>) {
        if self.page.asking.try_lock().is_err() {
            return;
        }
        let residence = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = residence.book.ask(&residence.page).await {
                tracing::warn!(host = %residence.page.host, %error, "host was not looked up");
            }
        });
    }
}

#[cfg(test)]
mod tests;
