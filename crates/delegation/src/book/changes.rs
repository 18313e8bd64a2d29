//! What may be written next: quotas at issue, the rules of renewal and cancellation. Each is asked of the book at the
//! log's head, and its record is written under the next number only; whoever loses that number asks again.

use std::time::Duration;

use lakegate_domain::{Principal, Timestamp};

use super::{Book, LONGEST_GRACE, MOST_BYTES, REMEMBERED, Share, State, Tombstone};
use crate::{DelegationRefusal, Identifier, IssueError, QuotaExceeded, Record, Row, Terms, TokenId};

/// How many tokens of one principal are remembered for each that may live: dead ones are remembered for a while, and
/// whoever cancels as fast as he asks fills the log as well.
const REMEMBERED_PER_LIVE: usize = 16;

/// What part of all that is remembered may be about the tokens of one owner, and about those that one proxy got: else
/// one of them could fill the log for everybody. Whom a quota lets have more that live may have so many.
pub(super) const OWNERS_PART: usize = 8;
const PROXYS_PART: usize = 4;

/// What part of the interval a renewal must gain to be written down: others are answered with the date that stands.
const LEAST_GAIN: i64 = 1_000;

/// How many tokens there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// That live, of one owner.
    pub per_owner: usize,
    /// That live and were got by one proxy, whoever owns them.
    pub per_real_user: usize,
    /// That are remembered, of all.
    pub total: usize,
}

impl Default for Quotas {
    /// 1,000 per owner, 10,000 per proxy, 100,000 in all.
    fn default() -> Self {
        Self { per_owner: 1_000, per_real_user: 10_000, total: 100_000 }
    }
}

/// How long tokens live, and for how long after its date one may still be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewalTerms {
    /// How long tokens live.
    pub terms: Terms,
    /// Nothing, unless renewers want what some of Hadoop's services allow; at most [`LONGEST_GRACE`].
    pub grace: Duration,
}

/// A renewal that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Until when the token is good.
    pub until: Timestamp,
    /// Whether its date had come already.
    pub in_grace: bool,
    /// What to write; nothing when it gains next to nothing.
    pub record: Option<Record>,
}

impl Book {
    /// Whether another token for this owner, got by this proxy, is within the quotas.
    ///
    /// # Errors
    /// [`QuotaExceeded`] when it is not.
    pub fn may_issue(
        &self,
        owner: &Principal,
        real_user: Option<&Principal>,
        quotas: &Quotas,
        now: Timestamp,
    ) -> Result<(), QuotaExceeded> {
        let fits = |share: Option<&Share>, quota: usize, part: usize| {
            let Some(Share { ids, bytes }) = share else { return quota > 0 };
            let is_live = |id: &&TokenId| self.entries.get(*id).is_some_and(|entry| self.is_live(entry, now));
            let remembered = quota.saturating_mul(REMEMBERED_PER_LIVE).min(quota.max(quotas.total / part));
            ids.len() < remembered
                && *bytes < MOST_BYTES / part
                && (ids.len() < quota || ids.iter().filter(is_live).count() < quota)
        };
        if self.entries.len() >= quotas.total || self.bytes >= MOST_BYTES {
            return Err(QuotaExceeded::Total);
        }
        if !fits(self.owned.get(owner), quotas.per_owner, OWNERS_PART) {
            return Err(QuotaExceeded::Owner);
        }
        match real_user {
            Some(real) if !fits(self.asked_for.get(real), quotas.per_real_user, PROXYS_PART) => {
                Err(QuotaExceeded::RealUser)
            }
            _ => Ok(()),
        }
    }

    /// Whether a token may be renewed, and until when. Its MAC and the renewer were checked before.
    ///
    /// # Errors
    /// Why it is over; [`DelegationRefusal::Unknown`] for one that the log never heard of.
    pub fn renew(
        &self,
        token: &Identifier,
        terms: &RenewalTerms,
        now: Timestamp,
    ) -> Result<Renewal, DelegationRefusal> {
        if now >= token.max_date {
            return Err(DelegationRefusal::Expired);
        }
        if token.store_epoch < self.epoch {
            return Err(DelegationRefusal::Epoch);
        }
        let entry = self.entries.get(&token.id).ok_or(DelegationRefusal::Unknown)?;
        if entry.state == State::Cancelled {
            return Err(DelegationRefusal::Cancelled);
        }
        let stands = entry.row.renew_before;
        if now >= stands.plus(terms.grace.min(LONGEST_GRACE)) {
            return Err(DelegationRefusal::NotRenewed);
        }
        let date = |error: IssueError| match error {
            IssueError::Clock => DelegationRefusal::Expired,
            _ => DelegationRefusal::NotRenewed,
        };
        let until = terms.terms.renew_date(now, token.max_date).map_err(date)?;
        let in_grace = now >= stands;
        let least = terms.terms.renew_interval().as_millis() / u128::from(LEAST_GAIN.unsigned_abs());
        let gains = until > stands && (until.since(stands).as_millis() > least || until == token.max_date);
        if !gains && !in_grace {
            return Ok(Renewal { until: stands, in_grace, record: None });
        }
        Ok(Renewal { until, in_grace, record: Some(Record::Renewed { id: token.id, until }) })
    }

    /// The record that cancels a token; nothing when that is written already or the token has long been over for good:
    /// a clock that runs ahead takes one for over that others still believe. Its MAC and the canceller were checked
    /// before. A token that the log never heard of is cancelled like any other.
    pub fn cancel(&self, token: &Tombstone, now: Timestamp) -> Option<Record> {
        let is_over = now >= token.max_date.plus(REMEMBERED);
        (!is_over && !self.fate(&token.id).cancelled).then(|| token.record())
    }
}

impl Row {
    /// What the log says of a fresh token.
    pub fn of(token: &Identifier, binding: Option<crate::Binding>) -> Self {
        Self {
            owner: token.owner.clone(),
            real_user: token.real_user.clone(),
            max_date: token.max_date,
            renew_before: token.first_renew_date,
            epoch: token.store_epoch,
            binding,
        }
    }
}
