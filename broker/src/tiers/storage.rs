//! The tiers of one storage.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use lakegate_domain::{AccessToken, Clock, Credential, Timestamp};
use lakegate_policy::{Grant, Scope};
use lakegate_sts::probe::Gate;
use lakegate_sts::{BadReply, MintError, Minter, SingleFlight};
use lakegate_token_store::SealedTokens;

use super::Mirror;
use super::keeping::Keeping;
use super::local::LocalTier;
use crate::{Failure, Limits};

/// The least life with which a token that ends with its grant is handed out: enough to begin one request.
const LEAST_LIFE: Duration = Duration::from_secs(10);

/// By how much a provider's clock may be ahead when a token's life is held against its class. A class whose life was
/// shortened is served no token of its longer days.
const LIFE_SKEW: Duration = Duration::from_mins(1);

/// Which tier a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// This process's memory.
    Local,
    /// The shared tier.
    Shared,
    /// The cloud made it for this request.
    Minted,
}

impl Tier {
    /// The word for it in audit records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Shared => "shared",
            Self::Minted => "minted",
        }
    }
}

/// What a token is wanted for: a grant, and perhaps the fingerprint of a token that the storage refused.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The decision.
    pub grant: &'a Grant,
    /// SHA-256 of a token that is not to be handed out again to this caller.
    pub rejected: Option<[u8; 32]>,
}

/// A token that may leave.
#[derive(Debug, Clone)]
pub struct Served {
    /// The token.
    pub token: Arc<AccessToken>,
    /// Where it came from.
    pub tier: Tier,
    /// Whether it ends with the grant, sooner than tokens of its class do.
    pub ends_early: bool,
}

/// Local tier, shared tier and minter of one storage.
#[derive(Debug, Clone)]
pub struct StorageTiers {
    local: LocalTier,
    shared: Arc<SealedTokens>,
    minter: Arc<dyn Minter>,
    clock: Arc<dyn Clock>,
    /// How long the shared tier may take to answer; afterwards it is a miss.
    patience: Duration,
}

impl StorageTiers {
    /// Tiers over a mirror of plain scopes, a shared tier and a minter, within the broker's limits.
    pub fn new(
        limits: &Limits,
        mirror: Arc<Mirror>,
        shared: Arc<SealedTokens>,
        minter: Arc<dyn Minter>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let patience = Duration::from_millis(limits.shared_tier_millis);
        let local = LocalTier::new(mirror, limits.local_tokens);
        let (keeps, stores, told) = (local.clone(), Arc::clone(&shared), Arc::clone(&clock));
        let keeping = Keeping { minter, local: keeps, shared: stores, clock: told };
        Self { local, shared, minter: Arc::new(SingleFlight::new(Arc::new(keeping))), clock, patience }
    }

    /// What is in memory.
    pub(super) fn local(&self) -> &LocalTier {
        &self.local
    }

    /// A token from memory; never waits.
    ///
    /// # Errors
    /// [`Failure::Internal`] when a token stands under another scope's key; [`MintError::Escaped`] while the storage's
    /// tokens are known to open more than their scopes.
    pub fn hit(&self, want: &Want<'_>) -> Result<Option<Served>, Failure> {
        self.pass()?;
        for scope in candidates(want) {
            if let Some(token) = self.local.get(scope)
                && self.may_serve(want, scope, &token)?
            {
                return Ok(Some(served(token, Tier::Local, scope)));
            }
        }
        Ok(None)
    }

