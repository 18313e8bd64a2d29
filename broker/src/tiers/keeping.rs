//! Keeping what was minted: done by the call that made the token, not by those who wait for it.
//!
//! A caller whose patience ends before the cloud answers goes away, but the exchange goes on and is paid for. Were its
//! token kept by its callers, a cloud slower than their deadlines would be asked again and again and nobody would
//! ever have a token. This stands inside the single flight, so a token is in memory before its flight is over.

use std::sync::Arc;

use async_trait::async_trait;
use lakegate_domain::{AccessToken, Clock};
use lakegate_policy::Scope;
use lakegate_sts::probe::Gate;
use lakegate_sts::{Lives, MintError, Minter, NotExpressible};
use lakegate_token_store::SealedTokens;

use super::local::LocalTier;
use super::storage::is_fit;

/// A minter whose tokens are in both tiers when it answers.
#[derive(Debug)]
pub(super) struct Keeping {
    pub(super) minter: Arc<dyn Minter>,
    pub(super) local: LocalTier,
    pub(super) shared: Arc<SealedTokens>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Keeping {
    /// Offers a token to the shared tier, behind the answer's back. One that it does not take costs another minting.
    fn share(&self, scope: &Scope, token: &AccessToken) {
        if let Err(error) = self.shared.put_later(scope, token) {
            tracing::warn!(%error, "a token cannot be shared");
        }
    }
}

#[async_trait]
impl Minter for Keeping {
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError> {
        let token = self.minter.mint(scope, snapshot).await?;
        // What may not be handed out is not kept; whoever waits for it is told why.
        if is_fit(scope, &token, self.clock.now()) {
            self.local.put(scope, Arc::clone(&token));
            self.share(scope, &token);
        }
        Ok(token)
    }

    fn expressible(&self, scope: &Scope) -> Result<(), NotExpressible> {
        self.minter.expressible(scope)
    }

    fn lives(&self) -> Lives {
        self.minter.lives()
    }

    fn gate(&self) -> Option<&Gate> {
        self.minter.gate()
    }

    fn quarantined(&self) -> usize {
        self.minter.quarantined()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lakegate_domain::{Caller, OperationSet, Part, Principal, Proof, SystemClock, Target};
    use lakegate_policy::{Grant, PolicyDocument, Snapshot};
    use lakegate_sts::FakeMinter;
    use lakegate_token_store::{MemoryStore, SealingKey, SealingKeys};

    use super::*;
    use crate::Limits;
    use crate::tiers::{StorageTiers, Tier, Want};

    const POLICY: &str = "
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake] }]
rules: [{ id: r, effect: allow, on: { prefix: gs://lake/a/ }, to: ['principal:u'], operations: [read] }]
";

    struct World {
        clock: Arc<dyn Clock>,
        tokens: Arc<SealedTokens>,
        minter: Arc<FakeMinter>,
        grant: Grant,
    }

    impl World {
        fn new() -> Self {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let keys = SealingKeys::single(SealingKey::generate().unwrap());
            let store = Arc::new(MemoryStore::new(Arc::clone(&clock)));
            let tokens = SealedTokens::new(store as _, keys, "test", Arc::clone(&clock)).unwrap();
            let snapshot = Snapshot::compile(&PolicyDocument::from_yaml(POLICY).unwrap()).unwrap();
            let caller = Caller::new(Principal::parse("u").unwrap(), Proof::ClientCertificate);
            let target = Target::parse("gs://lake/a/").unwrap();
            let part = Part::new(target, OperationSet::parse("read").unwrap()).unwrap();
            let grant = snapshot.decide(&caller, &[part], clock.now()).unwrap();
            let minter = Arc::new(FakeMinter::new(Arc::clone(&clock)));
            Self { clock, tokens: Arc::new(tokens), minter, grant }
        }

        /// A broker's tiers with an empty memory.
        fn tiers(&self) -> StorageTiers {
            let (tokens, minter) = (Arc::clone(&self.tokens), Arc::clone(&self.minter));
            let limits = Limits { shared_tier_millis: 10_000, ..Limits::default() };
            StorageTiers::new(&limits, Arc::default(), tokens, minter, Arc::clone(&self.clock))
        }

        fn want(&self) -> Want<'_> {
            Want { grant: &self.grant, rejected: None }
        }
    }

    #[tokio::test]
    async fn a_token_whose_only_caller_left_is_kept_for_the_next_one_in_both_tiers() {
        let world = World::new();
        let (tiers, want) = (world.tiers(), world.want());
        world.minter.hold();
        let impatient = tokio::time::timeout(Duration::from_millis(20), tiers.mint(&want, 1));
        assert!(impatient.await.is_err(), "the cloud hangs");
        assert_eq!(world.minter.calls(), 1);
        world.minter.release();
        let other_broker = world.tiers();
        let kept = async {
            while tiers.hit(&want).unwrap().is_none() || other_broker.shared(&want).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), kept).await.unwrap();
        assert_eq!(world.minter.calls(), 1);
    }

    #[tokio::test]
    async fn a_token_that_was_made_while_a_caller_waited_for_the_store_is_not_made_again() {
        let world = World::new();
        let (tiers, want) = (world.tiers(), world.want());
        assert!(tiers.shared(&want).await.unwrap().is_none());
        assert_eq!(tiers.mint(&want, 1).await.unwrap().tier, Tier::Minted);
        assert_eq!(tiers.mint(&want, 1).await.unwrap().tier, Tier::Local);
        assert_eq!(world.minter.calls(), 1);
    }

    #[tokio::test]
    async fn a_token_that_the_storage_refused_is_made_anew() {
        let world = World::new();
        let tiers = world.tiers();
        let served = tiers.mint(&world.want(), 1).await.unwrap();
        let rejected = Some(crate::tiers::storage::fingerprint(&served.token.credential));
        let again = tiers.mint(&Want { rejected, ..world.want() }, 1).await.unwrap();
        assert_eq!((again.tier, world.minter.calls()), (Tier::Minted, 2));
    }
}
