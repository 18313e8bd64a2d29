//! The token that is presented now, and its file, which is looked at again and again.
//!
//! A look is one `stat`, at most once a second and only when a broker is about to be asked; the file is read when that
//! shows a change. A file that is bad at that moment, half written or gone changes nothing: the token before it stays in
//! use, and a warning is logged once. So does one that cannot be read as a token, if its predecessor could: half a url
//! string looks like a url string. And so does one of somebody else, because the storage tokens that a client keeps are
//! its owner's. Looks run off the runtime's threads and nobody waits for one longer than
//! [`PATIENCE`], so a file system that hangs holds up no call.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderValue;
use lakegate_domain::{Clock, Timestamp};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::look::{self, Looked, Stamp};
use super::{DelegationToken, DelegationTokenSource, Told};
use crate::error::{ClientError, ConfigFault, Refusal, TokenEnd};

/// Looks are at least this far apart.
const SPACING: Duration = Duration::from_secs(1);

/// How long a call waits for a look.
const PATIENCE: Duration = Duration::from_secs(1);

/// A delegation token in use. `Debug` shows no secret.
#[derive(Debug)]
pub(crate) struct Held {
    now: ArcSwap<Presented>,
    file: Option<Watched>,
    clock: Arc<dyn Clock>,
}

/// What is sent, and what is known of it.
#[derive(Debug)]
pub(crate) struct Presented {
    header: HeaderValue,
    told: Option<Told>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    services: Vec<String>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    known: Option<Stamp>,
    next: Instant,
    under_way: Option<JoinHandle<Looked>>,
    /// What was wrong at the last look, so that it is said once.
    fault: Option<String>,
}

impl Presented {
    fn of(token: DelegationToken) -> Result<Self, ConfigFault> {
        Ok(Self { header: token.header()?, told: token.told })
    }

    /// Since when its max date is past.
    fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        self.told.as_ref().map(|told| told.max).filter(|max| *max <= now)
    }

    /// Whether it may be presented where another one was.
    fn may_follow(&self, before: &Self) -> Result<(), ConfigFault> {
        match (&before.told, &self.told) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(ConfigFault::DelegationToken),
            (Some(before), Some(told)) if before.identity == told.identity => Ok(()),
            (Some(_), Some(_)) => Err(ConfigFault::TokenOfAnother),
        }
    }
}

impl Held {
    /// Takes a token, or reads its file for the first time; of several tokens in it the one for these services.
    ///
    /// # Errors
    /// What is wrong with the token or its file.
    pub(crate) fn open(
        source: DelegationTokenSource,
        services: Vec<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigFault> {
        let (token, file) = match source {
            DelegationTokenSource::Token(token) => (token, None),
            DelegationTokenSource::File(path) => {
                let (token, _) = look::read(&path, &services)?;
                // The first look takes the stamp.
                let state = State { known: None, next: Instant::now(), under_way: None, fault: None };
                (token, Some(Watched { path, services, state: Mutex::new(state) }))
            }
        };
        Ok(Self { now: ArcSwap::from_pointee(Presented::of(token)?), file, clock })
    }

    /// The entry of a request.
    pub(crate) fn header(&self) -> HeaderValue {
        self.now.load().header.clone()
    }

    /// The token to present, after a look at its file when one is due.
    ///
    /// # Errors
    /// [`ClientError::DelegationToken`] when its max date is past and its file holds no other.
    pub(crate) async fn ready(&self) -> Result<Arc<Presented>, ClientError> {
        self.look_when_due().await;
        let presented = self.now.load_full();
        if presented.ended(self.clock.now()).is_none() {
            return Ok(presented);
        }
        self.look_now().await;
        let presented = self.now.load_full();
        match presented.ended(self.clock.now()) {
            Some(max) => Err(ClientError::DelegationToken { end: TokenEnd::Expired(max), refusal: None }),
            None => Ok(presented),
        }
    }

    /// Whether its file holds another token than the one that was refused.
    pub(crate) async fn was_replaced(&self, refused: &Presented) -> bool {
        self.look_now().await;
        let presented = self.now.load();
        presented.header != refused.header && presented.ended(self.clock.now()).is_none()
    }

    /// The error of a token that a broker refused.
    pub(crate) fn refused(&self, token: &Presented, refusal: Refusal) -> ClientError {
        let now = self.clock.now();
        let end = match &token.told {
            Some(told) if told.max <= now => TokenEnd::Expired(told.max),
            Some(told) if told.first_renew <= now => TokenEnd::NotRenewed(told.first_renew),
            Some(_) | None => TokenEnd::Refused,
        };
        ClientError::DelegationToken { end, refusal: Some(refusal) }
    }

    async fn look_when_due(&self) {
        let Some(file) = &self.file else { return };
        // Whoever finds a look under way goes on with the token that is there.
        if let Ok(mut state) = file.state.try_lock()
            && state.next <= Instant::now()
        {
            self.look(file, &mut state).await;
        }
    }

    async fn look_now(&self) {
        let Some(file) = &self.file else { return };
        let mut state = file.state.lock().await;
        self.look(file, &mut state).await;
    }

    async fn look(&self, file: &Watched, state: &mut State) {
        state.next = Instant::now() + SPACING;
        let (known, now) = (state.known, self.clock.now());
        let under_way = state.under_way.get_or_insert_with(|| {
            let (path, services) = (file.path.clone(), file.services.clone());
            tokio::task::spawn_blocking(move || look::look(&path, &services, known, now))
        });
        let Ok(looked) = timeout(PATIENCE, under_way).await else {
            state.complain("the file of the delegation token does not answer".to_owned());
            return;
        };
        state.under_way = None;
        let taken = match looked {
            Ok(Looked::Same) | Err(_) => return,
            Ok(Looked::Holds(token, stamp)) => {
                state.known = stamp;
                Presented::of(token).and_then(|presented| self.take(presented))
            }
            Ok(Looked::Bad(fault, stamp)) => {
                state.known = stamp;
                Err(fault)
            }
        };
        match taken {
            Ok(()) => state.fault = None,
            Err(fault) => state.complain(fault.to_string()),
        }
    }

    fn take(&self, presented: Presented) -> Result<(), ConfigFault> {
        let before = self.now.load();
        if before.header == presented.header {
            return Ok(());
        }
        presented.may_follow(&before)?;
        info!("delegation token replaced by what its file holds now");
        self.now.store(Arc::new(presented));
        Ok(())
    }
}

impl State {
    /// Logs what is wrong, unless it was so at the last look.
    fn complain(&mut self, fault: String) {
        if self.fault.as_ref() != Some(&fault) {
            warn!(%fault, "delegation token not read again, the one before stays in use");
            self.fault = Some(fault);
        }
    }
}

#[cfg(test)]
mod tests;
