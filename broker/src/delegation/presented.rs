//! The delegation tokens presented on one connection.
//!
//! A job presents the same token with every request. The last one that was believed is remembered by its SHA-256, so that
//! it costs a hash and a look at its dates and at what became of it since; a change of the keys forgets it. What is refused is not remembered: each
//! refusal costs its sender a request and us a MAC.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use lakegate_delegation::{
    Binding, DelegationRefusal, Identifier, KeyRing, MAX_URL_BYTES, Malformed, Verified, verify,
};
use lakegate_domain::Timestamp;

use super::{Bearer, DelegationDesk};
use crate::DelegationStateError;

/// What one connection presented.
#[derive(Debug, Clone)]
pub(crate) struct PresentedTokens {
    desk: Arc<DelegationDesk>,
    /// What the connection proves.
    bindings: Arc<[Binding]>,
    last: Arc<ArcSwapOption<Believed>>,
}

/// A token that was believed.
#[derive(Debug)]
struct Believed {
    digest: Digest,
    ring: Arc<KeyRing>,
    verified: Arc<Verified>,
}

/// A token that was not.
#[derive(Debug)]
pub(crate) enum NotBelieved {
    /// For what it is.
    Refused {
        /// Why.
        refusal: DelegationRefusal,
        /// What it says, when its MAC was right.
        identifier: Option<Box<Identifier>>,
    },
    /// Nobody can tell: what became of tokens is known too badly.
    Unknown(DelegationStateError),
}

impl PresentedTokens {
    /// Nothing was presented yet, over a connection that proves these bindings.
    pub(crate) fn new(desk: Arc<DelegationDesk>, bindings: Arc<[Binding]>) -> Self {
        Self { desk, bindings, last: Arc::default() }
    }

    /// Whether any token was believed so far.
    pub(crate) fn were_believed(&self) -> bool {
        self.last.load().is_some()
    }

    /// Believes a token, or does not.
    pub(crate) fn verify(&self, url: &str, now: Timestamp) -> Result<Bearer, NotBelieved> {
        let verified = self.verified(url, now)?;
        Ok(Bearer::new(verified, Arc::clone(&self.desk)))
    }

    fn verified(&self, url: &str, now: Timestamp) -> Result<Arc<Verified>, NotBelieved> {
        if url.len() > MAX_URL_BYTES {
            return Err(NotBelieved::from(DelegationRefusal::Form(Malformed::TooLong)));
        }
        self.desk.is_fresh().map_err(NotBelieved::Unknown)?;
        let (ring, moment) = (self.desk.ring(), self.desk.moment(now));
        let digest = digest(&SHA256, url.as_bytes());
        if let Some(last) = &*self.last.load()
            && last.digest.as_ref() == digest.as_ref()
            && Arc::ptr_eq(&last.ring, &ring)
        {
            last.verified.check(&moment).map_err(|refusal| NotBelieved::of(url, refusal))?;
            return Ok(Arc::clone(&last.verified));
        }
        let verified = verify(url, &ring, &self.bindings, &moment);
        let verified = verified.map_err(|refusal| self.not_believed(url, refusal))?;
        let verified = Arc::new(verified);
        self.last.store(Some(Arc::new(Believed { digest, ring, verified: Arc::clone(&verified) })));
        Ok(verified)
    }

    fn not_believed(&self, url: &str, refusal: DelegationRefusal) -> NotBelieved {
        if refusal == DelegationRefusal::UnknownKey {
            let said = lakegate_delegation::describe(url).ok();
            let known = said.map_or(Ok(()), |said| self.desk.unknown_key(said.identifier.key));
            if let Err(unknown) = known {
                return NotBelieved::Unknown(unknown);
            }
        }
        NotBelieved::of(url, refusal)
    }
}

impl NotBelieved {
    /// A refusal, with what the token says if its MAC was right.
    fn of(url: &str, refusal: DelegationRefusal) -> Self {
        let authentic = matches!(
            refusal,
            DelegationRefusal::Future
                | DelegationRefusal::Expired
                | DelegationRefusal::NotRenewed
                | DelegationRefusal::Cancelled
                | DelegationRefusal::Epoch
                | DelegationRefusal::Bound
        );
        let described = authentic.then(|| lakegate_delegation::describe(url).ok()).flatten();
        Self::Refused { refusal, identifier: described.map(|described| Box::new(described.identifier)) }
    }
}

impl From<DelegationRefusal> for NotBelieved {
    fn from(refusal: DelegationRefusal) -> Self {
        Self::Refused { refusal, identifier: None }
    }
}

#[cfg(test)]
mod tests;
