//! The trait: an access token for a scope.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::AccessToken;
use lakegate_policy::Scope;

use crate::probe::Gate;
use crate::{MintError, NotExpressible};

/// How long the tokens of a minter can live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// Whether a token can be made to end before the source's own life is over.
    pub ends_early: bool,
    /// The shortest life with which a token is made; a scope that ends sooner is refused as
    /// [`MintError::TooShort`].
    pub shortest: Duration,
    /// The longest life of a token. With a source that cannot end tokens early it is the life of all of them, so a
    /// class whose tokens live shorter can have none.
    pub longest: Duration,
}

/// Makes access tokens for scopes of one storage.
///
/// Every implementation and every wrapper passes `conformance::run`:
///
/// - a token can do what its scope says and nothing else, and never outlives the scope's end;
/// - its expiry is the provider's, never a wish; its life is at most the one the scope's terms name;
/// - a scope that the provider cannot express is refused, never widened and never cut short.
#[async_trait]
pub trait Minter: Send + Sync + fmt::Debug {
    /// Makes a token for the scope. `snapshot` is the number of the snapshot that allowed it, kept for audit.
    ///
    /// # Errors
    /// What failed and who is to blame; see [`MintError`].
    async fn mint(&self, scope: &Scope, snapshot: u64) -> Result<Arc<AccessToken>, MintError>;

    /// Whether the provider can express the scope; answered without any call.
    ///
    /// # Errors
    /// What the provider cannot express.
    fn expressible(&self, scope: &Scope) -> Result<(), NotExpressible>;

    /// How long its tokens can live.
    fn lives(&self) -> Lives;

    /// What probes found; none when this storage is not probed. While it is closed no token may be handed out,
    /// cached ones included, and after an escape it does not trust what was minted meanwhile.
    fn gate(&self) -> Option<&Gate>;

    /// How many scopes are remembered because the provider refuses them; for the gauge behind the alarm.
    fn quarantined(&self) -> usize {
        0
    }
}
