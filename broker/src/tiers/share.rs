//! Each principal's share of the miss reserve, spent by scopes that nobody shares.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::Quota;
use lakegate_domain::Principal;
use lakegate_policy::ScopeKey;

use crate::buckets::Buckets;

/// How many narrowed scopes a principal may have minted.
#[derive(Debug)]
pub struct NarrowedShare {
    buckets: Buckets<Principal>,
    /// What is being minted and paid for, and how many requests wait for it.
    paid: Arc<Mutex<Paid>>,
}

type Paid = HashMap<(Principal, ScopeKey), usize>;

/// A minting that is paid for, until all who wait for it are gone.
#[derive(Debug)]
#[must_use]
pub struct Spent {
    paid: Arc<Mutex<Paid>>,
    what: (Principal, ScopeKey),
}

impl NarrowedShare {
    /// A share of so many mintings a minute for each principal.
    pub fn per_minute(mintings: NonZeroU32) -> Self {
        Self { buckets: Buckets::new(Quota::per_minute(mintings)), paid: Arc::default() }
    }

    /// Spends one minting of a principal's share, unless it waits for the same scope already: many requests at once
    /// for one scope make one token.
    ///
    /// # Errors
    /// How long to wait when the share is spent.
    pub fn spend(&self, principal: &Principal, scope: ScopeKey) -> Result<Spent, Duration> {
        let what = (principal.clone(), scope);
        let mut paid = lock(&self.paid);
        if let Some(waiting) = paid.get_mut(&what) {
            *waiting += 1;
        } else {
            self.buckets.spend(principal)?;
            paid.insert(what.clone(), 1);
        }
        drop(paid);
        Ok(Spent { paid: Arc::clone(&self.paid), what })
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        let mut paid = lock(&self.paid);
        match paid.get_mut(&self.what) {
            Some(waiting) if *waiting > 1 => *waiting -= 1,
            _ => drop(paid.remove(&self.what)),
        }
    }
}

fn lock(paid: &Mutex<Paid>) -> MutexGuard<'_, Paid> {
    paid.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakegate_domain::{Caller, Clock, Operation, OperationSet, Part, Proof, SystemClock, Target};
    use lakegate_policy::{PolicyDocument, Snapshot};

    fn share_of_two() -> NarrowedShare {
        NarrowedShare::per_minute(NonZeroU32::new(2).unwrap())
    }

    fn who(name: &str) -> Principal {
        Principal::parse(name).unwrap()
    }

    /// The keys of three scopes.
    fn keys() -> [ScopeKey; 3] {
        let document = "version: 1\nstorages: [{ id: lake, dialect: gcs, buckets: [lake-one, lake-two, lake-six] }]\n\
            rules:\n  - { id: r, effect: allow, on: { prefix: 'gs://lake-one/' }, to: ['principal:alice'],\n\
            operations: [read] }\n  - { id: s, effect: allow, on: { prefix: 'gs://lake-two/' },\n\
            to: ['principal:alice'], operations: [read] }\n  - { id: t, effect: allow,\n\
            on: { prefix: 'gs://lake-six/' }, to: ['principal:alice'], operations: [read] }";
        let snapshot = Snapshot::compile(&PolicyDocument::from_yaml(document).unwrap()).unwrap();
        let alice = Caller::new(who("alice"), Proof::ClientCertificate);
        ["gs://lake-one/", "gs://lake-two/", "gs://lake-six/"].map(|path| {
            let read = OperationSet::of(&[Operation::Read]);
            let part = Part::new(Target::parse(path).unwrap(), read).unwrap();
            snapshot.decide(&alice, &[part], SystemClock.now()).unwrap().scope().key()
        })
    }

    #[test]
    fn one_principal_cannot_spend_anothers_share() {
        let (share, [one, two, six]) = (share_of_two(), keys());
        for key in [one, two] {
            drop(share.spend(&who("alice"), key).unwrap());
        }
        assert!(share.spend(&who("alice"), six).unwrap_err() > Duration::ZERO);
        assert!(share.spend(&who("bob"), six).is_ok());
    }

    #[test]
    fn requests_that_wait_for_one_minting_spend_it_once() {
        let (share, [one, two, six]) = (share_of_two(), keys());
        let waiting: Vec<_> = (0..100).map(|_| share.spend(&who("alice"), one).unwrap()).collect();
        let other = share.spend(&who("alice"), two).unwrap();
        assert!(share.spend(&who("alice"), six).is_err(), "two scopes are two mintings");
        drop((waiting, other));
        assert!(share.spend(&who("alice"), one).is_err(), "the next one is another minting");
        assert!(lock(&share.paid).is_empty(), "nothing is remembered");
    }
}
