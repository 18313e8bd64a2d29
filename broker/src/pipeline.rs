//! From caller to answer: decide, look in the tiers, audit. Free of transport; nothing of it exists twice.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lakegate_domain::{Bucket, Caller, Clock, Part, StorageId};
use lakegate_host::PolicyFeed;
use lakegate_policy::{Grant, Snapshot, Staleness};

use crate::staleness::StalenessBounds;
use crate::tiers::{NarrowedShare, Served, StorageTiers, Want};
use crate::{Failure, Proven};

/// How often a decision is taken again because the policy moved while a token was waited for.
const REPEATS: usize = 3;

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// 1 to 4 parts.
    pub parts: Vec<Part>,
    /// SHA-256 of a token that the storage refused.
    pub rejected: Option<[u8; 32]>,
}

/// A token that policy allows to leave, and why.
#[derive(Debug)]
pub struct Answer {
    /// The decision that holds at the moment of handing out.
    pub grant: Grant,
    /// The token.
    pub served: Served,
}

/// Everything an answer is made of.
#[derive(Debug)]
pub struct Pipeline {
    policy: Arc<PolicyFeed>,
    tiers: HashMap<StorageId, StorageTiers>,
    share: NarrowedShare,
    own_buckets: BTreeSet<Bucket>,
    staleness: StalenessBounds,
    clock: Arc<dyn Clock>,
}

/// What a pipeline is told about policy.
#[derive(Debug)]
pub struct PolicyTerms {
    /// Where snapshots come from.
    pub feed: Arc<PolicyFeed>,
    /// How old what is in force may be.
    pub staleness: StalenessBounds,
    /// Buckets with the broker's own policy, audit or state: refused above all policy.
    pub own_buckets: BTreeSet<Bucket>,
}

impl Pipeline {
    /// Joins policy, tiers and limits.
    pub fn new(
        policy: PolicyTerms,
        tiers: HashMap<StorageId, StorageTiers>,
        share: NarrowedShare,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let PolicyTerms { feed, staleness, own_buckets } = policy;
        Self { policy: feed, tiers, share, own_buckets, staleness, clock }
    }

    /// The snapshot in force, if it is fresh enough for anybody.
    ///
    /// # Errors
    /// [`Failure::PolicyUnavailable`] without one.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, Failure> {
        let snapshot = self.policy.current().ok_or(Failure::PolicyUnavailable)?;
        if self.staleness.is_over(&self.policy) { Err(Failure::PolicyUnavailable) } else { Ok(snapshot) }
    }

    /// The number of the policy in force, and each that comes after it.
    pub(crate) fn policy_changes(&self) -> tokio::sync::watch::Receiver<Option<u64>> {
        self.policy.subscribe()
    }

    /// Whether a bucket holds the broker's own policy, audit or state.
    pub fn is_own_bucket(&self, bucket: &Bucket) -> bool {
        self.own_buckets.contains(bucket)
    }

    /// Wall time.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The present instant.
    pub fn now(&self) -> lakegate_domain::Timestamp {
        self.clock.now()
    }

    /// Answers a caller. Waits only on a miss; after a wait the decision is taken again if the policy moved, and whoever
    /// is not the caller any more gets nothing.
    ///
    /// # Errors
    /// Why there is no token for the caller.
    pub async fn answer(
        &self,
        (caller, proven): (&Caller, &dyn Proven),
        ask: &Ask,
    ) -> Result<Answer, Failure> {
        for _ in 0..REPEATS {
            proven.holds(self.clock.now())?;
            let snapshot = self.snapshot()?;
            let grant = self.decide(&snapshot, caller, &ask.parts)?;
            let want = Want { grant: &grant, rejected: ask.rejected };
            is_certain_enough(proven, &grant)?;
            let tiers = self.tiers.get(grant.scope().storage()).ok_or(Failure::StorageNotServed)?;
            if let Some(served) = tiers.hit(&want)? {
                return Ok(Answer { grant, served });
            }
            let served = self.miss(tiers, caller, &want).await?;
            proven.holds(self.clock.now())?;
            if self.snapshot()?.number() == snapshot.number() && self.still_holds(&grant) {
                self.is_fresh_enough(&grant)?;
                is_certain_enough(proven, &grant)?;
                return Ok(Answer { grant, served });
            }
        }
        Err(Failure::PolicyUnavailable)
    }

    fn decide(&self, snapshot: &Snapshot, caller: &Caller, parts: &[Part]) -> Result<Grant, Failure> {
        if parts.iter().any(|part| self.is_own_bucket(part.target().bucket())) {
            return Err(Failure::OwnBucket);
        }
        let grant = snapshot.decide(caller, parts, self.clock.now())?;
        self.is_fresh_enough(&grant)?;
        Ok(grant)
    }

    /// Whether the policy is fresh enough for the grant's class; asked again after a wait, in which it got older.
    fn is_fresh_enough(&self, grant: &Grant) -> Result<(), Failure> {
        let strict = grant.scope().terms().staleness == Staleness::Strict;
        if strict && self.staleness.is_over_for_strict(&self.policy) {
            return Err(Failure::PolicyUnavailable);
        }
        Ok(())
    }

    async fn miss(&self, tiers: &StorageTiers, caller: &Caller, want: &Want<'_>) -> Result<Served, Failure> {
        if let Some(served) = tiers.shared(want).await? {
            return Ok(served);
        }
        // The shared tier was waited for: what is in memory by now costs nothing.
        if let Some(served) = tiers.hit(want)? {
            return Ok(served);
        }
        let mut _paid = None;
        if want.grant.narrowed() || want.rejected.is_some() {
            let spent = self.share.spend(caller.principal(), want.grant.scope().key());
            _paid = Some(spent.map_err(|retry_after| Failure::Fragmented { retry_after })?);
        }
        tiers.mint(want, want.grant.snapshot()).await
    }

    /// Whether time alone ended the grant during the wait.
    fn still_holds(&self, grant: &Grant) -> bool {
        grant.until().is_none_or(|until| self.clock.now() < until)
    }
}

/// Classes marked strict want to be sure of the caller as they do of the policy.
fn is_certain_enough(proven: &dyn Proven, grant: &Grant) -> Result<(), Failure> {
    match grant.scope().terms().staleness {
        Staleness::Strict => proven.is_certain(),
        Staleness::BestEffort => Ok(()),
    }
}
