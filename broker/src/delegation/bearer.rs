//! Whoever came by a delegation token: the token can be asked again while the request goes on.

use std::sync::Arc;

use lakegate_delegation::{TokenId, Verified};
use lakegate_domain::Timestamp;

use super::DelegationDesk;
use crate::Failure;
use crate::authenticate::AuthenticationError;

/// A token that was believed when a request began.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    verified: Arc<Verified>,
    desk: Arc<DelegationDesk>,
}

impl Bearer {
    pub(super) fn new(verified: Arc<Verified>, desk: Arc<DelegationDesk>) -> Self {
        Self { verified, desk }
    }

    /// The token's name.
    pub(crate) fn id(&self) -> TokenId {
        self.verified.identifier().id
    }

    /// The word for what the token is bound to.
    pub(crate) fn bound_to(&self) -> &'static str {
        self.verified.binding().map_or("nothing", |binding| binding.kind().as_str())
    }

    /// What was believed.
    pub(crate) fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Whether it would be believed now.
    ///
    /// # Errors
    /// Why not: it was cancelled or ended meanwhile, or nobody can tell any more.
    pub(crate) fn holds(&self, now: Timestamp) -> Result<(), Failure> {
        self.desk.is_fresh()?;
        let refused = self.verified.check(&self.desk.moment(now));
        Ok(refused.map_err(AuthenticationError::DelegationToken)?)
    }

    /// Whether what is known of it is new enough for classes marked strict.
    ///
    /// # Errors
    /// [`Failure::DelegationState`] when it is not.
    pub(crate) fn is_certain(&self) -> Result<(), Failure> {
        Ok(self.desk.is_fresh_for_strict()?)
    }
}
