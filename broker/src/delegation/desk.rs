//! Issue, renewal and cancellation: who may, and what is written of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use std::time::Duration;

use lakegate_delegation::{
    Binding, DelegationRefusal, Draft, Identifier, Issued, KeyId, KeyRing, Moment, Record, Row, TokenId,
    Tombstone, Views, authentic_anywhere, describe, issue,
};
use lakegate_domain::{Clock, Principal, Timestamp};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::journal::Journal;
use super::places::Places;
use super::{Delegation, View};
use crate::audit::NamedToken;
use crate::{DelegationStateError, Failure};

/// How many issues and renewals of one identity may be under way, and how many cancellations.
const PLACES: usize = 64;

/// How long a broker that goes tries to write down what was cancelled here only.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// The delegation tokens of one broker. Its view of their lives is followed for as long as it is there.
#[derive(Debug)]
pub(crate) struct DelegationDesk {
    delegation: Delegation,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    /// Hadoop's counter of tokens. It counts those of this process only: nothing goes by it, everything by the 16
    /// random bytes of a token's id.
    issued: AtomicU32,
    places: Places,
    places_to_cancel: Places,
    following: JoinHandle<()>,
}

/// A token that somebody wants.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Whose rights it shall carry.
    pub(crate) owner: Principal,
    /// Who may renew it; nobody when absent.
    pub(crate) renewer: Option<Principal>,
    /// Who really asks, when that is a proxy of the owner.
    pub(crate) real_user: Option<Principal>,
    /// What the connection must prove over which it is presented.
    pub(crate) binding: Option<Binding>,
}

/// A genuine token that a request is about, and what became of it.
#[derive(Debug)]
pub(crate) struct Named {
    /// What it says.
    pub(crate) identifier: Identifier,
    /// Until when it is good, for a renewal.
    pub(crate) renew_before: Option<Timestamp>,
    /// Whether it was renewed although its date had come.
    pub(crate) in_grace: bool,
}

impl Named {
    /// What of it goes on record.
    pub(crate) fn on_record(&self) -> NamedToken {
        let Identifier { id, owner, renewer, real_user, .. } = &self.identifier;
        NamedToken {
            id: *id,
            owner: owner.clone(),
            renewer: renewer.clone(),
            real_user: real_user.clone(),
            renew_before: self.renew_before,
            in_grace: self.in_grace,
        }
    }
}

impl DelegationDesk {
    /// Begins to follow the log.
    pub(crate) fn new(delegation: Delegation, clock: Arc<dyn Clock>) -> Self {
        let journal =
            Arc::new(Journal::new(Arc::clone(&delegation.log), Arc::clone(&clock), delegation.epoch));
        let following = tokio::spawn(Arc::clone(&journal).follow(delegation.follow_every));
        Self {
            delegation,
            journal,
            clock,
            issued: AtomicU32::new(0),
            places: Places::new(PLACES),
            places_to_cancel: Places::new(PLACES),
            following,
        }
    }

    /// Tries once more to write down what was cancelled here and nowhere else, and says what could not be.
    pub(crate) async fn settle(&self) {
        if !self.view().unwritten().is_empty() {
            let _late = timeout(LAST_WRITES, self.journal.write_what_is_left()).await;
        }
        let left = self.view().unwritten();
        if !left.is_empty() {
            let ids: Vec<_> = left.iter().map(|token| token.id.to_string()).collect();
            tracing::error!(
                tokens = ids.join(" "),
                "delegation tokens were cancelled here, and the log could not be told: cancel them again"
            );
        }
    }

    /// What is known of tokens' lives.
    pub(crate) fn view(&self) -> &Arc<View> {
        self.journal.view()
    }

    /// Makes a token, once the log has it. What would not be written by all that is known here is no reason to write, only
    /// for a look at the log; one a second answers for all of them.
    pub(crate) async fn issue(&self, wish: &Wish) -> Result<Issued, Failure> {
        let Delegation { keys, terms, quotas, .. } = &self.delegation;
        if keys.current().is_waiting() {
            return Err(DelegationStateError::NoKeys.into());
        }
        let _place = self.places.take(wish.real_user.as_ref().unwrap_or(&wish.owner))?;
        let now = self.clock.now();
        let may = || self.view().book().may_issue(&wish.owner, wish.real_user.as_ref(), quotas, now);
        if may().is_err() {
            self.journal.look_since(Instant::now()).await?;
            may()?;
        }
        let sequence = self.issued.fetch_add(1, Ordering::Relaxed) & i32::MAX.cast_unsigned();
        let id = TokenId::generate()?;
        self.journal
            .write(|book| {
                book.may_issue(&wish.owner, wish.real_user.as_ref(), quotas, now)?;
                let Wish { owner, renewer, real_user, binding } = wish.clone();
                let store_epoch = book.epoch().max(self.delegation.epoch);
                let draft = Draft { owner, renewer, real_user, id, sequence, store_epoch, binding };
                let issued = issue(draft, &terms.terms, now, &keys.current())?;
                let row = Row::of(&issued.identifier, issued.binding);
                Ok((issued, Some(Record::Issued { id, row })))
            })
            .await
    }