    /// A token from the shared tier. A store that is down or slow is a miss.
    ///
    /// # Errors
    /// [`Failure::Internal`] when a token stands under another scope's key.
    pub async fn shared(&self, want: &Want<'_>) -> Result<Option<Served>, Failure> {
        let scopes: Vec<&Scope> = candidates(want).collect();
        let found = match tokio::time::timeout(self.patience, self.shared.get_many(&scopes)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "shared tier does not answer");
                return Ok(None);
            }
            Err(_) => {
                tracing::debug!("shared tier is slow");
                return Ok(None);
            }
        };
        for (scope, token) in scopes.into_iter().zip(found) {
            if let Some(token) = token
                && self.may_serve(want, scope, &token)?
            {
                self.local.put(scope, Arc::clone(&token));
                return Ok(Some(served(token, Tier::Shared, scope)));
            }
        }
        Ok(None)
    }

    /// Lets pass unless a probe found that this storage's tokens open more than their scopes: then the cached ones
    /// are suspect too.
    fn pass(&self) -> Result<(), Failure> {
        self.minter.gate().map_or(Ok(()), Gate::pass).map_err(Failure::Mint)
    }

    /// A new token from the cloud, put into both tiers; or the one that came into memory meanwhile.
    ///
    /// # Errors
    /// When the grant ends too soon for any token, or the minter fails.
    pub async fn mint(&self, want: &Want<'_>, snapshot: u64) -> Result<Served, Failure> {
        // The shared tier was waited for; nothing is from here to the flight.
        if let Some(served) = self.hit(want)? {
            return Ok(served);
        }
        let scope = self.scope_to_mint(want)?;
        if self.is_known_to_outlive(want, scope) {
            return Err(Failure::GrantEndsTooSoon);
        }
        let token = match self.minter.mint(scope, snapshot).await {
            Err(MintError::CannotEndEarly | MintError::TooShort) => return Err(Failure::GrantEndsTooSoon),
            other => other?,
        };
        if token.scope_tag != scope.tag() {
            return Err(self.mismatch());
        }
        if !is_fit(scope, &token, self.clock.now()) {
            return Err(Failure::Mint(MintError::BadReply(BadReply::ShortLived)));
        }
        if self.outlives(want, &token) {
            return Err(Failure::GrantEndsTooSoon);
        }
        Ok(served(token, Tier::Minted, scope))
    }

    /// Whether a token that lives already shows that a new one would outlive the grant: a later one ends later. So
    /// a grant that ends too soon costs one call to the cloud, not one for each request.
    fn is_known_to_outlive(&self, want: &Want<'_>, scope: &Scope) -> bool {
        self.local
            .get(scope)
            .is_some_and(|token| token.expires_at > self.clock.now() && self.outlives(want, &token))
    }

    fn scope_to_mint<'a>(&self, want: &Want<'a>) -> Result<&'a Scope, Failure> {
        let Some(ended) = want.grant.ended_scope().filter(|_| self.minter.lives().ends_early) else {
            return Ok(want.grant.scope());
        };
        let left = ended.end().unwrap_or(Timestamp::from_millis(i64::MAX)).since(self.clock.now());
        if left < self.minter.lives().shortest.max(LEAST_LIFE) {
            return Err(Failure::GrantEndsTooSoon);
        }
        Ok(ended)
    }

    fn may_serve(&self, want: &Want<'_>, scope: &Scope, token: &AccessToken) -> Result<bool, Failure> {
        if token.scope_tag != scope.tag() {
            return Err(self.mismatch());
        }
        let remaining = token.remaining(self.clock.now());
        Ok(remaining >= least_life(scope, token)
            && remaining <= scope.terms().token_life + LIFE_SKEW
            && !self.outlives(want, token)
            && self.minter.gate().is_none_or(|gate| gate.trusts(token.minted_at))
            && want.rejected.is_none_or(|rejected| rejected != fingerprint(&token.credential)))
    }

    fn mismatch(&self) -> Failure {
        tracing::error!("a token stands under the key of another scope");
        self.local.count_mismatch();
        Failure::Internal("scope tag does not match")
    }

    /// Whether the token lives longer than the grant. With a provider that cannot end tokens early the overrun
    /// that rules carry is added.
    fn outlives(&self, want: &Want<'_>, token: &AccessToken) -> bool {
        let limit =
            if self.minter.lives().ends_early { want.grant.until() } else { want.grant.overrun_until() };
        limit.is_some_and(|limit| token.expires_at > limit)
    }
}

/// The shared scope first: any token of it that ends in time may serve.
fn candidates<'a>(want: &Want<'a>) -> impl Iterator<Item = &'a Scope> {
    std::iter::once(want.grant.scope()).chain(want.grant.ended_scope())
}

fn served(token: Arc<AccessToken>, tier: Tier, scope: &Scope) -> Served {
    Served { token, tier, ends_early: scope.end().is_some() }
}

/// Whether a token that was just minted is the scope's, and lives long enough to be kept and handed out.
pub(super) fn is_fit(scope: &Scope, token: &AccessToken, now: Timestamp) -> bool {
    token.scope_tag == scope.tag() && token.remaining(now) >= least_life(scope, token)
}

fn least_life(scope: &Scope, token: &AccessToken) -> Duration {
    if scope.end().is_some() { LEAST_LIFE } else { token.hand_out_floor() }
}

/// SHA-256 of what the caller would present to the storage.
pub(super) fn fingerprint(credential: &Credential) -> [u8; 32] {
    let text = match credential {
        Credential::Bearer(token) | Credential::Sas(token) => token.expose(),
        Credential::Aws { session_token, .. } => session_token.expose(),
    };
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
        *to = *from;
    }
    out
}