    /// Renews a genuine token for its renewer.
    pub(crate) async fn renew(
        &self,
        identifier: Identifier,
        caller: &Principal,
        named: &mut Option<Named>,
    ) -> Result<Timestamp, Failure> {
        if identifier.renewer.as_ref() != Some(caller) {
            return Err(Failure::NotRenewer);
        }
        let now = self.clock.now();
        if identifier.issued > now.plus(self.delegation.skew) {
            return Err(Failure::TokenOver(DelegationRefusal::Future));
        }
        let mut stands = self.stands(&identifier, now)?;
        if stands.is_some() {
            self.journal.look_since(Instant::now()).await?;
            stands = self.stands(&identifier, now)?;
        }
        if let Some(stands) = stands {
            *named = Some(Named { identifier, renew_before: Some(stands), in_grace: false });
            return Ok(stands);
        }
        let _place = self.places.take(caller)?;
        let (renew_before, in_grace) = self
            .journal
            .write(|book| {
                let renewal = book.renew(&identifier, &self.delegation.terms, now);
                let renewal = renewal.map_err(Failure::TokenOver)?;
                Ok::<_, Failure>(((renewal.until, renewal.in_grace), renewal.record))
            })
            .await?;
        *named = Some(Named { identifier, renew_before: Some(renew_before), in_grace });
        Ok(renew_before)
    }

    /// The date that stands, when a renewal would gain next to nothing by all that is known.
    ///
    /// # Errors
    /// Why the token is over, where no look at the log could tell anything else.
    fn stands(&self, token: &Identifier, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        // One that was cancelled here is over here, also before the log has heard of it.
        if self.view().fate(&token.id).cancelled {
            return Err(Failure::TokenOver(DelegationRefusal::Cancelled));
        }
        match self.view().book().renew(token, &self.delegation.terms, now) {
            Ok(renewal) if renewal.record.is_none() => Ok(Some(renewal.until)),
            Err(
                over @ (DelegationRefusal::Expired | DelegationRefusal::Cancelled | DelegationRefusal::Epoch),
            ) => Err(Failure::TokenOver(over)),
            _ => Ok(None),
        }
    }

    /// Cancels a token for its owner or its renewer. Here it is dead from now on, even if the log does not have it.
    pub(crate) async fn cancel(
        &self,
        token: &str,
        caller: &Principal,
        named: &mut Option<Named>,
    ) -> Result<(), Failure> {
        let identifier = self.genuine(token, named).await?;
        if identifier.owner != *caller && identifier.renewer.as_ref() != Some(caller) {
            return Err(Failure::NotCanceller);
        }
        let _place = self.places_to_cancel.take(caller)?;
        Ok(self.journal.cancel(Tombstone::from(&identifier)).await?)
    }

    /// The token that a request is about, if it is one of ours, whatever its dates. What a token is bound to stands in
    /// the log only, so one that nobody here heard of is looked for there: once a second at most, for all who ask.
    pub(crate) async fn genuine(
        &self,
        token: &str,
        named: &mut Option<Named>,
    ) -> Result<Identifier, Failure> {
        let said = describe(token).map_err(|_| Failure::Field("token is no delegation token"))?.identifier;
        let asked = Instant::now();
        let believe = || authentic_anywhere(token, &self.ring(), &**self.view());
        let mut found = believe();
        if found == Err(DelegationRefusal::Mac) && !self.view().book().knows(&said.id) {
            self.journal.look_since(asked).await?;
            found = believe();
        }
        if found == Err(DelegationRefusal::UnknownKey) {
            self.unknown_key(said.key)?;
        }
        let identifier = found.map_err(Failure::TokenNotGenuine)?.identifier().clone();
        *named = Some(Named { identifier: identifier.clone(), renew_before: None, in_grace: false });
        Ok(identifier)
    }

    /// Whether what is known of tokens' lives is new enough to believe any.
    pub(crate) fn is_fresh(&self) -> Result<(), DelegationStateError> {
        if self.ring().is_waiting() {
            return Err(DelegationStateError::NoKeys);
        }
        if self.delegation.staleness.ends_at(self.view().age()) {
            return Err(DelegationStateError::TooOld);
        }
        Ok(())
    }

    /// Whether it is new enough for classes marked strict.
    pub(crate) fn is_fresh_for_strict(&self) -> Result<(), DelegationStateError> {
        if self.delegation.staleness.ends_for_strict_at(self.view().age()) {
            return Err(DelegationStateError::TooOld);
        }
        Ok(())
    }

    /// Has the key looked for that a token names and nobody here knows: it may have been written a moment ago.
    ///
    /// # Errors
    /// When nobody can tell whether it is one, because the keys here are not those of now.
    pub(super) fn unknown_key(&self, key: KeyId) -> Result<(), DelegationStateError> {
        self.delegation.keys.unknown().met(key);
        if self.ring().is_waiting() {
            return Err(DelegationStateError::NoKeys);
        }
        if self.delegation.keys.are_old() {
            return Err(DelegationStateError::KeysTooOld);
        }
        Ok(())
    }

    /// The ring in force.
    pub(super) fn ring(&self) -> Arc<KeyRing> {
        self.delegation.keys.current()
    }

    /// What a token presented at this instant is measured by.
    pub(super) fn moment(&self, now: Timestamp) -> Moment<'_> {
        Moment { now, skew: self.delegation.skew, views: &**self.view() }
    }
}

impl Drop for DelegationDesk {
    fn drop(&mut self) {
        self.following.abort();
    }
}

#[cfg(test)]
mod tests;
